/**
 * A legacy session of a client: what it declared when it began, the requests that it has under way, what the gateway
 * has asked it, and the stream for messages that belong to no request. The same for HTTP and stdio.
 */
import { createHash } from 'node:crypto';
import type { Cancellation } from '../pipeline/cancellation.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Delivered } from '../pipeline/deliver.ts';
import type { ClientSession, Endpoint, InputResponse } from '../pipeline/exchange.ts';
import type { ClientClaims } from '../protocol/decode.ts';
import { asText, isObject, type Json, type JsonObject, plainNumber } from '../protocol/json.ts';
import { notificationText, type RequestId, type ResponseMessage, requestText } from '../protocol/jsonrpc.ts';
import { logLevels } from '../protocol/methods.ts';

/** Input requests that may wait for one client. */
const maxQuestions = 64;
/** Messages kept while the client has no stream open. */
const maxQueued = 256;

/** What the session needs of its subscription to servers. */
export interface SessionSubscription {
  watch(server: string, uri: string): boolean;
  unwatch(server: string, uri: string): void;
  /** The servers that are heard at the moment. */
  readonly size: number;
  refresh(): void;
  close(): void;
}

/** A request of a server, as the client may get it. */
interface DeliveredRequest {
  readonly method: string;
  readonly params: Delivered<JsonObject>;
}

export class LegacySession implements ClientSession {
  readonly digest: string;
  /** Who began it. Every credential of the same caller may use it. */
  readonly caller: Caller;
  /** Whose credential keeps the stream open, or used the session last while there is none. */
  holder: Caller;
  readonly endpoint: Endpoint;
  readonly claims: ClientClaims;
  logLevel: string | undefined;
  usedAt = Date.now();
  hearing: SessionSubscription | undefined;
  readonly active = new Map<RequestId, Cancellation>();
  readonly #questions = new Map<RequestId, (asked: InputResponse) => void>();
  #nextQuestion = 1;
  #write: ((text: string) => void) | undefined;
  #endStream: (() => void) | undefined;
  #queue: string[] = [];
  #closed = false;

  constructor(
    id: string,
    caller: Caller,
    { endpoint, claims }: { readonly endpoint: Endpoint; readonly claims: ClientClaims },
  ) {
    this.digest = createHash('sha256').update(id).digest('base64url').slice(0, 22);
    this.caller = caller;
    this.holder = caller;
    this.endpoint = endpoint;
    this.claims = claims;
  }

  get hasStream(): boolean {
    return this.#write !== undefined;
  }

  /** A credential of the caller presented the session. */
  usedBy(caller: Caller): void {
    if (!this.hasStream) this.#hold(caller);
  }

  /** What waits was meant for one credential; another one may have less rights. */
  #hold(caller: Caller): void {
    const isAnother = caller.credential.id !== this.holder.credential.id;
    this.holder = caller;
    if (!isAnother) return;
    this.#queue = [];
    this.hearing?.refresh();
  }

  /** Attaches the stream of this credential; what has waited for it is written at once. `end`: when the session is over. */
  openStream(caller: Caller, write: (text: string) => void, end?: () => void): object {
    this.#hold(caller);
    this.#write = write;
    this.#endStream = end;
    const queue = this.#queue;
    this.#queue = [];
    for (const text of queue) write(text);
    return write;
  }

  /** `token` is what `openStream` returned: the end of an older stream must not close the one that replaced it. */
  closeStream(token: object): void {
    if (this.#write !== token) return;
    this.#write = undefined;
    this.#endStream = undefined;
  }

  /** A message that belongs to no request. */
  tell(method: string, params: Delivered<JsonObject>): void {
    if (method === 'notifications/message' && !this.#wants(params.level)) return;
    const text = notificationText(method, params);
    if (this.#write !== undefined) return this.#write(text);
    // The same change need not be told twice, and the queue is bounded.
    if (this.#queue.length < maxQueued && !this.#queue.includes(text)) this.#queue.push(text);
  }

  watch(server: string, uri: string): boolean {
    return this.hearing?.watch(server, uri) ?? false;
  }

  unwatch(server: string, uri: string): void {
    this.hearing?.unwatch(server, uri);
  }

  /** Sends an input request over the stream of a call and waits for the response, for as long as the call lasts. */
  requestInput(
    request: DeliveredRequest,
    write: (text: string) => void,
    cancellation: Cancellation,
  ): Promise<InputResponse> {
    if (this.#questions.size >= maxQuestions || cancellation.cancelled) return Promise.resolve({ ok: false });
    return new Promise((resolve) => {
      const id = `sallyport-${this.#nextQuestion++}`;
      const finish = (asked: InputResponse): void => {
        this.#questions.delete(id);
        stop();
        resolve(asked);
      };
      const stop = cancellation.onCancel(() => finish({ ok: false }));
      this.#questions.set(id, finish);
      write(requestText(id, request.method, request.params));
    });
  }

  /** False when nothing was asked under this id. */
  answered(response: ResponseMessage): boolean {
    const finish = this.#questions.get(response.id);
    if (finish === undefined) return false;
    if (response.result !== undefined) finish({ ok: true, result: response.result });
    else finish(response.error === undefined ? { ok: false } : { ok: false, error: response.error });
    return true;
  }

  /** The client has given up a request (2025-11-25, cancellation). */
  cancelled(params: JsonObject): void {
    const requestId = plainNumber(params.requestId);
    if (typeof requestId === 'string' || typeof requestId === 'number') this.active.get(requestId)?.cancel();
  }

  /** Hears of the servers from now on, unless it does already. False when the session is over. */
  hear(make: () => SessionSubscription): boolean {
    if (!this.#closed) this.hearing ??= make();
    return !this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.hearing?.close();
    this.#endStream?.();
    this.#write = undefined;
    this.#endStream = undefined;
    this.#queue = [];
    for (const cancellation of this.active.values()) cancellation.cancel();
    for (const finish of this.#questions.values()) finish({ ok: false });
  }

  #wants(level: Json | undefined): boolean {
    if (this.logLevel === undefined) return true;
    return typeof level === 'string' && logLevels.indexOf(level) >= logLevels.indexOf(this.logLevel);
  }
}

/** What a client declared in `initialize`, cut to what a session id can carry. */
export function claimsOf(params: JsonObject, version: string): ClientClaims {
  const declared = isObject(params.capabilities) ? params.capabilities : {};
  const { elicitation, sampling, roots } = declared;
  const capabilities: Record<string, Json> = {};
  if (isObject(elicitation)) capabilities.elicitation = modes(elicitation, ['form', 'url']);
  if (isObject(sampling)) capabilities.sampling = modes(sampling, ['tools', 'context']);
  if (isObject(roots)) capabilities.roots = roots.listChanged === true ? { listChanged: true } : {};
  const info =
    isObject(params.clientInfo) && typeof params.clientInfo.name === 'string' ? params.clientInfo : undefined;
  return {
    version,
    capabilities,
    ...(info === undefined
      ? {}
      : {
          info: {
            name: asText(info.name).slice(0, 128),
            version: asText(info.version).slice(0, 64),
          },
        }),
  };
}

function modes(declared: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => isObject(declared[name])).map((name) => [name, {}]));
}
