/**
 * Callers that go round in circles: the same call with the same result, alternating pairs, longer cycles, and one failure
 * after the other. The model is told the third time, and what goes on is refused for a pause that grows.
 */
import { hash } from 'node:crypto';
import type { LoopVerdict } from '../../../pipeline/contracts/limit.ts';
import type { Snapshot } from '../../../pipeline/contracts/snapshot.ts';
import { type DenialClass, denials, reasonOf } from '../../../pipeline/denial.ts';
import type { Identified, Reply, Resolved } from '../../../pipeline/exchange.ts';
import type { Reason, Refusal } from '../../../pipeline/refusal.ts';
import type { SeenCall } from '../../../pipeline/stages.ts';
import { sourceOf } from '../limiter/keys.ts';
import { type Circle, isToBeRefused, type Step, Trail } from './trail.ts';

/** Callers, each in each of its sessions; the one whose last call was longest ago goes first. */
const maxTrails = 100_000;
/** Calls of one caller that are refused for now. */
const maxHeld = 16;
const firstPauseMs = 30_000;
const longestPauseMs = 300_000;
/** Of a long result its ends are compared, and how long it is. */
const comparedChars = 32_768;

interface Walker {
  readonly trail: Trail;
  /** Calls that are refused, by digest: until when, and after how long a pause. */
  readonly held: Map<number, Held>;
}

interface Held {
  readonly until: number;
  readonly pauseMs: number;
  readonly times: number;
  /** What is refused under one revision may be right under the next one. */
  readonly revision: string;
}

export interface LoopParts {
  readonly now?: () => number;
  readonly onLoop: (what: 'told' | 'refused') => void;
}

/** Refusals of what a model can change. What passes by itself is worth trying again. */
const judged: ReadonlySet<DenialClass> = new Set(['structural', 'permission', 'approval']);
const unjudged: ReadonlySet<Reason> = new Set(['account-required', 'right-ended', 'session-unknown']);

export class Loops {
  readonly #walkers = new Map<string, Walker>();
  readonly #now: () => number;
  readonly #onLoop: LoopParts['onLoop'];

  constructor({ now = () => performance.now(), onLoop }: LoopParts) {
    this.#now = now;
    this.#onLoop = onLoop;
  }

  get size(): number {
    return this.#walkers.size;
  }

  /** Why a call is not looked at for now. */
  held(exchange: Identified, { revision }: Pick<Snapshot, 'revision'>): Refusal | undefined {
    const walker = this.#walkerAt(exchange);
    if (walker === undefined || walker.held.size === 0) return undefined;
    const held = walker.held.get(callOf(exchange));
    const left = held === undefined ? 0 : held.until - this.#now();
    if (held === undefined || left <= 0 || held.revision !== revision) return undefined;
    return { reason: 'call-repeated', seconds: Math.ceil(left / 1_000), times: held.times };
  }

  /** What came of a call: what the model is to be told about it, if anything. */
  saw(exchange: Identified, reply: Reply, { resolved, snapshot }: SeenCall): LoopVerdict | undefined {
    if (!isWatched(reply, resolved, snapshot)) {
      // What was refused before and is answered now begins anew.
      if (reply.kind === 'result') this.#walkerAt(exchange)?.trail.forget(callOf(exchange));
      return undefined;
    }
    const step = stepOf(exchange, reply);
    const walker = this.#walkerOf(nameOf(exchange));
    const circle = walker.trail.add(step, this.#now());
    if (circle === undefined) {
      if (walker.held.size > 0) walker.held.delete(step.call);
      return undefined;
    }
    if (!isToBeRefused(circle)) {
      this.#onLoop('told');
      return { note: noteText(circle, reply), times: circle.times };
    }
    this.#hold(walker, circle, snapshot.revision);
    this.#onLoop('refused');
    return { note: noteText(circle, reply), times: circle.times };
  }

  /** Where nothing went in circles yet, no name is put together for each call. */
  #walkerAt(exchange: Identified): Walker | undefined {
    return this.#walkers.size === 0 ? undefined : this.#walkers.get(nameOf(exchange));
  }

