/** The HTTP+SSE transport of 2024-11-05: one stream for everything that comes, POSTs for everything that goes. */
import { type RequestId, readMessage } from '../../protocol/jsonrpc.ts';
import { sent, unavailable } from '../failures.ts';
import type { Sending, Transport, TransportEvents } from '../transport.ts';
import type { Abandon } from './client/pool.ts';
import { fieldsText, type Headers, merged, ofMessages } from './client/request.ts';
import { type HttpEndpoint, pathWithin } from './endpoint.ts';
import { deliver, type ExchangeLimits, exchange } from './post.ts';

const serverIdLength = 4096;
/** Messages that wait for the address to send them to. */
const maxQueueLength = 64;

interface Outgoing {
  readonly text: string;
  readonly id?: RequestId;
  readonly headers: Headers;
  readonly sharer: string | undefined;
  /** Set when it is on its way. */
  posting?: Abandon;
}

export class SseWire implements Transport {
  readonly cancelsByNotification = true;
  readonly #endpoint: HttpEndpoint;
  readonly #limits: ExchangeLimits;
  readonly #events: TransportEvents;
  readonly #stream: Abandon;
  #path: string | undefined;
  #waiting: Outgoing[] = [];
  #closed = false;

  constructor(endpoint: HttpEndpoint, limits: ExchangeLimits, events: TransportEvents) {
    this.#endpoint = endpoint;
    this.#limits = limits;
    this.#events = events;
    let status = 0;
    const down = (detail: string): void => {
      if (this.#closed) return;
      this.#closed = true;
      events.onDown(detail);
    };
    this.#stream = exchange(
      { pool: endpoint.streams, limits },
      {
        method: 'GET',
        path: endpoint.path,
        fields: fieldsText(merged(endpoint.headers, endpoint.credential?.() ?? {}, { accept: 'text/event-stream' })),
        sharer: endpoint.caller,
      },
      {
        onHead: (code) => {
          status = code;
        },
        onMoved: (location) => pathWithin(endpoint.url, location),
        onText: (text, event) => {
          if (event === 'endpoint' && status === 200) this.#found(text, down);
        },
        onValue: (value, bytes, resultText) => {
          if (status !== 200) return;
          const read = readMessage(value, serverIdLength);
          if (read.ok) events.onMessage(read.message, bytes, undefined, resultText);
        },
        onEnd: (code) => down(code === 200 ? 'the event stream ended' : `HTTP status ${code}`),
        onFailure: (failure) => down('detail' in failure ? failure.detail : failure.kind),
      },
    );
  }

  request(id: RequestId, text: string, { headers, caller }: Sending): Abandon {
    const message: Outgoing = { text, id, headers, sharer: caller ?? ofMessages(this.#endpoint.caller) };
    this.#post(message);
    return {
      abort: () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== message);
        return message.posting?.abort() ?? false;
      },
    };
  }

  send(text: string, caller?: string): void {
    this.#post({ text, headers: {}, sharer: ofMessages(caller ?? this.#endpoint.caller) });
  }

  readonly hearing = 1;

  openStream(): void {}
  agreed(): void {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#stream.abort();
  }

  /** The server names where to post; a different origin would make it choose where our credential goes. */
  #found(text: string, down: (detail: string) => void): void {
    if (this.#path !== undefined) return;
    const path = pathWithin(this.#endpoint.url, text);
    if (path === undefined) {
      this.#stream.abort();
      return down('the endpoint event names no place at the same origin');
    }
    this.#path = path;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) this.#post(message);
  }

  #post(message: Outgoing): void {
    const { text, id, headers, sharer } = message;
    const fail = (detail: string): void => {
      if (id !== undefined) this.#events.onRequestFailed(id, unavailable(detail), false);
    };
    const broke = (detail: string): void => {
      if (id !== undefined) this.#events.onRequestFailed(id, sent(unavailable(detail)), false);
    };
    if (this.#closed) return fail('the event stream ended');
    if (this.#path === undefined) {
      if (this.#waiting.length >= maxQueueLength) return fail('the server names no endpoint');
      this.#waiting.push(message);
      return;
    }
    const fields = fieldsText(
      merged(this.#endpoint.headers, this.#endpoint.credential?.() ?? {}, headers, {
        'content-type': 'application/json',
      }),
    );
    message.posting = deliver(
      { pool: this.#endpoint.calls, limits: this.#limits },
      { method: 'POST', path: this.#path, fields, body: text, sharer },
      {
        // The answer to a request comes over the stream, and may come before this one.
        timeMs: id === undefined ? this.#limits.firstByte : this.#limits.total,
        done: (failed) => {
          if (failed === undefined) return;
          const { problem, isUnsent } = failed;
          if (isUnsent || /status 4\d\d/.test(problem)) fail(problem);
          else broke(problem);
        },
      },
    );
  }
}
