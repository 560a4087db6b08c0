/**
 * One HTTP exchange with a server: sends a body, hands over the messages of a JSON or SSE answer as they come. Bounded
 * in bytes; time is bounded by the holder of the returned handle. A redirect is followed within the origin only: the
 * operator named a URL, and a server must not choose another host for a request that carries a credential.
 */
import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import { turnsOf } from '../../pipeline/turns.ts';
import type { Json } from '../../protocol/json.ts';
import { longText } from '../../protocol/json-pieces.ts';
import { Pieces } from '../../protocol/pieces.ts';
import { inBackground } from '../../telemetry/background.ts';
import { failureText, misbehaved, sent, unavailable } from '../failures.ts';
import { MessageReader } from '../message-reader.ts';
import type { AnswerLimits } from '../transport.ts';
import type { Abandon, HttpPool, Left, ResponseHandler } from './client/pool.ts';
import type { HttpRequest } from './client/request.ts';
import type { ResponseHeaders } from './client/response.ts';

export interface ExchangeLimits extends AnswerLimits {
  readonly result: number;
  /** Milliseconds until a server must have taken a message that has no answer. */
  readonly firstByte: number;
  /** Milliseconds until everything must be over. */
  readonly total: number;
}

export interface ExchangeEvents {
  onHead?(status: number, headers: ResponseHeaders): void;
  /**
   * A JSON value of the answer. `resultText`: the text of its member `result`, where it can be used as it is.
   */
  onValue(value: Json, bytes: number, resultText: string | undefined): void;
  /** Where an interrupted stream can be resumed, and after how many milliseconds (2025-11-25, resumability). */
  onResumable?(lastEventId: string | undefined, retry: number | undefined): void;
  /** An SSE event that is no message, such as the endpoint of the legacy transport. */
  onText?(text: string, event: string | undefined): void;
  /**
   * The server wants the same request at another place (307 or 308; RFC 9110, 15.4.8 and 15.4.9). Returns the path to send
   * it to, or nothing where it must not follow.
   */
  onMoved?(location: string): string | undefined;
  /** The answer is over. `status` tells whether it was a success. */
  onEnd(status: number): void;
  onFailure(failure: UpstreamFailure): void;
}

type Answer = 'json' | 'events' | 'other';

/** The media type without parameters, in lower case: `Application/JSON; charset=UTF-8` is JSON (RFC 9110, 8.3.1). */
function mediaType(header: string | readonly string[] | undefined): string {
  // Two types are none: one reader would take the first, another the last.
  if (typeof header !== 'string') return '';
  if (header === 'application/json' || header === 'text/event-stream') return header;
  const end = header.indexOf(';');
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase();
}

/** Redirects of one request. */
const maxMoves = 3;

class Exchange implements ResponseHandler, Abandon {
  #sent: Abandon | undefined;
  readonly #pool: HttpPool;
  #request: HttpRequest;
  #moves = 0;
  /** The answer says that the request belongs elsewhere. */
  #isMoved = false;
  #status = 0;
  #answer: Answer = 'other';
  readonly #pieces = new Pieces();
  #bytes = 0;
  #parser: EventSourceParser | undefined;
  #decoder: StringDecoder | undefined;
  /** Chunks that wait for a turn to be parsed, and what is to be done after the last of them. */
  readonly #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #isCatchingUp = false;
  #afterChunks: (() => void) | undefined;
  #ended = false;
  readonly #reader = new MessageReader();
  readonly #limits: ExchangeLimits;
  readonly #events: ExchangeEvents;

  constructor(pool: HttpPool, request: HttpRequest, limits: ExchangeLimits, events: ExchangeEvents) {
    this.#pool = pool;
    this.#request = request;
    this.#limits = limits;
    this.#events = events;
  }

  send(): void {
    this.#sent = this.#pool.send(this.#request, this);
  }

  abort(): boolean {
    if (this.#ended) return true;
    this.#ended = true;
    this.#chunks.length = 0;
    return this.#sent?.abort() ?? true;
  }

  onHead(status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#isMoved = (status === 307 || status === 308) && this.#follows(headers.location);
    if (this.#isMoved) return;
    const type = mediaType(headers['content-type']);
    this.#answer = type === 'application/json' ? 'json' : type === 'text/event-stream' ? 'events' : 'other';
    this.#events.onHead?.(status, headers);
    if (this.#answer === 'events') {
      this.#decoder = new StringDecoder('utf8');
      this.#parser = createParser({
        onEvent: ({ data, event, id }) => {
          const bytes = this.#bytes;
          this.#bytes = 0;
          if (id !== undefined) this.#resumable(id, undefined);
          this.#deliver(data, bytes, event);
        },
        onRetry: (retry) => this.#resumable(undefined, retry),
      });
    }
  }

