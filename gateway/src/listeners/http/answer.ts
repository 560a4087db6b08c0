/**
 * The answer to one POST. Becomes JSON when nothing but the reply is to be said, and an event stream as soon as there
 * is a notification, an input request, or a wait so long that proxies would give up.
 */
import type { ServerResponse } from 'node:http';
import { Chain, ChainEntry } from '../../pipeline/chain.ts';
import type { Delivered } from '../../pipeline/deliver.ts';
import { TurnEnd } from '../../pipeline/turn.ts';
import { nextTurn, turnsOf } from '../../pipeline/turns.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { longText } from '../../protocol/json-pieces.ts';
import { notificationText } from '../../protocol/jsonrpc.ts';
import { eventText, keepAliveText } from '../../protocol/sse.ts';
import { inBackground } from '../../telemetry/background.ts';
import { type Written, wholeText } from '../reply-text.ts';

const whole = new TurnEnd<{ readonly response: ServerResponse; readonly body: Buffer | string }>(
  ({ response, body }) => {
    if (!response.destroyed) response.end(body, 'latin1');
  },
);

/**
 * Short ASCII stays text: Node puts it behind the head, and both are one write. Anything else becomes bytes, as Node would
 * encode head and body together a second time.
 */
function bodyOf(text: string): Buffer | string {
  return text.length <= maxJoinedLength && Buffer.byteLength(text) === text.length ? text : Buffer.from(text);
}

const maxJoinedLength = 8 * 1024;

/** Bytes that may wait for a client that does not read. */
const maxBacklogBytes = 8 * 1024 * 1024;
/** Bytes of whole answers that may wait for one caller that does not read them. */
const maxUnreadBytes = 64 * 1024 * 1024;

/** Something open that may need a keep-alive. */
export abstract class Kept extends ChainEntry<Kept> {
  abstract keepAlive(now: number, pause: number): void;
  /** Bytes that are said and not read yet. */
  abstract unread(): number;
  abstract cut(): void;
  readonly owner: string;

  constructor(owner: string) {
    super();
    this.owner = owner;
  }
}

/** Every answer and stream that may need a keep-alive, or is not read; one timer serves all of them. */
export class KeepAlive {
  readonly #open = new Chain<Kept>();
  readonly #timer: NodeJS.Timeout;

  constructor(pause: () => number) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const unread = new Map<string, number>();
      // The newest come first, so that the answers that have been unread for longest are cut.
      for (const open of this.#open) {
        open.keepAlive(now, pause());
        const bytes = open.unread();
        if (bytes === 0) continue;
        const together = (unread.get(open.owner) ?? 0) + bytes;
        unread.set(open.owner, together);
        // One answer alone may be as large as the bounds let it be, and its reader slow.
        if (together > maxUnreadBytes && together > bytes) open.cut();
      }
    }, 1_000);
    this.#timer.unref();
  }

  add(open: Kept): void {
    this.#open.add(open);
  }

  delete(open: Kept): void {
    this.#open.delete(open);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

export class Answer extends Kept {
  readonly #response: ServerResponse;
  readonly #streams: boolean;
  readonly #headers: Record<string, string> = {};
  #streaming = false;
  #eventsPreferred = false;
  /** The reply is written completely; a slow client may still be reading it. */
  #finished = false;
  #lastWrite: number;

  /** `canStream`: the client accepts event streams. `owner`: the caller, if it is known. */
  constructor(
    response: ServerResponse,
    {
      canStream,
      started,
      owner = '',
    }: { readonly canStream: boolean; readonly started: number; readonly owner?: string },
  ) {
    super(owner);
    this.#response = response;
    this.#streams = canStream;
    this.#lastWrite = started;
  }

  get canStream(): boolean {
    return this.#streams;
  }

  setHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  /** Answers with an event stream of one event where JSON would do: what servers of the legacy era do, and clients know best. */
  preferEvents(): void {
    this.#eventsPreferred = this.#streams;
  }

  notify(method: string, params: Delivered<JsonObject>): void {
    if (this.#streams) this.write(notificationText(method, params));
  }

  /** One message of a stream, before the reply. */
  write(text: string): void {
    if (this.#finished) return;
    this.#startStream();
    this.#send(eventText(text));
  }

  /** A long one may be written in a later turn: one write to the disk may be what many of them have waited for. */
  finish(written: Written): void {
    if (this.#response.destroyed) return;
    if (this.#eventsPreferred && written.status === 200) this.#startStream();
    this.#finished = true;
    if (written.text.length < longText || !turnsOf().isOver()) return this.#finish(written);
    inBackground(
      'a long answer',
      nextTurn()
        .then(() => this.#finish(written))
        .catch((error: unknown) => {
          this.#response.destroy();
          throw error;
        }),
    );
  }

  #finish(written: Written): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (this.#streaming) {
      response.end(eventText(wholeText(written)));
      return;
    }
    const body = bodyOf(written.text);
    const { middle, after = '' } = written;
    response.writeHead(written.status, {
      ...this.#headers,
      ...written.headers,
      'content-type': 'application/json',
      'content-length': middle === undefined ? body.length : body.length + middle.length + after.length,
    });
    if (middle === undefined) {
      whole.add({ response, body });
      return;
    }
    response.cork();
    response.write(body);
    response.write(middle);
    response.end(after);
    response.uncork();
  }

  /** Nothing is to be said, as for an accepted notification. */
  finishEmpty(status: number): void {
    if (this.#response.destroyed) return;
    this.#finished = true;
    this.#response.writeHead(status, { ...this.#headers, 'content-length': 0 });
    this.#response.end();
  }

  /** Opens the stream although there is nothing to say yet. */
  open(): void {
    this.#startStream();
    this.#response.flushHeaders();
  }

  keepAlive(now: number, pause: number): void {
    if (!this.#streams || this.#finished || now - this.#lastWrite < pause) return;
    this.#startStream();
    this.#send(keepAliveText);
  }

  unread(): number {
    return this.#response.writableLength;
  }

  cut(): void {
    this.#response.destroy();
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
    // A client that does not read must not make the gateway keep everything for it.
    if (response.writableLength > maxBacklogBytes) response.destroy();
  }
}
