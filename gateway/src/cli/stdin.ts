/** Secret values that commands read. They never stand on a command line, where other users could see them. */
import { maxSecretBytes } from '../secrets/store.ts';

/** All of stdin. A terminal is refused: what is typed there stands in the scroll-back. */
export async function readValue(
  example: string,
): Promise<string | { readonly problem: string; readonly remedy: string }> {
  const remedy = `Pipe it in: ${example}`;
  if (process.stdin.isTTY) return { problem: 'the value is read from stdin, not from a terminal', remedy };
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxSecretBytes) return { problem: 'the value is larger than 64 KiB', remedy: 'Is it the right file?' };
    chunks.push(chunk);
  }
  const value = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return value === '' ? { problem: 'the value is empty', remedy } : value;
}
