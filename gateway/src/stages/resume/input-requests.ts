/**
 * Input requests of servers on their way to modern clients: the answer comes with a later, independent request, which must
 * carry our own sealed `requestState` (2026-07-28, MRTR). The state is bound to caller, server, method, capability and
 * arguments, and it expires; the input requests of legacy servers wait here for as long.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { DeliveredRequests, InputRequests, Resumption } from '../../pipeline/contracts/input-requests.ts';
import type { InputRequired } from '../../pipeline/contracts/upstream.ts';
import { type Delivered, ownWords } from '../../pipeline/deliver.ts';
import type { Decided, Identified, Received, Resolved, Resumed } from '../../pipeline/exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import { withoutUrlPrompts } from '../../pipeline/url-prompt.ts';
import { canonical } from '../../protocol/canonical.ts';
import { asText, isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import type { Seal } from '../../protocol/seal.ts';
import { MemoryRegistry } from '../../state/memory/registry.ts';

/** Input requests that wait: of all callers, and of one, which may not keep the others from being asked. */
const maxParked = 10_000;
const maxParkedOfCaller = 256;
/** Characters of a sealed state: one of a server (`upstreams/asking.ts`), or answers that wait for a page. */
export const maxStateLength = 1_048_576;
/** Characters of what one input request says that are kept for a person who decides about the answer. */
const maxMessage = 500;
/** Times that a call may be refused, or not reach its server, until it counts as one of its own. */
const maxGivenBack = 8;
/** Milliseconds that a timer can wait. */
const maxLifetimeMs = 2 ** 31 - 1;

/** What stays in the process that has the connection to the server. */
interface Parked {
  readonly inputRequired: InputRequired;
  readonly timer: NodeJS.Timeout;
}

