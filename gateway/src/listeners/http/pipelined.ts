/**
 * Requests that come on a connection before those ahead of them are answered (RFC 9112, section 9.3.2). Such a request waits
 * until the answers ahead of it are taken: it costs its sender a few bytes, and its answer thousands that are kept here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that wait on one connection, each with a head of at most `bounds.headers`. One more closes the connection. */
export const maxPipelined = 8;

export class Pipelined {
  readonly #waiting = new WeakMap<Socket, number>();

  /** Is it to be answered now? Otherwise `begin` is called when it is, or never where the connection ends before that. */
  isNext(request: IncomingMessage, response: ServerResponse, begin: () => void): boolean {
    // Node gives an answer the connection when those ahead of it are written.
    if (response.socket !== null) return true;
    const { socket } = request;
    const waiting = this.#waiting.get(socket) ?? 0;
    if (waiting === maxPipelined) {
      socket.destroy();
      return false;
    }
    this.#waiting.set(socket, waiting + 1);
    response.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      // In a turn of its own: what is answered at once would otherwise follow in this one, as long as the client reads.
      setImmediate(() => {
        if (!response.destroyed) begin();
      });
    });
    return false;
  }
}
