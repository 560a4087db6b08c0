/** Streamable HTTP, both eras: every message is a POST, a legacy session has a GET stream beside it. */
import type { UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import { type RequestId, readMessage } from '../../protocol/jsonrpc.ts';
import type { Era } from '../../protocol/versions.ts';
import { limited, misbehaved, sent, unavailable } from '../failures.ts';
import type { Abandon, Budget, Transport, TransportEvents } from '../transport.ts';
import { fieldsText, type Headers, type HttpRequest, merged } from './client/request.ts';
import type { ResponseHeaders } from './client/response.ts';
import { type HttpEndpoint, pathWithin } from './endpoint.ts';
import { deliver, type ExchangeLimits, exchange } from './post.ts';
import { retryAfterOf } from './retry-after.ts';

const accept = 'application/json, text/event-stream';
const firstPauseMs = 1_000;
/** A server that wants to be asked again at once is asked four times a second. */
const minPauseMs = 250;
const maxPauseMs = 30_000;

/** Ids that servers choose are theirs; only their size is ours to bound. */
const serverIdLength = 4096;

/** One request and the exchange that reads its answer at the moment. */
interface Call {
  readonly id: RequestId;
  readonly budget: Budget;
  answered: boolean;
  current: Abandon | undefined;
}

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

  constructor(endpoint: HttpEndpoint, era: Era, limits: ExchangeLimits, events: TransportEvents) {
    this.#endpoint = endpoint;
    this.#path = endpoint.path;
    this.#era = era;
    this.#limits = limits;
    this.#events = events;
    this.#base = merged(endpoint.headers, { 'content-type': 'application/json', accept });
    this.#plain = Object.keys(this.#base).every((name) => !mirrors(name));
  }

  request(id: RequestId, text: string, headers: Readonly<Record<string, string>>, budget: Budget): Abandon {
    const call: Call = { id, budget, answered: false, current: undefined };
    this.#start(call, { method: 'POST', path: this.#path, fields: this.#fields(headers), body: text });
    return { abort: () => call.current?.abort() ?? true };
  }

  /** Reads the answer to a request: from the POST, and from GETs that resume it where the server has cut it off. */
  #start(call: Call, request: HttpRequest): void {
    const { id, budget } = call;
    let status = 0;
    let challenge: string | undefined;
    let movedTo: string | undefined;
    let retryAfterMs: number | undefined;
    let lost = false;
    let lastEventId: string | undefined;
    let retry = firstPauseMs;
    const resumes = (): boolean => {
      if (call.answered || lastEventId === undefined || status !== 200 || this.#closed) return false;
      if (this.#era !== 'legacy') return false;
      const from = lastEventId;
      const timer = setTimeout(() => {
        const fields = this.#fields({ accept: 'text/event-stream', 'last-event-id': from });
        this.#start(call, { method: 'GET', path: this.#path, fields });
      }, retry);
      timer.unref();
      const abort = (): boolean => {
        clearTimeout(timer);
        return true;
      };
      call.current = { abort };
      return true;
    };
    call.current = exchange({ pool: this.#endpoint[budget], limits: this.#limits }, request, {
      onResumable: (eventId, pause) => {
        // An id that could not stand in a header is not one that we could send back.
        if (eventId !== undefined && /^[\x21-\x7e]{1,512}$/.test(eventId)) lastEventId = eventId;
        if (pause !== undefined) retry = Math.min(Math.max(pause, minPauseMs), maxPauseMs);
      },
      onMoved: (location) => this.#moved(location),
      onHead: (code, responseHeaders) => {
        status = code;
        lost = this.#forgets(code, responseHeaders);
        if (code >= 300 && code < 400) movedTo = placeOf(oneText(responseHeaders.location), this.#endpoint.url);
        if (code === 429) retryAfterMs = retryAfterOf(oneText(responseHeaders['retry-after']), Date.now());
        if (code === 401 || code === 403) challenge = oneText(responseHeaders['www-authenticate']);
        const session = responseHeaders['mcp-session-id'];
        if (this.#era === 'legacy' && typeof session === 'string' && this.#session === undefined && code < 300)
          this.#session = session;
      },
      onValue: (value, bytes, resultText) => {
        if (lost) return;
        // A refused credential is the gateway's own business: what the server says about it is not passed on.
        if (status === 401 || status === 429 || challenge !== undefined) return;
        if (this.#deliver(value, bytes, call, status, resultText)) call.answered = true;
      },
      onEnd: () => {
        if (call.answered || (!lost && resumes())) return;
        this.#events.onRequestFailed(id, endFailure(status, { challenge, movedTo, retryAfterMs }), lost);
      },
      onFailure: (failure) => {
        if (failure.kind === 'unavailable' && resumes()) return;
        this.#events.onRequestFailed(id, failure, false);
      },
    });
  }

  send(text: string): void {
    const request: HttpRequest = { method: 'POST', path: this.#path, fields: this.#fields({}), body: text };
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
      { method: 'GET', path: this.#path, fields: this.#fields({ accept: 'text/event-stream' }) },
      {
        onHead: (code) => {
          status = code;
          if (code !== 200) return;
          this.#isOpen = true;
          this.#opened++;
          this.#pause = firstPauseMs;
        },
        onValue: (value, bytes) => {
          if (status === 200) this.#deliver(value, bytes, undefined, status);
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
    const request: HttpRequest = { method: 'DELETE', path: this.#path, fields: this.#fields({}) };
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

  #moved(location: string): string | undefined {
    const path = pathWithin(this.#endpoint.url, location);
    if (path !== undefined) this.#path = path;
    return path;
  }

  /**
   * Does this status mean that the server does not know our session any more, as after a restart? 404 is what it should be
   * (2025-11-25, session management), 400 what many send, 401 without a challenge some. None of them has run the request.
   */
  #forgets(status: number, headers: ResponseHeaders): boolean {
    if (this.#era !== 'legacy' || this.#session === undefined) return false;
    return status === 404 || status === 400 || (status === 401 && headers['www-authenticate'] === undefined);
  }

  /** True when the value answers the request. */
  #deliver(value: Json, bytes: number, call: Call | undefined, status: number, resultText?: string): boolean {
    const request = call?.id;
    // Servers answer errors about the request itself with a null id; the stream says whose it is.
    const owned =
      request !== undefined && isObject(value) && isObject(value.error) && (value.id === null || value.id === undefined)
        ? { ...value, id: request }
        : value;
    const read = readMessage(owned, serverIdLength);
    if (!read.ok) {
      if (call !== undefined && request !== undefined && status < 400) {
        call.current?.abort();
        this.#events.onRequestFailed(request, sent(misbehaved(`not a JSON-RPC message: ${read.problem}`)), false);
        return true;
      }
      return false;
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

function oneText(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ');
}

/** Where a redirect leads, without query, fragment and user information, which may repeat a secret of the URL that was asked. */
function placeOf(location: string | undefined, asked: URL): string | undefined {
  if (location === undefined || !URL.canParse(location, asked.href)) return undefined;
  const { protocol, host, origin, pathname } = new URL(location, asked);
  return origin === asked.origin ? pathname : `${protocol}//${host}${pathname}`;
}

interface EndFacts {
  readonly challenge: string | undefined;
  readonly movedTo: string | undefined;
  readonly retryAfterMs: number | undefined;
}

function endFailure(status: number, { challenge, movedTo, retryAfterMs }: EndFacts): UpstreamFailure {
  if (retryAfterMs !== undefined) return limited(retryAfterMs);
  if (movedTo !== undefined) return unavailable(`HTTP status ${status}, which leads to ${movedTo}`, status);
  if (status === 401 || status === 403)
    return unavailable(`the server refused the gateway's credential with ${status}`, status, challenge);
  // What is refused with 4xx has not been done (RFC 9110, 15.5); with 5xx nothing is sure.
  if (status >= 500) return sent(unavailable(`HTTP status ${status}`, status));
  if (status >= 300) return unavailable(`HTTP status ${status}`, status);
  return sent(misbehaved('the answer ended without a response'));
}
