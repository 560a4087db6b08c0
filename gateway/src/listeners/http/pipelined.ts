/**
 * Requests that come on a connection before those ahead of them are answered (RFC 9112, section 9.3.2). Such a request waits
 * until the answers ahead of it are taken: it costs its sender a few bytes, and its answer thousands that are kept here.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isWhole } from './body.ts';

export const pipelinedBounds = {
  /** Requests that wait on one connection, each with a head of at most `bounds.headers`. */
  requests: 8,
  /** Header fields of them together: one takes a hundred bytes here, however short it was sent. */
  fields: 1_024,
  /**
   * Bytes of their bodies, of one connection, and of all: of those behind a request that is under way, and of those behind an
   * answer that is only to be taken. Fewer than Node reads ahead: from there on nothing more is read of the connection, so
   * that it would not be seen to end, and the call ahead would go on without a client.
   */
  bytes: 64 * 1024 - 1,
  bytesTogether: 64 * 1024 * 1024,
  /** Milliseconds for which an answer may be untaken where others need the room of what waits behind it. */
  untakenMs: 1_000,
};

interface Waiting {
  requests: number;
  fields: number;
  bytes: number;
  /** Of these, those behind an answer that is only to be taken, and since when, in monotonic milliseconds. */
  over: number;
  since: number;
}

interface Answers {
  readonly response: ServerResponse;
  /** To the request before it on its connection. */
  readonly ahead: ServerResponse | undefined;
}

export class Pipelined {
  readonly #bounds: typeof pipelinedBounds;
  readonly #waiting = new WeakMap<Socket, Waiting>();
  /** Those on which bytes wait behind an answer that is only to be taken, longest first. */
  readonly #untaken = new Map<Socket, Waiting>();
  #bytes = 0;
  /** Of these, behind answers that are only to be taken. */
  #over = 0;

  constructor(bounds = pipelinedBounds) {
    this.#bounds = bounds;
  }

  /** Of the bodies of all requests that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Is it to be answered now? Otherwise `begin` is called when it is, or never where the connection ends before that. */
  isNext(request: IncomingMessage, { response, ahead }: Answers, begin: RequestListener): boolean {
    // Node gives an answer the connection when those ahead of it are written.
    if (response.socket !== null) return true;
    const { socket } = request;
    const own = this.#waiting.get(socket) ?? this.#first(socket);
    const { requests, fields: maxFields, bytes: maxBytes } = this.#bounds;
    // Its client may have the whole answer, which is not noted here yet, as it is a turn later over TLS, or later than the rest
    // of a body that is not read: then nothing came early.
    // Nothing is under way that would have to see the connection end, and Node reads no more ahead than what is counted.
    const isOver = own.requests === 0 && ahead !== undefined && isWhole(ahead);
    const bytes = isOver ? Math.min(lengthOf(request), maxBytes) : lengthOf(request);
    const fields = isOver ? 0 : request.rawHeaders.length / 2;
    const isFull = own.requests === requests || own.fields + fields > maxFields || own.bytes + bytes > maxBytes;
    if (isFull || !this.#hasRoom(bytes, isOver)) {
      socket.destroy();
      return false;
    }
    const add = (sign: 1 | -1): void => {
      own.requests += sign;
      own.fields += sign * fields;
      own.bytes += sign * bytes;
      this.#bytes += sign * bytes;
      if (isOver) this.#wait(socket, own, sign * bytes);
    };
    add(1);
    response.once('socket', () => {
      add(-1);
      // In a turn of its own: what is answered at once would otherwise follow in this one, as long as the client reads.
      setImmediate(() => {
        if (!response.destroyed) begin(request, response);
      });
    });
    return false;
  }

  /** What waits behind an answer that is not taken makes room; a call that is under way is lost to no other connection. */
  #hasRoom(bytes: number, isOver: boolean): boolean {
    const { bytesTogether, untakenMs } = this.#bounds;
    if (!isOver) return this.#bytes - this.#over + bytes <= bytesTogether;
    const now = performance.now();
    for (const [socket, own] of this.#untaken) {
      if (this.#over + bytes <= bytesTogether || now - own.since < untakenMs) break;
      this.#leave(socket, own);
      socket.destroy();
    }
    return this.#over + bytes <= bytesTogether;
  }

  #wait(socket: Socket, own: Waiting, bytes: number): void {
    own.over += bytes;
    this.#over += bytes;
    this.#untaken.delete(socket);
    if (own.over === 0) return;
    own.since = performance.now();
    this.#untaken.set(socket, own);
  }

  #leave(socket: Socket, own: Waiting): void {
    this.#bytes -= own.bytes;
    this.#over -= own.over;
    own.bytes = 0;
    own.over = 0;
    this.#untaken.delete(socket);
  }

  #first(socket: Socket): Waiting {
    const own: Waiting = { requests: 0, fields: 0, bytes: 0, over: 0, since: 0 };
    this.#waiting.set(socket, own);
    socket.once('close', () => this.#leave(socket, own));
    return own;
  }
}

/** The bytes of its body; of one in chunks nothing says how long it is. */
function lengthOf({ headers }: IncomingMessage): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY;
}
