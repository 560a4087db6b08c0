/** Somebody else who keeps or signs a checkpoint, so that the log cannot be replaced without them noticing. */
import type { SignedCheckpoint } from '../read/log-reader.ts';

export interface Anchor {
  /** Says which one it is in complaints; holds no secret. */
  readonly name: string;
  /** Hands a checkpoint over. Rejects with a sentence when that did not work; it is tried again with the next one. */
  anchor(checkpoint: SignedCheckpoint, folder: string): Promise<void>;
}

/** Time that somebody far away gets. */
export const anchorTimeout = 10_000;
/** Longest answer that is read. */
export const longestAnswer = 64 * 1024;

export async function answerText(response: Response): Promise<string> {
  return (await answerBytes(response)).toString('utf8');
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
