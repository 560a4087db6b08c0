/**
 * Probing slows down: of the calls of one caller that are denied or invalid, a number is free for each class of refusal.
 * Beyond it each further one costs the caller a pause, which doubles until it probes no more.
 */
import type { Demand, Lease, Limit, Use } from '../../../pipeline/contracts/limit.ts';
import { type DenialClass, denials } from '../../../pipeline/denial.ts';
import { type Outcome, pass, type Reason, refuse } from '../../../pipeline/refusal.ts';
import { sourceOf } from '../limiter/keys.ts';

/** How soon one more is free again, in milliseconds. */
const everyMs = 6_000;
const maxPauseMs = 60_000;
/** Callers with refusals that still count, for each class; the one whose last was longest ago goes first. */
const maxCallers = 100_000;

interface Refused {
  /** When all of it is forgotten, in milliseconds on the monotonic clock. */
  forgottenAt: number;
  pauses: number;
  pausedUntil: number;
}

/** What the caller did itself; to link an account or to wait for an approval is what it is asked to do. */
const counted: ReadonlySet<DenialClass> = new Set(['structural', 'permission', 'approval']);
const uncounted: ReadonlySet<Reason> = new Set([
  'approval-pending',
  'approval-over',
  'account-required',
  'right-ended',
  'content-withheld',
  'session-unknown',
]);

export class Refusals implements Limit {
  readonly #byClass = new Map<DenialClass, Map<string, Refused>>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  admit(demand: Demand): Outcome<Lease> {
    if (demand.operation !== 'call') return pass(free);
    // Where nothing was refused yet, no name is put together for each call.
    const left = this.#byClass.size === 0 ? 0 : this.#pauseOf(keyOf(demand));
    if (left > 0) return refuse({ reason: 'too-many-refusals', seconds: Math.ceil(left / 1_000) });
    return pass({ settle: (use) => this.#settle(demand, use) });
  }

  /** Milliseconds that are left of the longest one. */
  #pauseOf(key: string): number {
    let until = 0;
    for (const callers of this.#byClass.values()) until = Math.max(until, callers.get(key)?.pausedUntil ?? 0);
    return until === 0 ? 0 : until - this.#now();
  }

  #settle(demand: Demand, { reason }: Use): void {
    if (reason === undefined || uncounted.has(reason)) return;
    const { class: kind } = denials[reason];
    if (!counted.has(kind)) return;
    const now = this.#now();
    const key = keyOf(demand);
    const limit = demand.bounds.refusals;
    let callers = this.#byClass.get(kind);
    if (callers === undefined) this.#byClass.set(kind, (callers = new Map<string, Refused>()));
    const before = callers.get(key) ?? { forgottenAt: now, pauses: 0, pausedUntil: 0 };
    const forgottenAt = Math.max(before.forgottenAt, now) + everyMs;
    // Once it has paused, it is free again when half of what it did is forgotten.
    const isOver = forgottenAt - now > (before.pauses === 0 ? limit : limit / 2) * everyMs;
    const pauses = isOver ? before.pauses + 1 : 0;
    const pausedUntil = isOver ? now + Math.min(maxPauseMs, 1_000 * 2 ** (pauses - 1)) : 0;
    callers.delete(key);
    if (callers.size >= maxCallers) callers.delete(callers.keys().next().value ?? '');
    // What is over does not pile up: the pause is what it costs.
    callers.set(key, { forgottenAt: Math.min(forgottenAt, now + limit * everyMs), pauses, pausedUntil });
  }
}

/** All who come without a credential are one caller: one of them must not slow down the others. */
function keyOf({ caller, address }: Demand): string {
  return sourceOf(caller, address);
}

const free: Lease = { settle: () => {} };
