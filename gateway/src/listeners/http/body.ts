/** Reads a request body within its bound. */
import type { IncomingMessage } from 'node:http';

const empty = Buffer.alloc(0);

/** `undefined`: larger than `limit` bytes. `null`: the client went away before it was complete. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined | null> {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limit) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let first: Buffer | undefined;
    let chunks: Buffer[] | undefined;
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) {
        request.pause();
        resolve(undefined);
      } else if (first === undefined) first = chunk;
      else (chunks ??= [first]).push(chunk);
    });
    request.on('end', () => resolve(chunks === undefined ? (first ?? empty) : Buffer.concat(chunks)));
    request.on('error', () => resolve(null));
    request.on('close', () => resolve(null));
  });
}
