/** Streamable HTTP, both eras: every message is a POST, a legacy session has a GET stream beside it. */
import { isObject, type Json } from '../../protocol/json.ts';
import { type RequestId, readMessage } from '../../protocol/jsonrpc.ts';
import type { Era } from '../../protocol/versions.ts';
import { misbehaved, sent } from '../failures.ts';
import type { Abandon, Sending, Transport, TransportEvents } from '../transport.ts';
import { Call, type CallWire, type Delivered, type Forgets, firstPauseMs, maxPauseMs } from './call.ts';
import { fieldsText, type Headers, type HttpRequest, merged, ofMessages } from './client/request.ts';
import type { ResponseHeaders } from './client/response.ts';
import { type HttpEndpoint, pathWithin } from './endpoint.ts';
import { deliver, type ExchangeLimits, exchange } from './post.ts';

const accept = 'application/json, text/event-stream';

/** Ids that servers choose are theirs; only their size is ours to bound. */
const serverIdLength = 4096;

export class StreamableWire implements Transport {
  readonly cancelsByNotification = false;
  readonly #endpoint: HttpEndpoint;
  readonly #era: Era;
  readonly #limits: ExchangeLimits;
  readonly #events: TransportEvents;
  readonly #base: Headers;
  /** The fields that no call changes, as they were written last, and of which credential. */
  #fixed: { readonly credential: Headers | undefined; readonly text: string | undefined } | undefined;
  /** No configured header has a name that mirrors of the body have as well. */
  readonly #plain: boolean;
  /** Where the server wants requests: the path of the configuration, or where that leads. */
  #path: string;
  #session: string | undefined;
  #version: string | undefined;
  #stream: Abandon | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pause = firstPauseMs;
  #closed = false;
  /** Streams that were opened so far, and whether the last one is open. */
  #opened = 0;
  #isOpen = false;
  /** Of this, what its calls need. */
  readonly #wire: CallWire;

  constructor(endpoint: HttpEndpoint, era: Era, limits: ExchangeLimits, events: TransportEvents) {
    this.#endpoint = endpoint;
    this.#path = endpoint.path;
    this.#era = era;
    this.#limits = limits;
    this.#events = events;
    this.#base = merged(endpoint.headers, { 'content-type': 'application/json', accept });
    this.#plain = Object.keys(this.#base).every((name) => !mirrors(name));
    this.#wire = {
      url: endpoint.url,
      exchange: (request, call) => exchange({ pool: endpoint[call.budget], limits }, request, call),
      resumption: (lastEventId) => this.#resumption(lastEventId),
      moved: (location) => this.#moved(location),
      forgets: (status, responseHeaders) => this.#forgets(status, responseHeaders),
      began: (session) => {
        if (this.#era === 'legacy') this.#session ??= session;
      },
      deliver: (value, answer) => this.#deliver(value, answer),
      failed: (id, failure, lost) => this.#events.onRequestFailed(id, failure, lost),
    };
  }

