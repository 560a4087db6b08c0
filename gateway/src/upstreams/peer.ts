/**
 * One server over one transport, in one era: matches answers to calls, progress to its call, and a server's input requests to the
 * call that can take them. The two eras differ in how a request is built and in how an input request arrives; everything else
 * is the same.
 */

import type {
  ClientRequest,
  InputRequired,
  OutboundCall,
  Step,
  UpstreamFailure,
} from '../pipeline/contracts/upstream.ts';
import { isObject, type JsonObject, plainNumber } from '../protocol/json.ts';
import {
  codes,
  errorText,
  type Message,
  notificationText,
  type RequestId,
  type RequestMessage,
  type ResponseMessage,
  requestText,
  resultText,
} from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/versions.ts';
import { mayAsk, modernQuestion, withoutHopMeta } from './asking.ts';
import { misbehaved, sent, timedOut, unavailable } from './failures.ts';
import { legacyParams, modernHeaders, modernParams } from './outbound.ts';
import { Slots } from './slots.ts';
import type { Abandon, Transport, TransportEvents } from './transport.ts';

export interface PeerTimes {
  /** Milliseconds until a call must have begun to answer, and until it must be over. */
  readonly firstByte: number;
  readonly total: number;
}

export interface PeerEvents {
  /** Whose calls go over the transport: those of one client, or of many that must not see what concerns another. */
  readonly audience: 'one' | 'many';
  onNotification(method: string, params: JsonObject): void;
  onDown(detail: string): void;
}

interface Pending {
  readonly id: number;
  /** Later calls have higher numbers; ids are used again in any order. */
  readonly order: number;
  call: OutboundCall;
  /** Monotonic milliseconds. */
  begun: number;
  quietUntil: number;
  /** Takes the next step; absent while none is waited for. */
  resolve: ((step: Step) => void) | undefined;
  readonly steps: Step[];
  stopListening: () => void;
  abandon: Abandon | undefined;
}

function nothing(): void {}

const none: Readonly<Record<string, string>> = {};

/** Steps of one call that wait to be taken. A server that asks more at once misbehaves. */
const maxQueueLength = 16;

export class Peer implements TransportEvents {
  readonly era: Era;
  readonly #times: PeerTimes;
  readonly #events: PeerEvents;
  readonly #pending = new Slots<Pending>();
  #calls = 0;
  #transport: Transport | undefined;
  #down: string | undefined;
  /** Set after a request failed because the server forgot the session. */
  sessionLost = false;

  constructor(era: Era, times: PeerTimes, events: PeerEvents) {
    this.era = era;
    this.#times = times;
    this.#events = events;
  }

  /** Must be called once, before anything else: transport and peer need each other. */
  attach(transport: Transport): void {
    this.#transport = transport;
  }

  get transport(): Transport | undefined {
    return this.#transport;
  }

  get isDown(): boolean {
    return this.#down !== undefined;
  }

