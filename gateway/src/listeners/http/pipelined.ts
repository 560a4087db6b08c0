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
   * Bytes of their bodies, of one connection, and of all. Fewer than Node reads ahead: from there on nothing more is read of
   * the connection, so that it would not be seen to end, and the call ahead would go on without a client.
   */
  bytes: 64 * 1024 - 1,
  bytesTogether: 64 * 1024 * 1024,
} as const;

interface Waiting {
  requests: number;
  fields: number;
  bytes: number;
}

interface Answers {
  readonly response: ServerResponse;
  /** To the request before it on its connection. */
  readonly ahead: ServerResponse | undefined;
}

export class Pipelined {
  readonly #waiting = new WeakMap<Socket, Waiting>();
  #bytes = 0;

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
    const { requests, fields: maxFields, bytes: maxBytes, bytesTogether } = pipelinedBounds;
    // Its client may have the whole answer, which is not noted here yet, as it is a turn later over TLS, or later than the rest
    // of a body that is not read: then nothing came early.
    // Nothing is under way that would have to see the connection end, and Node reads no more ahead than what is counted.
    const isOver = own.requests === 0 && ahead !== undefined && isWhole(ahead);
    const bytes = isOver ? Math.min(lengthOf(request), maxBytes) : lengthOf(request);
    const fields = isOver ? 0 : request.rawHeaders.length / 2;
    const isFull = own.requests === requests || own.fields + fields > maxFields || own.bytes + bytes > maxBytes;
    if (isFull || this.#bytes + bytes > bytesTogether) {
      socket.destroy();
      return false;
    }
    const add = (sign: 1 | -1): void => {
      own.requests += sign;
      own.fields += sign * fields;
      own.bytes += sign * bytes;
      this.#bytes += sign * bytes;
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

  #first(socket: Socket): Waiting {
    const own: Waiting = { requests: 0, fields: 0, bytes: 0 };
    this.#waiting.set(socket, own);
    socket.once('close', () => {
      this.#bytes -= own.bytes;
      own.bytes = 0;
    });
    return own;
  }
}

/** The bytes of its body; of one in chunks nothing says how long it is. */
function lengthOf({ headers }: IncomingMessage): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY;
}
