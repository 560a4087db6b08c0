/** Reads a request body within its bound. */
import type { IncomingMessage } from 'node:http';
import { Pieces } from '../../protocol/pieces.ts';

/**
 * Calls back once: with the body, or with `undefined` when it is larger than `limit` bytes. Never when the client goes
 * away before that. A callback, as this stands on the way of every request.
 */
export function readBody(request: IncomingMessage, limit: number, done: (body: Buffer | undefined) => void): void {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > limit) return done(undefined);
  const pieces = new Pieces();
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    const before = length;
    length += chunk.length;
    if (length > limit) {
      request.pause();
      if (before <= limit) done(undefined);
    } else pieces.add(chunk);
  });
  request.on('end', () => {
    if (length <= limit) done(pieces.whole());
  });
  request.on('error', () => {});
}