  /** True while a call is under way; a subscription of our own is none. */
  get busy(): boolean {
    for (const pending of this.#pending.values()) if (pending.call.open !== true) return true;
    return false;
  }

  call(call: OutboundCall): Promise<Step> {
    if (this.#down !== undefined) return Promise.resolve({ kind: 'failed', failure: unavailable(this.#down) });
    return new Promise((resolve) => {
      const id = this.#pending.reserve();
      const now = performance.now();
      const pending: Pending = {
        id,
        order: ++this.#calls,
        call,
        begun: call.open === true ? Number.POSITIVE_INFINITY : now,
        quietUntil:
          call.open === true ? Number.POSITIVE_INFINITY : now + (call.times?.firstByte ?? this.#times.firstByte),
        resolve,
        steps: [],
        stopListening: nothing,
        abandon: undefined,
      };
      this.#pending.set(id, pending);
      pending.stopListening = call.cancellation.onCancel(() => this.#cancel(pending));
      if (this.#pending.get(id) !== pending) return;
      const isModern = this.era === 'modern';
      const params = isModern ? modernParams(call, id) : legacyParams(call, id);
      pending.abandon = this.#transport?.request(id, requestText(id, call.method, params), {
        headers: isModern ? modernHeaders(call, params) : (call.headers ?? none),
        budget: isModern && call.open === true ? 'streams' : 'calls',
        caller: call.caller,
      });
    });
  }

  notify(method: string, params: JsonObject): void {
    if (this.#down === undefined) this.#transport?.send(notificationText(method, params));
  }

  /** Ends every call whose time is over. Called a few times a second for all calls together: a timer each would cost more. */
  sweep(now: number): void {
    for (const pending of this.#pending.values()) {
      // While a person thinks about an input request, the clock of the call stands still; the parked input request has its own.
      if (pending.resolve === undefined) continue;
      const overdue =
        now > pending.begun + (pending.call.times?.total ?? this.#times.total)
          ? 'in time'
          : now > pending.quietUntil
            ? 'at all'
            : undefined;
      if (overdue === undefined) continue;
      const late = timedOut(`did not answer ${pending.call.method} ${overdue}`);
      this.#finish(pending, { kind: 'failed', failure: this.#abandon(pending) ? sent(late) : late });
    }
  }

  async close(): Promise<void> {
    this.#down ??= 'closed';
    this.#failAll('the connection was closed');
    await this.#transport?.close();
  }

  onMessage(message: Message, bytes: number, request: RequestId | undefined, resultText?: string): void {
    if (message.kind === 'response') return this.#onResponse(message, bytes, resultText);
    if (message.kind === 'request') return this.#onRequest(message, request);
    if (message.method === 'notifications/progress') return this.#onProgress(message.params);
    const pending = request === undefined ? this.#reader(message.method) : this.#pending.get(request);
    // Changes of lists and resources concern everybody, in whichever stream they come.
    if (pending === undefined || (message.method !== 'notifications/message' && pending.call.open !== true))
      return this.#events.onNotification(message.method, message.params);
    pending.quietUntil = Number.POSITIVE_INFINITY;
    pending.call.onNotification(message.method, message.params);
  }

  onRequestFailed(id: RequestId, failure: UpstreamFailure, sessionLost: boolean): void {
    if (sessionLost) this.sessionLost = true;
    const pending = this.#pending.get(id);
    if (pending !== undefined) this.#finish(pending, { kind: 'failed', failure });
  }

  onDown(detail: string): void {
    if (this.#down !== undefined) return;
    this.#down = detail;
    this.#failAll(detail);
    this.#events.onDown(detail);
  }

  #failAll(detail: string): void {
    for (const pending of this.#pending.values()) {
      const left = pending.abandon?.abort() ?? true;
      this.#finish(pending, { kind: 'failed', failure: left ? sent(unavailable(detail)) : unavailable(detail) });
    }
  }

  #onResponse(message: ResponseMessage, bytes: number, text: string | undefined): void {
    // Some servers send the number back as text.
    const pending = this.#pending.get(typeof message.id === 'string' ? Number(message.id) : message.id);
    if (pending === undefined) return;
    if (message.error !== undefined) return this.#finish(pending, { kind: 'error', error: message.error });
    const result = message.result ?? {};
    const type = result.resultType;
    if (type === undefined || type === 'complete' || this.era === 'legacy')
      return this.#finish(pending, {
        kind: 'result',
        result,
        bytes,
        source: text === undefined ? undefined : { of: result, text },
      });
    if (type !== 'input_required')
      return this.#finish(pending, { kind: 'failed', failure: sent(misbehaved('unknown resultType')) });
    this.#finish(
      pending,
      modernQuestion(result, pending.call, (again) => this.call(again)),
    );
  }

  #onRequest(message: RequestMessage, request: RequestId | undefined): void {
    const { id, method, params } = message;
    if (method === 'ping') return this.#transport?.send(resultText(id, {}));
    const pending = this.era === 'legacy' ? this.#addressee(method, params, request) : undefined;
    if (pending === undefined)
      return this.#transport?.send(errorText(id, { code: codes.methodNotFound, message: 'Method not found' }));
    pending.quietUntil = Number.POSITIVE_INFINITY;
    const asked: ClientRequest = { method, params: withoutHopMeta(params) };
    const inputRequired: InputRequired = {
      kind: 'input-required',
      requests: { inputRequired: asked },
      resume: { kind: 'parked' },
      answer: (responses, next) => {
        pending.call = next;
        pending.stopListening();
        pending.stopListening = next.cancellation.onCancel(() => this.#cancel(pending));
        // Its client, or the right to it, is gone already: the server is told so, and is given no answer.
        if (this.#pending.get(pending.id) !== pending) return this.#nextStep(pending);
        const response = responses.inputRequired;
        // An answer that leaves out what was asked gets the input request again (2026-07-28, MRTR).
        if (response === undefined) return Promise.resolve(inputRequired);
        this.#transport?.send(
          isObject(response)
            ? resultText(id, response)
            : errorText(id, { code: -1, message: 'The client refused to answer' }),
          next.caller,
        );
        return this.#nextStep(pending);
      },
      detach: () => {
        pending.stopListening();
        pending.stopListening = nothing;
      },
      abandon: () => {
        const refusal = errorText(id, { code: -1, message: 'The client does not answer' });
        this.#transport?.send(refusal, pending.call.caller);
        this.#cancel(pending);
      },
    };
    this.#deliver(pending, inputRequired);
  }

  /**
   * The call that an input request of a legacy server belongs to: the one in whose stream it came. Where no transport tells, the
   * latest that may be asked; of those that wait for an answer of the client already only where there is no other.
   */
  #addressee(method: string, params: JsonObject, request: RequestId | undefined): Pending | undefined {
    if (request !== undefined) {
      const pending = this.#pending.get(request);
      return pending !== undefined && mayAsk(pending.call, method, params) ? pending : undefined;
    }
    let latest: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (!mayAsk(pending.call, method, params)) continue;
      const runs = pending.resolve !== undefined;
      const ran = latest?.resolve !== undefined;
      if (latest === undefined || (runs === ran ? pending.order > latest.order : runs)) latest = pending;
    }
    return latest;
  }

  /** On stdio nothing says which call a log message is about: with one reader there is no doubt, with more there is. */
  #reader(method: string): Pending | undefined {
    if (method !== 'notifications/message' || this.#events.audience === 'many') return undefined;
    let only: Pending | undefined;
    for (const pending of this.#pending.values()) {
      if (pending.call.logLevel === undefined) continue;
      if (only !== undefined) return undefined;
      only = pending;
    }
    return only;
  }

  #onProgress(params: JsonObject): void {
    const token = plainNumber(params.progressToken);
    const pending =
      typeof token === 'number' || typeof token === 'string' ? this.#pending.get(Number(token)) : undefined;
    // A token that names no call that asked for progress is forged or late.
    if (pending === undefined || !pending.call.progress) return;
    pending.quietUntil = Number.POSITIVE_INFINITY;
    const { progressToken: _, ...rest } = params;
    pending.call.onNotification('notifications/progress', rest);
  }

  #nextStep(pending: Pending): Promise<Step> {
    const ready = pending.steps.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#pending.get(pending.id) !== pending)
      return Promise.resolve({ kind: 'failed', failure: sent(unavailable('the call is over')) });
    const now = performance.now();
    pending.begun = now;
    pending.quietUntil = now + (pending.call.times?.firstByte ?? this.#times.firstByte);
    return new Promise((resolve) => {
      pending.resolve = resolve;
    });
  }

  #deliver(pending: Pending, step: Step): void {
    const { resolve } = pending;
    if (resolve !== undefined) {
      pending.resolve = undefined;
      resolve(step);
    } else if (pending.steps.length < maxQueueLength) pending.steps.push(step);
    else this.#finish(pending, { kind: 'failed', failure: sent(misbehaved('asks too many questions at once')) });
  }

  #finish(pending: Pending, step: Step): void {
    this.#pending.delete(pending.id);
    pending.stopListening();
    this.#deliver(pending, step);
  }

  #cancel(pending: Pending): void {
    if (this.#pending.get(pending.id) !== pending) return;
    this.#abandon(pending);
    this.#finish(pending, { kind: 'failed', failure: { kind: 'cancelled' } });
  }

  /**
   * Tells the server that the call is given up: by closing the stream over modern HTTP, by a notification everywhere else. False
   * when nothing of the request has left.
   */
  #abandon(pending: Pending): boolean {
    const transport = this.#transport;
    if (transport === undefined) return false;
    const left = pending.abandon?.abort() ?? true;
    if (left && (this.era === 'legacy' || transport.cancelsByNotification))
      transport.send(
        notificationText('notifications/cancelled', { requestId: pending.id, reason: 'No longer needed' }),
        pending.call.caller,
      );
    return left;
  }
}
