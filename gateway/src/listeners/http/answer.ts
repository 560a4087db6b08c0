/**
 * The answer to one POST. Becomes JSON when nothing but the reply is to be said, and an event stream as soon as there
 * is a notification, a question, or a wait so long that proxies would give up.
 */
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../protocol/json.ts';
import { notificationText } from '../../protocol/jsonrpc.ts';
import { eventText, keepAliveText } from '../../protocol/sse.ts';

/** Bytes that may wait for a client that does not read. */
const longestBacklog = 8 * 1024 * 1024;

/** Every answer and stream that may need a keep-alive; one timer serves all of them. */
export class KeepAlive {
  readonly #open = new Set<{ keepAlive(now: number, pause: number): void }>();
  readonly #timer: NodeJS.Timeout;

  constructor(pause: () => number) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const open of this.#open) open.keepAlive(now, pause());
    }, 1_000);
    this.#timer.unref();
  }

  add(open: { keepAlive(now: number, pause: number): void }): void {
    this.#open.add(open);
  }

  delete(open: { keepAlive(now: number, pause: number): void }): void {
    this.#open.delete(open);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

export class Answer {
  readonly #response: ServerResponse;
  readonly #streams: boolean;
  readonly #headers: Record<string, string> = {};
  #streaming = false;
  #lastWrite: number;

  /** `streams`: the client accepts event streams. */
  constructor(response: ServerResponse, streams: boolean, now: number) {
    this.#response = response;
    this.#streams = streams;
    this.#lastWrite = now;
  }

  get canStream(): boolean {
    return this.#streams;
  }

  setHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  notify(method: string, params: JsonObject): void {
    if (this.#streams) this.write(notificationText(method, params));
  }

  /** One message of a stream, before the reply. */
  write(text: string): void {
    this.#startStream();
    this.#send(eventText(text));
  }

  finish(status: number, text: string, headers?: Readonly<Record<string, string>>): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (this.#streaming) {
      response.end(eventText(text));
      return;
    }
    response.writeHead(status, {
      ...this.#headers,
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  /** Nothing is to be said, as for an accepted notification. */
  finishEmpty(status: number): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, { ...this.#headers, 'content-length': 0 });
    this.#response.end();
  }

  /** Opens the stream although there is nothing to say yet. */
  open(): void {
    this.#startStream();
    this.#response.flushHeaders();
  }

  keepAlive(now: number, pause: number): void {
    if (!this.#streams || now - this.#lastWrite < pause) return;
    this.#startStream();
    this.#send(keepAliveText);
  }

  #startStream(): void {
    if (this.#streaming || this.#response.destroyed) return;
    this.#streaming = true;
    this.#response.writeHead(200, {
      ...this.#headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  }

  #send(text: string): void {
    const response = this.#response;
    if (response.destroyed) return;
    this.#lastWrite = performance.now();
    response.write(text);
    // Whoever does not read must not make us remember everything for them.
    if (response.writableLength > longestBacklog) response.destroy();
  }
}
