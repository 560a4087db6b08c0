/** A third party that keeps or signs checkpoints, so that a replaced log is noticed. */
import { guardedFetch } from '../../../egress/fetch.ts';
import { egressGuard } from '../../../egress/guard.ts';
import type { SignedCheckpoint } from '../read/log-reader.ts';

type Headers = Readonly<Record<string, string>>;

export interface Anchor {
  /** Says which one it is in complaints; holds no secret. */
  readonly name: string;
  /** Hands a checkpoint over. Rejects with a sentence when that did not work; it is tried again with the next one. */
  anchor(checkpoint: SignedCheckpoint, folder: string): Promise<void>;
}

/** Milliseconds that an anchor gets to answer. */
export const anchorTimeout = 10_000;
/** Longest answer that is read. */
export const longestAnswer = 64 * 1024;

const ask = guardedFetch(egressGuard([]));

/**
 * Hands text to an anchor. The operator's URL may lead to any address; redirects are refused. Rejects with a sentence.
 */
export async function handOver(
  url: string,
  {
    method,
    body,
    headers = {},
  }: { readonly method: 'PUT' | 'POST'; readonly body: string; readonly headers?: Headers },
): Promise<{ readonly status: number; readonly text: string }> {
  const bounds = { operator: true, limit: longestAnswer, within: anchorTimeout };
  const answer = await ask(url, {
    ...bounds,
    method,
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8', accept: '*/*', ...headers },
  });
  if (!answer.ok) throw new Error(answer.problem);
  return answer;
}

export async function answerBytes(response: Response): Promise<Buffer> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    length += next.value.length;
    if (length > longestAnswer) {
      await reader?.cancel();
      throw new Error('the answer is too long');
    }
    chunks.push(next.value);
  }
  return Buffer.concat(chunks);
}