export class ParkedRequests implements InputRequests {
  readonly #seal: Seal;
  /** Who waits for what, by id: owner, end and share. */
  readonly #waiting = new MemoryRegistry<true>({
    maxEntries: maxParked,
    maxOfOwner: maxParkedOfCaller,
    lifetimeMs: maxLifetimeMs,
    whenFull: 'refuse',
  });
  readonly #parked = new Map<string, Parked>();
  /** States that no call has come back with yet, by id: how often each can be given back. */
  readonly #uncounted = new MemoryRegistry<number>({
    maxEntries: maxParked,
    maxOfOwner: maxParkedOfCaller,
    lifetimeMs: maxLifetimeMs,
    whenFull: 'evict',
  });

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  issue(
    exchange: Resumed,
    inputRequired: InputRequired,
    requests: DeliveredRequests,
    lifetimeMs: number,
  ): Outcome<Delivered<JsonObject>> {
    const { resume } = inputRequired;
    // Its requests passed the way back one by one, and everything around them is the gateway's own.
    const result = ownWords<JsonObject>({ resultType: 'input_required', inputRequests: requests });
    // What comes next is a call of its own.
    if (resume.kind === 'anew') return pass(result);
    const now = Date.now();
    const id = randomUUID();
    const entry = { key: id, owner: exchange.caller.key, value: true, expiresAt: now + lifetimeMs } as const;
    const round = (exchange.resumption?.round ?? 0) + 1;
    const bound = { b: binding(exchange), e: entry.expiresAt, i: id, n: round, q: messagesOf(requests) };
    if (resume.kind === 'state') {
      // Also where the server gave none: only a state shows that a call goes on with one that was made.
      this.#uncounted.put({ ...entry, value: maxGivenBack }, now);
      const sealed = resume.state === undefined ? bound : { ...bound, s: resume.state };
      return pass({ ...result, requestState: this.#seal.close(sealed) });
    }
    if (!this.#waiting.put(entry, now, 'absent').ok) {
      inputRequired.abandon();
      return refuse({ reason: 'too-many-input-requests', limit: maxParkedOfCaller });
    }
    inputRequired.detach();
    const timer = setTimeout(() => {
      this.#take(id);
      inputRequired.abandon();
    }, lifetimeMs);
    timer.unref();
    this.#parked.set(id, { inputRequired, timer });
    return pass({ ...result, requestState: this.#seal.close({ ...bound, k: 'parked' }) });
  }

  /**
   * Stage 4, the end: what the request resumes. Every sealed state is opened here, once, before anything is decided. A
   * state that is forged, expired or of another request is refused. Answers without one resume nothing: they go with a
   * first call, such as one that the gateway itself had answered with a page.
   */
  resume(exchange: Resolved): Outcome<Resumed> {
    const { requestState, inputResponses } = exchange.params;
    const sealed = this.#open(requestState);
    if (isObject(sealed) && sealed.k === 'page') {
      if (sealed.b !== bindingOfMessage(exchange, exchange.asked)) return mismatch;
      // What the client had answered before it was sent to a page, unless it answers anew.
      const anew = withoutUrlPrompts(exchange.params)['inputResponses'] ?? {};
      if (!isObject(anew)) return badResponses;
      const answers = Object.keys(anew).length === 0 ? (sealed.r ?? {}) : anew;
      const again = { inputResponses: answers, requestState: sealed.s ?? '' };
      const [params, outbound] = [
        { ...exchange.params, ...again },
        { ...exchange.outbound, ...again },
      ];
      return this.#resumed({ ...exchange, params, outbound }, this.#open(sealed.s));
    }
    if (inputResponses !== undefined && !isObject(inputResponses)) return badResponses;
    return requestState === undefined ? pass(exchange as Resumed) : this.#resumed(exchange, sealed);
  }

  /** Does the request go on with a call of which its server has a part? Also where that is over, or where it is another one. */
  isResumed({ operation, params }: Pick<Received, 'operation' | 'params'>): boolean {
    return operation === 'call' && this.#open(params['requestState']) !== undefined;
  }

  /**
   * What a client that answers its server is given with a page in place of an answer: it comes back with what the page
   * asks and with this, as if it had sent its answers again. Nothing where it goes on with no call; `undefined` where
   * that is too long.
   */
  keepAnswers(message: Identified): { readonly requestState?: string } | undefined {
    const { inputResponses, requestState } = withoutUrlPrompts(message.params);
    if (typeof requestState !== 'string') return {};
    const sealed = this.#open(requestState);
    if (!isObject(sealed)) return {};
    const isPage = sealed.k === 'page';
    if (!isObject(inputResponses) || (isPage && Object.keys(inputResponses).length === 0)) return { requestState };
    const state = isPage ? (sealed.s ?? '') : requestState;
    const kept = { k: 'page', b: bindingOfMessage(message, message.params), r: inputResponses, s: state };
    const page = this.#seal.close(kept);
    return page.length > maxStateLength ? undefined : { requestState: page };
  }

  #open(state: Json | undefined): Json | undefined {
    return typeof state === 'string' ? this.#seal.open(state) : undefined;
  }

  #resumed(exchange: Resolved, sealed: Json | undefined): Outcome<Resumed> {
    const resumption = this.#opened(exchange, sealed);
    return resumption.ok ? pass({ ...exchange, resumption: resumption.value } as Resumed) : resumption;
  }

  #opened(exchange: Resolved, sealed: Json | undefined): Outcome<Resumption> {
    if (!isObject(sealed)) return invalid('forged', 'not sealed by this gateway');
    if (typeof sealed.e !== 'number' || sealed.e < Date.now()) return invalid('expired', 'expired');
    if (sealed.b !== binding(exchange)) return mismatch;
    const id = asText(sealed.i);
    if (id === '') return invalid('over', 'sealed by an earlier version');
    const round = typeof sealed.n === 'number' ? sealed.n : 1;
    const common = { id, expiresAt: sealed.e, round, messages: isObject(sealed.q) ? sealed.q : {} };
    if (sealed.k !== 'parked')
      return pass({ kind: 'state', ...common, state: typeof sealed.s === 'string' ? sealed.s : undefined });
    return this.#waiting.get(id, Date.now()) !== undefined && this.#parked.has(id)
      ? pass({ kind: 'parked', ...common })
      : invalid('over', over);
  }

  /**
   * Of a call that goes on with one that was counted under the limits, what gives that back where it is not sent after all:
   * each state is good for one call. `undefined` of a call of its own, such as one with a state that was used before.
   */
  claim({ resumption, caller }: Decided): (() => void) | undefined {
    if (resumption === undefined) return undefined;
    // A call that waits is answered once.
    if (resumption.kind === 'parked') return () => {};
    const { id, expiresAt } = resumption;
    const left = this.#uncounted.take(id, Date.now())?.value;
    if (left === undefined) return undefined;
    return () => {
      const entry = { key: id, owner: caller.key, value: left - 1, expiresAt };
      if (left > 0) this.#uncounted.put(entry, Date.now());
    };
  }

  take(id: string): Outcome<InputRequired> {
    const parked = this.#take(id);
    if (parked === undefined) return invalid('over', over);
    clearTimeout(parked.timer);
    return pass(parked.inputRequired);
  }

  /** Input requests that wait. */
  get size(): number {
    return this.#parked.size;
  }

  #take(id: string): Parked | undefined {
    this.#waiting.take(id, Date.now());
    const parked = this.#parked.get(id);
    this.#parked.delete(id);
    return parked;
  }

  close(): void {
    for (const id of this.#parked.keys()) {
      const parked = this.#take(id);
      clearTimeout(parked?.timer);
      parked?.inputRequired.abandon();
    }
  }
}

const over = 'the call that asked is over';

type Cause = Extract<Refusal, { reason: 'state-invalid' }>['cause'];

function invalid(cause: Cause, detail: string): { readonly ok: false; readonly refusal: Refusal } {
  return refuse({ reason: 'state-invalid', cause, detail });
}

const badResponses = refuse({ reason: 'bad-params', problem: 'params.inputResponses must be an object' });

const mismatch = invalid('mismatch', 'bound to another caller, server, method, capability or arguments');

/** One digest of everything that the retry must have in common with the request that was asked about. */
function binding({ caller, endpoint, method, asked, upstream }: Resolved): string {
  return digestOf([caller.key, { ...endpoint }, method, sameOf(asked), upstream.server]);
}

/** The same for a request that may lead nowhere. */
function bindingOfMessage({ caller, endpoint, method }: Identified, asked: JsonObject): string {
  return digestOf([caller.key, { ...endpoint }, method, sameOf(asked)]);
}

/** The words of each input request, such as of a form; of what has none, what it is. */
function messagesOf(requests: DeliveredRequests): JsonObject {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { method, params }]) => {
      const { message } = params as JsonObject;
      return [key, typeof message === 'string' ? shortened(message) : method];
    }),
  );
}

function shortened(text: string): string {
  return text.length > maxMessage ? `${text.slice(0, maxMessage)}…` : text;
}

function sameOf({ inputResponses: _responses, requestState: _state, _meta, ...params }: JsonObject): JsonObject {
  return params;
}

function digestOf(parts: readonly Json[]): string {
  return createHash('sha256').update(canonical(parts)).digest('base64url');
}
