/** Sends each checkpoint by PUT to a URL, such as an object store that keeps versions. */
import { type Anchor, anchorTimeout } from '../contract.ts';

export function urlAnchor(url: string): Anchor {
  return {
    name: `url ${new URL(url).host}`,
    async anchor({ note, size }) {
      const response = await fetch(url, {
        method: 'PUT',
        headers: { 'content-type': 'text/plain; charset=utf-8', 'sallyport-log-size': String(size) },
        body: note,
        redirect: 'error',
        signal: AbortSignal.timeout(anchorTimeout),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    },
  };
}