  onData(chunk: Buffer): void {
    if (this.#ended) return;
    const { result: limit } = this.#limits;
    if (this.#bytes + this.#chunkBytes + chunk.length > limit) return this.#fail({ kind: 'too-large', limit });
    // The parser goes through all of a long event once more with each of its chunks.
    if (this.#isCatchingUp || (this.#answer === 'events' && this.#bytes > longText && turnsOf().isOver())) {
      this.#chunks.push(chunk);
      this.#chunkBytes += chunk.length;
      if (!this.#isCatchingUp) inBackground('a long event', this.#catchUp());
      return;
    }
    this.#take(chunk);
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#isMoved) return;
    if (this.#answer === 'events') this.#parser?.feed(this.#decoder?.write(chunk) ?? '');
    else if (this.#answer === 'json') this.#pieces.add(chunk);
  }

  async #catchUp(): Promise<void> {
    this.#isCatchingUp = true;
    const turns = turnsOf();
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined && !this.#ended; chunk = this.#chunks.shift()) {
        if (turns.isOver()) await turns.next();
        this.#chunkBytes -= chunk.length;
        if (!this.#ended) this.#take(chunk);
      }
    } catch (error) {
      this.#fail(misbehaved('its event stream cannot be read'));
      throw error;
    } finally {
      this.#isCatchingUp = false;
    }
    this.#afterChunks?.();
  }

  #follows(location: string | readonly string[] | undefined): boolean {
    if (typeof location !== 'string' || this.#moves >= maxMoves) return false;
    const path = this.#events.onMoved?.(location);
    if (path === undefined) return false;
    this.#moves++;
    this.#request = { ...this.#request, path };
    return true;
  }

  onEnd(): void {
    if (this.#ended) return;
    if (this.#isCatchingUp) {
      this.#afterChunks = () => this.onEnd();
      return;
    }
    if (this.#isMoved) {
      this.#isMoved = false;
      this.#bytes = 0;
      return this.send();
    }
    if (this.#answer === 'json' && this.#bytes > 0) return this.#read();
    this.#reader.after(() => this.#end());
  }

  onError(problem: string, left: Left): void {
    if (this.#isCatchingUp) {
      this.#afterChunks = () => this.onError(problem, left);
      return;
    }
    this.#reader.after(() => {
      if (this.#ended) return;
      this.#ended = true;
      const failure = unavailable(problem);
      this.#events.onFailure(left === 'sent' ? sent(failure) : failure);
    });
  }

  #read(): void {
    const [pieces, length] = [this.#pieces, this.#bytes];
    this.#reader.readBytes({ length, whole: () => pieces.take() }, this.#limits, (parsed) => {
      if (this.#ended) return;
      if (parsed.ok) this.#events.onValue(parsed.value, length, parsed.memberText);
      else if (this.#status < 400) return this.#fail(misbehaved(`answer is no acceptable JSON: ${parsed.fault}`));
      this.#end();
    });
  }

  #end(): void {
    if (this.#ended) return;
    if (this.#answer === 'other' && this.#status < 300 && this.#status !== 202 && this.#bytes > 0)
      return this.#fail(misbehaved('answer is neither JSON nor an event stream'));
    this.#ended = true;
    this.#events.onEnd(this.#status);
  }

  /** The parser reads on to the end of what it was fed, also after an event that ended the exchange. */
  #resumable(id: string | undefined, retry: number | undefined): void {
    this.#reader.after(() => {
      if (!this.#ended) this.#events.onResumable?.(id, retry);
    });
  }

  #deliver(data: string, bytes: number, event: string | undefined): void {
    if (this.#ended || data === '') return;
    if (this.#reader.isBusy) {
      const limit = this.#limits.result;
      if (this.#reader.waitingLength + data.length > limit) return this.#fail({ kind: 'too-large', limit });
      return this.#reader.after(() => this.#deliver(data, bytes, event), data.length);
    }
    // Events of other types, such as pings, are no messages (2025-11-25, transports; HTML, server-sent events).
    if (event !== undefined && event !== '' && event !== 'message') return this.#events.onText?.(data, event);
    const first = data.charCodeAt(0);
    if (first !== 123 && first !== 91) return this.#events.onText?.(data, event);
    this.#reader.read(data, this.#limits, (parsed) => {
      if (this.#ended) return;
      if (parsed.ok) this.#events.onValue(parsed.value, bytes, parsed.memberText);
      else this.#fail(misbehaved(`event is no acceptable JSON: ${parsed.fault}`));
    });
  }

  #fail(failure: UpstreamFailure): void {
    if (this.#ended) return;
    this.abort();
    this.#events.onFailure(sent(failure));
  }
}

/** A connection pool, and the limits of what goes over it. */
export interface Route {
  readonly pool: HttpPool;
  readonly limits: ExchangeLimits;
}

/** Starts the exchange. Never throws: what goes wrong is reported to the events. */
export function exchange({ pool, limits }: Route, request: HttpRequest, events: ExchangeEvents): Abandon {
  const handler = new Exchange(pool, request, limits, events);
  handler.send();
  return handler;
}

/** Why what has no answer was not taken, and whether nothing of it has left. */
export interface NotTaken {
  readonly problem: string;
  readonly isUnsent: boolean;
}

/**
 * Sends what has no answer. No deadline of a call applies, so that the time is bounded here: a server that takes messages and
 * never says so would keep a connection for each of them. `done` is told what went wrong, if anything did; it is not called
 * where the message is given up.
 */
export function deliver(
  route: Route,
  request: HttpRequest,
  { timeMs, done }: { readonly timeMs: number; readonly done: (failed?: NotTaken) => void },
): Abandon {
  const end = (failed?: NotTaken): void => {
    clearTimeout(timer);
    done(failed);
  };
  const handle = exchange(route, request, {
    onValue: () => {},
    onEnd: (status) => end(status < 300 ? undefined : { problem: `HTTP status ${status}`, isUnsent: false }),
    onFailure: (failure) => {
      const isUnsent = failure.kind === 'unavailable' && failure.sent === undefined;
      end({ problem: failureText(failure), isUnsent });
    },
  });
  const abort = (): boolean => {
    clearTimeout(timer);
    return handle.abort();
  };
  const timer = setTimeout(() => {
    const hasLeft = abort();
    done({ problem: `the server did not take it within ${timeMs} ms`, isUnsent: !hasLeft });
  }, timeMs).unref();
  return { abort };
}
