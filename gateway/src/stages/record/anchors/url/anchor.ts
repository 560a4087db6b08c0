/** Sends each checkpoint by PUT to a URL, such as an object store that keeps versions. */
import { type Anchor, handOver } from '../contract.ts';

export function urlAnchor(url: string): Anchor {
  return {
    name: `url ${new URL(url).host}`,
    async anchor({ note, size }) {
      const { status } = await handOver(url, {
        method: 'PUT',
        body: note,
        headers: { 'sallyport-log-size': String(size) },
      });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
    },
  };
}
