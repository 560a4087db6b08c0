/** A request over Streamable HTTP, and the exchanges that read its answer: a POST, and GETs that resume it (legacy). */
import type { UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import { isObject, type Json } from '../../protocol/json.ts';
import { type RequestId, type RpcError, readError } from '../../protocol/jsonrpc.ts';
import { forgotten, limited, misbehaved, sent, unavailable } from '../failures.ts';
import type { Abandon, Budget, Sending } from '../transport.ts';
import type { HttpRequest } from './client/request.ts';
import type { ResponseHeaders } from './client/response.ts';
import type { ExchangeEvents } from './post.ts';
import { retryAfterOf } from './retry-after.ts';

export const firstPauseMs = 1_000;
/** A server that wants to be asked again at once is asked four times a second. */
const minPauseMs = 250;
export const maxPauseMs = 30_000;

/** Beside a value that came. */
export interface Delivered {
  /** Absent on the stream that belongs to no call. */
  readonly call?: Call;
  readonly bytes: number;
  readonly resultText?: string | undefined;
}

/** What a call needs of its transport. */
export interface CallWire {
  readonly url: URL;
  exchange(request: HttpRequest, call: Call): Abandon;
  /** The request that reads on behind this event; nothing where an answer that was cut off is lost. */
  resumption(lastEventId: string): HttpRequest | undefined;
  /** The path to send the request to; nothing where it must not follow. */
  moved(location: string): string | undefined;
  /** Does this answer mean that the server does not know the session any more? */
  forgets(status: number, headers: ResponseHeaders): Forgets;
  began(session: string): void;
  /** True when the value answers the call. */
  deliver(value: Json, delivered: Delivered): boolean;
  /** `lost`: the server has forgotten the session. */
  failed(id: RequestId, failure: UpstreamFailure, lost: boolean): void;
}

export type Forgets = 'surely' | 'perhaps' | undefined;

/** Its own events, as objects of closures would be alive for each call that is under way. */
export class Call implements ExchangeEvents, Abandon {
  readonly id: RequestId;
  readonly budget: Budget;
  readonly #sharer: string | undefined;
  readonly #wire: CallWire;
  #isAnswered = false;
  /** The server has taken the request and begun to answer: what it says since is of the answer, and not of the request. */
  #isResumed = false;
  #current: Abandon | undefined;
  #timer: NodeJS.Timeout | undefined;
  // Of the exchange that reads at the moment.
  #status = 0;
  #challenge: string | undefined;
  #movedTo: string | undefined;
  #retryAfterMs: number | undefined;
  #forgets: Forgets;
  #said: RpcError | undefined;
  #lastEventId: string | undefined;
  #pauseMs = firstPauseMs;

  constructor(id: RequestId, { budget, caller }: Sending, wire: CallWire) {
    this.id = id;
    this.budget = budget;
    this.#sharer = caller;
    this.#wire = wire;
  }

  get status(): number {
    return this.#status;
  }

  get isResumed(): boolean {
    return this.#isResumed;
  }

  start(request: HttpRequest): void {
    this.#current = this.#wire.exchange(request, this);
  }

  abort(): boolean {
    clearTimeout(this.#timer);
    const hasLeft = this.#current?.abort() ?? true;
    return hasLeft || this.#isResumed;
  }

  onResumable(eventId: string | undefined, pause: number | undefined): void {
    // An id that could not stand in a header is not one that we could send back.
    if (eventId !== undefined && /^[\x21-\x7e]{1,512}$/.test(eventId)) this.#lastEventId = eventId;
    if (pause !== undefined) this.#pauseMs = Math.min(Math.max(pause, minPauseMs), maxPauseMs);
  }

  onMoved(location: string): string | undefined {
    return this.#wire.moved(location);
  }

  onHead(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    if (this.#isResumed) return;
    this.#forgets = this.#wire.forgets(status, headers);
    if (status >= 300 && status < 400) this.#movedTo = placeOf(oneText(headers.location), this.#wire.url);
    if (status === 429) this.#retryAfterMs = retryAfterOf(oneText(headers['retry-after']), Date.now());
    if (status === 401 || status === 403) this.#challenge = oneText(headers['www-authenticate']);
    const session = headers['mcp-session-id'];
    if (typeof session === 'string' && status < 300) this.#wire.began(session);
  }

  onValue(value: Json, bytes: number, resultText: string | undefined): void {
    if (this.#forgets === 'surely' || (this.#isResumed && this.#status !== 200)) return;
    // A refused credential is the gateway's own business: what the server says about it is not passed on.
    if (this.#status === 401 || this.#status === 429 || this.#challenge !== undefined) return;
    if (this.#forgets === 'perhaps') this.#said = isObject(value) ? readError(value.error) : undefined;
    else if (this.#wire.deliver(value, { call: this, bytes, resultText })) this.#isAnswered = true;
  }

  onEnd(): void {
    const forgets = this.#forgets;
    if (this.#isAnswered || (forgets === undefined && this.#resumes())) return;
    const failure = this.#failure();
    const told = forgets === undefined ? failure : forgotten(failure, forgets, this.#said);
    this.#wire.failed(this.id, told, forgets === 'surely');
  }

  onFailure(failure: UpstreamFailure): void {
    // The status says it all: what is left of a refusal that was cut off tells no more.
    if (this.#forgets !== undefined && failure.kind === 'unavailable' && !this.#isResumed) return this.onEnd();
    if (failure.kind === 'unavailable' && this.#resumes()) return;
    this.#wire.failed(this.id, this.#isResumed ? sent(failure) : failure, false);
  }

  #resumes(): boolean {
    if (this.#isAnswered || this.#lastEventId === undefined || this.#status !== 200) return false;
    const lastEventId = this.#lastEventId;
    if (this.#wire.resumption(lastEventId) === undefined) return false;
    this.#timer = setTimeout(() => this.#resume(lastEventId), this.#pauseMs);
    this.#timer.unref();
    return true;
  }

  #resume(lastEventId: string): void {
    this.#timer = undefined;
    this.#isResumed = true;
    this.#status = 0;
    this.#lastEventId = undefined;
    this.#pauseMs = firstPauseMs;
    const request = this.#wire.resumption(lastEventId);
    if (request === undefined) this.#wire.failed(this.id, this.#failure(), false);
    else this.start({ ...request, sharer: this.#sharer });
  }

  #failure(): UpstreamFailure {
    const status = this.#status;
    // It may have been run, whatever the status is: nothing may be done again, or be told to be, for what this one says.
    if (this.#isResumed && status !== 0 && status !== 200)
      return sent(unavailable(`HTTP status ${status} where the rest of the answer was asked for`));
    if (this.#retryAfterMs !== undefined) return limited(this.#retryAfterMs);
    if (this.#movedTo !== undefined)
      return unavailable(`HTTP status ${status}, which leads to ${this.#movedTo}`, status);
    if (status === 401 || status === 403)
      return unavailable(`the server refused the gateway's credential with ${status}`, status, this.#challenge);
    // What is refused with 4xx has not been done (RFC 9110, 15.5); with 5xx nothing is sure.
    if (status >= 500) return sent(unavailable(`HTTP status ${status}`, status));
    if (status >= 300) return unavailable(`HTTP status ${status}`, status);
    return sent(misbehaved('the answer ended without a response'));
  }
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
