/**
 * The client to fall back to: `undici` behind the contract of our own pool, for `httpClient: undici` of a server. An optional
 * peer, which the operator installs. Connections are dialled as for our own: with its TLS, pins and proxies.
 */
import { createRequire } from 'node:module';
import type { Pool as Undici } from 'undici';
import { messageOf } from '../../../protocol/result.ts';
import type { Dial } from './dial.ts';
import type { Abandon, HttpPool, ResponseHandler } from './pool.ts';
import type { HttpRequest } from './request.ts';

type Library = typeof import('undici');

/** Requests that may wait for a connection. */
const maxQueue = 16_384;

export class UndiciPool implements HttpPool {
  readonly #origin: string;
  #pool: Undici | undefined;
  #problem: string | undefined;
  #waiting = 0;

  /** `connections`: how many may be open at once. */
  constructor(url: URL, dial: Dial, connections: number) {
    this.#origin = url.origin;
    try {
      const { Pool } = createRequire(import.meta.url)('undici') as Library;
      this.#pool = new Pool(url.origin, {
        connections,
        pipelining: 1,
        // Deadlines and sizes are those of the exchange, as for our own client.
        bodyTimeout: 0,
        headersTimeout: 0,
        connect: (_options, done) => {
          dial((dialled) => (dialled.ok ? done(null, dialled.socket) : done(new Error(dialled.problem), null)));
        },
      });
    } catch {
      this.#problem = 'the package undici is not installed. Run: npm install undici';
    }
  }

  send(request: HttpRequest, handler: ResponseHandler): Abandon {
    const pool = this.#pool;
    const headers = request.fields === undefined ? undefined : headersOf(request.fields);
    const problem =
      this.#problem ??
      (headers === undefined ? 'a header cannot be sent as it is' : undefined) ??
      (this.#waiting >= maxQueue ? 'too many requests wait for this server' : undefined);
    if (pool === undefined || headers === undefined || problem !== undefined) {
      queueMicrotask(() => handler.onError(problem ?? 'closed', 'unsent'));
      return { abort: () => false };
    }
    const { method, path, body = null } = request;
    let [sent, over] = [false, false];
    let stop: ((error: Error) => void) | undefined;
    this.#waiting++;
    const finish = (): boolean => {
      if (over) return false;
      over = true;
      this.#waiting--;
      return true;
    };
    pool.dispatch(
      { origin: this.#origin, method, path, headers, body },
      {
        onRequestStart: (controller) => {
          if (over) return controller.abort(new Error('abandoned'));
          sent = true;
          stop = (error) => controller.abort(error);
        },
        onResponseStart: (_controller, status, fields) => {
          if (!over && status >= 200) handler.onHead(status, fields);
        },
        onResponseData: (_controller, chunk) => {
          if (!over) handler.onData(chunk);
        },
        onResponseEnd: () => {
          if (finish()) handler.onEnd();
        },
        onResponseError: (_controller, error) => {
          if (finish()) handler.onError(messageOf(error), sent ? 'sent' : 'unsent');
        },
      },
    );
    return {
      abort: () => {
        if (!finish()) return sent;
        stop?.(new Error('abandoned'));
        return sent;
      },
    };
  }

  destroy(): void {
    const pool = this.#pool;
    this.#pool = undefined;
    this.#problem = 'closed';
    // What is under way fails, and is told so.
    pool?.destroy(new Error('closed')).catch(() => undefined);
  }
}

/** Names and values in turn, from the lines of a head. */
function headersOf(fields: string): string[] {
  return fields
    .split('\r\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
}
