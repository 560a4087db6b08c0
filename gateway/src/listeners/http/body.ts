/** The body of a request, within its bound. Nothing of it is read before it is wanted: identity comes first. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Shares } from '../../pipeline/shares.ts';
import { nextTurn, turnsOf } from '../../pipeline/turns.ts';
import { longMessageBytes } from '../../protocol/message-bounds.ts';
import { areTooSmall, Pieces } from '../../protocol/pieces.ts';
import { inBackground } from '../../telemetry/background.ts';

/**
 * Why there is no body: it has too many bytes, or comes in too many small chunks (`too-large`), or too many bytes are being read
 * for the same caller already.
 */
export type BodyFault = 'too-large' | 'too-many';
export type BodyResult = Buffer | BodyFault;

type Done = (body: BodyResult) => void;

/** In place of a body that was handed over. */
const over: BodyFault = 'too-large';

export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #budget: Shares;
  #waiting: Done[] | undefined;
  #result: BodyResult | undefined;
  /** A proof was read from it, and the message is still to be. */
  #isReadAgain = false;
  /** Whose bytes they are, and how many were counted. */
  #owner = '';
  #counted = 0;

  constructor(request: IncomingMessage, maxBytes: number, budget: Shares) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  /**
   * Calls back once: with the body, or with why there is none; also when the client goes away, so that what waits here
   * always goes on. At once where it was read for a proof. A callback, as this stands on the way of every request. Nothing is
   * kept of it, as what is answered may stay open for long.
   */
  read(owner: string, done: Done): void {
    this.#isReadAgain = false;
    const result = this.#result;
    if (result === undefined) return this.#begin(owner, done);
    this.#result = over;
    done(this.#countsFor(owner) ? result : 'too-many');
  }

  /** What was read for a proof counted apart, as it might not be the owner's. */
  #countsFor(owner: string): boolean {
    const bytes = this.#counted;
    if (bytes === 0 || owner === this.#owner) return true;
    this.release();
    this.#owner = owner;
    return this.#count(bytes);
  }

  #begin(owner: string, done: Done): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(done);
      return;
    }
    this.#waiting = [done];
    this.#owner = owner;
    const request = this.#request;
    const header = request.headers['content-length'];
    const declared = header === undefined ? undefined : Number(header);
    if (declared !== undefined && declared > this.#maxBytes) return this.#settle('too-large');
    const pieces = new Pieces();
    let length = 0;
    let chunks = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (this.#result !== undefined) return;
      if (length > this.#maxBytes || areTooSmall(++chunks, length)) {
        request.pause();
        this.#settle('too-large');
        // What came in one piece is whole, and nothing waits.
      } else if (length !== declared && !this.#count(chunk.length)) {
        request.pause();
        this.#settle('too-many');
      } else pieces.add(chunk);
    });
    request.on('end', () => {
      if (this.#result === undefined) this.#settle(pieces.take());
    });
    // Node says no error of a request where none listens for it, and closes it in any case.
    request.on('close', () => this.#settle('too-large'));
  }

  #count(bytes: number): boolean {
    if (!this.#budget.take(this.#owner, bytes)) return false;
    this.#counted += bytes;
    return true;
  }

  #settle(result: BodyResult): void {
    if (this.#result !== undefined) return;
    this.#result = result;
    if (typeof result === 'string' || result.length < longMessageBytes) return this.#conclude(result);
    // What came in one piece was not counted, and its values are held until the request is over.
    if (!this.#count(result.length - this.#counted)) return this.#conclude((this.#result = 'too-many'));
    if (!turnsOf().isOver()) return this.#conclude(result);
    inBackground(
      'a body that waits for its turn',
      nextTurn().then(() => this.#conclude(result)),
    );
  }

  /** The request is over, and nothing of its body is held any more. */
  release(): void {
    if (this.#counted === 0) return;
    this.#budget.give(this.#owner, this.#counted);
    this.#counted = 0;
  }

  #conclude(result: BodyResult): void {
    if (typeof result === 'string') this.release();
    const waiting = this.#waiting ?? [];
    this.#waiting = [];
    if (!this.#isReadAgain) this.#result = over;
    for (const done of waiting) done(result);
  }

  /** For a proof that covers the body. */
  whole(owner: string): Promise<BodyResult> {
    this.#isReadAgain = true;
    const { promise, resolve } = Promise.withResolvers<BodyResult>();
    if (this.#result === undefined) this.#begin(owner, resolve);
    else resolve(this.#result);
    return promise;
  }
}

/** Milliseconds for which what is left of a body is waited for, and read altogether, and the most pieces that are read. */
const maxPauseMs = 2_000;
const maxLingerMs = 30_000;
const maxLingerPieces = 10_000;
const anyLingerPieces = 2_048;

/** Answers that are whole, and end with the rest of the body of their request. */
const withoutEnd = new WeakSet<ServerResponse>();

/** Is there nothing more to come of it? Its client may take it for the end of the request as well. */
export function isWhole(response: ServerResponse): boolean {
  return response.writableEnded || withoutEnd.has(response);
}

export interface Unread {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Of the body that is not read. */
  readonly maxBytes: number;
}

/**
 * Answers a request whose body is not wanted, whole and at once, and then reads on for a moment: a connection
 * that is closed while bytes are still coming is reset, and the client may lose the answer with it (RFC 9112, 9.6).
 * Reads at most `maxBytes`, keeps nothing, and then lets the connection go.
 */
export function answerUnread(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, text, maxBytes }: Unread,
): void {
  if (response.destroyed) return;
  const body = Buffer.from(text);
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': body.length });
  if (request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  withoutEnd.add(response);
  let length = 0;
  let pieces = 0;
  const begun = performance.now();
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const wait = (): NodeJS.Timeout => setTimeout(() => request.destroy(), maxPauseMs);
  let timer = wait();
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    pieces++;
    const isTooMuch = length > maxBytes || pieces > maxLingerPieces || areTooSmall(pieces, length, anyLingerPieces);
    if (isTooMuch || performance.now() - begun > maxLingerMs) return void request.destroy();
    clearTimeout(timer);
    timer = wait();
  });
  request.on('end', end);
  request.on('close', end);
  request.on('error', end);
  request.resume();
}
