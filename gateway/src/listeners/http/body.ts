/** The body of a request, within its bound. Nothing of it is read before it is wanted: identity comes first. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pieces } from '../../protocol/pieces.ts';

type Done = (body: Buffer | undefined) => void;

export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  #waiting: Done[] | undefined;
  #result: { readonly body: Buffer | undefined } | undefined;

  constructor(request: IncomingMessage, maxBytes: number) {
    this.#request = request;
    this.#maxBytes = maxBytes;
  }

  /**
   * Calls back once: with the body, or with `undefined` when it has more than `maxBytes` bytes or ended early. At once
   * where it was read before. A callback, as this stands on the way of every request.
   */
  read(done: Done): void {
    if (this.#result !== undefined) return done(this.#result.body);
    if (this.#waiting !== undefined) {
      this.#waiting.push(done);
      return;
    }
    this.#waiting = [done];
    const request = this.#request;
    const declared = request.headers['content-length'];
    if (declared !== undefined && Number(declared) > this.#maxBytes) return this.#settle(undefined);
    const pieces = new Pieces();
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (this.#result !== undefined) return;
      if (length <= this.#maxBytes) return pieces.add(chunk);
      request.pause();
      this.#settle(undefined);
    });
    request.on('end', () => {
      if (length <= this.#maxBytes) this.#settle(pieces.whole());
    });
    request.on('error', () => this.#settle(undefined));
    // Also for a client that goes away in the middle, so that what waits here always goes on.
    request.on('close', () => this.#settle(undefined));
  }

  #settle(body: Buffer | undefined): void {
    if (this.#result !== undefined) return;
    this.#result = { body };
    const waiting = this.#waiting ?? [];
    this.#waiting = [];
    for (const done of waiting) done(body);
  }

  /** As `read`, for a proof that covers the body. */
  whole(): Promise<Buffer | undefined> {
    return new Promise((resolve) => this.read(resolve));
  }
}

/** Milliseconds for which what is left of a body is read after the answer, and the most pieces that are read. */
const maxLingerMs = 2_000;
const maxLingerPieces = 10_000;

/**
 * Answers a request whose body nobody wants any more, whole and at once, and then reads on for a moment: a connection
 * that is closed while bytes are still coming is reset, and the client may lose the answer with it (RFC 9112, 9.6).
 * Reads at most `maxBytes`, keeps nothing, and then lets the connection go.
 */
export function answerUnread(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  { status, headers, text }: { status: number; headers: Readonly<Record<string, string>>; text: string },
): void {
  if (response.destroyed) return;
  const body = Buffer.from(text);
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': body.length });
  if (request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  let length = 0;
  let pieces = 0;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(() => request.destroy(), maxLingerMs);
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    pieces++;
    if (length > maxBytes || pieces > maxLingerPieces) request.destroy();
  });
  request.on('end', end);
  request.on('close', end);
  request.on('error', end);
  request.resume();
}