  request(id: RequestId, text: string, sending: Sending): Abandon {
    const call = new Call(id, sending, this.#wire);
    const fields = this.#fields(sending.headers);
    call.start({ method: 'POST', path: this.#path, fields, body: text, sharer: sending.caller ?? this.#ofMessages() });
    return call;
  }

  send(text: string, caller?: string): void {
    const sharer = this.#ofMessages(caller);
    const request: HttpRequest = { method: 'POST', path: this.#path, fields: this.#fields({}), body: text, sharer };
    const route = { pool: this.#endpoint.calls, limits: this.#limits };
    deliver(route, request, { timeMs: this.#limits.firstByte, done: () => {} });
  }

  agreed(version: string): void {
    this.#version = version;
  }

  get hearing(): number {
    return this.#isOpen ? this.#opened : 0;
  }

  openStream(): void {
    if (this.#closed || this.#session === undefined) return;
    let status = 0;
    const again = (): void => {
      this.#stream = undefined;
      this.#isOpen = false;
      // 405: this server has no such stream. Anything else that is no success will not get better by asking faster.
      if (this.#closed || status === 405 || status === 404) return;
      this.#timer = setTimeout(() => this.openStream(), this.#pause);
      this.#timer.unref();
      this.#pause = Math.min(this.#pause * 2, maxPauseMs);
    };
    this.#stream = exchange(
      { pool: this.#endpoint.streams, limits: this.#limits },
      {
        method: 'GET',
        path: this.#path,
        fields: this.#fields({ accept: 'text/event-stream' }),
        sharer: this.#endpoint.caller,
      },
      {
        onHead: (code) => {
          status = code;
          if (code !== 200) return;
          this.#isOpen = true;
          this.#opened++;
          this.#pause = firstPauseMs;
        },
        onValue: (value, bytes) => {
          if (status === 200) this.#deliver(value, { bytes });
        },
        onEnd: again,
        onFailure: again,
      },
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stream?.abort();
    if (this.#session === undefined) return;
    // A server keeps a session until it is told; one that does not answer is not waited for longer than a second.
    const request: HttpRequest = {
      method: 'DELETE',
      path: this.#path,
      fields: this.#fields({}),
      sharer: this.#ofMessages(),
    };
    await new Promise<void>((resolve) => {
      const route = { pool: this.#endpoint.calls, limits: this.#limits };
      deliver(route, request, { timeMs: 1_000, done: () => resolve() });
    });
  }

  #fields(extra: Headers): string | undefined {
    const credential = this.#endpoint.credential?.();
    if (this.#era === 'modern' && this.#plain && Object.keys(extra).every(mirrors)) {
      // What is the same for every call is written once; the rest cannot have the same names.
      if (this.#fixed === undefined || this.#fixed.credential !== credential)
        this.#fixed = { credential, text: fieldsText(merged(this.#base, credential ?? {})) };
      const own = fieldsText(extra);
      return this.#fixed.text === undefined || own === undefined ? undefined : this.#fixed.text + own;
    }
    const legacy: Record<string, string> = {};
    if (this.#session !== undefined) legacy['mcp-session-id'] = this.#session;
    if (this.#version !== undefined && this.#era === 'legacy') legacy['mcp-protocol-version'] = this.#version;
    return fieldsText(merged(this.#base, credential ?? {}, extra, legacy));
  }

  #ofMessages(caller = this.#endpoint.caller): string | undefined {
    return ofMessages(caller);
  }

  #moved(location: string): string | undefined {
    const path = pathWithin(this.#endpoint.url, location);
    if (path !== undefined) this.#path = path;
    return path;
  }

  /**
   * Does this status mean that the server does not know our session any more, as after a restart? 404 is what it should be
   * (2025-11-25, session management). 400 is what many send, 401 without a challenge some: they may be about the arguments
   * or the credential of this request alone. None of them has run it.
   */
  #forgets(status: number, headers: ResponseHeaders): Forgets {
    if (this.#era !== 'legacy' || this.#session === undefined) return undefined;
    if (status === 404) return 'surely';
    return status === 400 || (status === 401 && headers['www-authenticate'] === undefined) ? 'perhaps' : undefined;
  }

  /** Reads on behind an event (2025-11-25, resumability). */
  #resumption(lastEventId: string): HttpRequest | undefined {
    if (this.#era !== 'legacy' || this.#closed) return undefined;
    const fields = this.#fields({ accept: 'text/event-stream', 'last-event-id': lastEventId });
    return { method: 'GET', path: this.#path, fields };
  }

  /** True when the value answers the request. */
  #deliver(value: Json, { call, bytes, resultText }: Delivered): boolean {
    const request = call?.id;
    // Servers answer errors about the request itself with a null id; the stream says whose it is. A GET is a request of its own.
    const isNameless = isObject(value) && isObject(value.error) && (value.id === null || value.id === undefined);
    const owned = request !== undefined && isNameless && !call?.isResumed ? { ...value, id: request } : value;
    const read = readMessage(owned, serverIdLength);
    if (!read.ok) {
      if (call === undefined || call.status >= 400) return false;
      call.abort();
      this.#events.onRequestFailed(call.id, sent(misbehaved(`not a JSON-RPC message: ${read.problem}`)), false);
      return true;
    }
    const { message } = read;
    // An answer to another request than the one that this stream belongs to is a lie or a mix-up.
    if (message.kind === 'response' && String(message.id) !== String(request)) return false;
    this.#events.onMessage(message, bytes, request, resultText);
    return message.kind === 'response';
  }
}

/** Names of the headers that mirror the body. */
function mirrors(name: string): boolean {
  return name.startsWith('mcp-');
}