  #hold({ held }: Walker, { calls, times }: Circle, revision: string): void {
    const now = this.#now();
    for (const call of calls) {
      const before = held.get(call);
      const pauseMs = before === undefined ? firstPauseMs : Math.min(longestPauseMs, before.pauseMs * 2);
      held.delete(call);
      if (held.size >= maxHeld) held.delete(held.keys().next().value ?? 0);
      held.set(call, { until: now + pauseMs, pauseMs, times, revision });
    }
  }

  #walkerOf(name: string): Walker {
    const known = this.#walkers.get(name) ?? { trail: new Trail(), held: new Map() };
    this.#walkers.delete(name);
    if (this.#walkers.size >= maxTrails) this.#walkers.delete(this.#walkers.keys().next().value ?? '');
    this.#walkers.set(name, known);
    return known;
  }
}

/** Repeating what is refused is never of use; repeating what is answered is, for some, so that the operator says where not. */
function isWatched(reply: Reply, resolved: Resolved | undefined, { limits }: Snapshot): boolean {
  const { capability, upstream } = resolved ?? {};
  const at =
    capability?.type === 'tool' && upstream !== undefined
      ? { server: upstream.server, tool: capability.name }
      : undefined;
  if (reply.kind === 'result') return at !== undefined && limits.watchesLoops('results', at);
  const reason = reasonOf(reply);
  if (reason === undefined) return false;
  const { class: kind, retryable } = denials[reason];
  // What waits for a person is asked for again.
  return (
    judged.has(kind) &&
    !(kind === 'approval' && retryable) &&
    !unjudged.has(reason) &&
    limits.watchesLoops('refusals', at)
  );
}

/** A caller in one of its sessions: what it does elsewhere is another conversation. */
function nameOf({ caller, client, address }: Identified): string {
  const { session } = client;
  const source = sourceOf(caller, address);
  return session === undefined ? source : `${source} ${session.digest}`;
}

function callOf({ endpoint, method, params }: Identified): number {
  const { _meta: _, ...asked } = params;
  const where = endpoint.kind === 'server' ? endpoint.server : '';
  return digest(`${where} ${method} ${JSON.stringify(asked)}`);
}

function stepOf(exchange: Identified, reply: Reply): Step {
  const { params, method } = exchange;
  const tool = digest(`${method} ${JSON.stringify(params.name ?? params.uri ?? '')}`);
  const call = callOf(exchange);
  const reason = reasonOf(reply);
  if (reason !== undefined) return { call, tool, outcome: digest(reason), failed: true };
  if (reply.kind !== 'result') throw new Error('only results and refusals are watched');
  const { result, source } = reply;
  const text = source?.of === result ? source.text : JSON.stringify(result);
  const compared =
    text.length <= 2 * comparedChars
      ? text
      : `${text.slice(0, comparedChars)}${text.length}${text.slice(-comparedChars)}`;
  return { call, tool, outcome: digest(compared), failed: result.isError === true };
}

/** 48 bits of it: what is compared is what one caller did in a minute. */
function digest(text: string): number {
  return hash('sha1', text, 'buffer').readUIntBE(0, 6);
}

function noteText(circle: Circle, reply: Reply): string {
  const end = isToBeRefused(circle)
    ? 'It is refused from now on for a while.'
    : 'Do not repeat it: change the arguments, do something else, or tell the person you work for.';
  if (circle.kind === 'failures')
    return `Note of the gateway: calls of this tool failed ${circle.times} times in a row. ${end}`;
  if (circle.length > 1)
    return `Note of the gateway: the same ${circle.length} calls were made ${circle.times} times in a row, with the same results. ${end}`;
  if (reasonOf(reply) !== undefined) return `Note of the gateway: this call was refused ${circle.times} times. ${end}`;
  return `Note of the gateway: this call gave the same result ${circle.times} times in a row. ${end}`;
}
