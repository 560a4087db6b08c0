/**
 * Two kinds of numbers: `Counters` count events and forget them with time; `Holds` count what is under way and is given
 * back. Whatever implements them passes the contracts of `gateway/test/support/state-contract.ts`.
 */
import type { Later } from './later.ts';

/** What counters hold at most. */
export interface CounterBounds {
  /** Counters of one owner, of which the one that changed longest ago goes when another is needed. */
  readonly maxOfOwner: number;
  /** A counter starts anew when nothing was added for so long, in milliseconds. */
  readonly idleMs: number;
}

/** A counter: owners are few and fixed, such as `source`; keys are what others may choose. */
export interface CounterName {
  readonly owner: string;
  readonly key: string;
}

export interface Count {
  readonly value: number;
  /** Milliseconds since the epoch of the last addition. */
  readonly changedAt: number;
}

/** Each method is one atomic step, also between processes. `now`: milliseconds since the epoch. */
export interface Counters {
  /** Adds one to each of the counters, and answers what they are then, in the same order. */
  add(names: readonly CounterName[], now: number): Later<readonly Count[]>;
  /** `undefined` for a counter that is at zero. */
  read(name: CounterName, now: number): Later<Count | undefined>;
  /** Counters that take up room. */
  size(now: number): Later<number>;
}

/** What a table of holds holds at most. */
export interface HoldBounds {
  /** Keys that have holds at the same time; a new one is refused beyond it. A key is its own owner. */
  readonly maxKeys: number;
  /** A hold that was never given back, because its process ended, counts for so long: milliseconds. */
  readonly lifetimeMs: number;
}

/** One unit under a limit. */
export interface Hold {
  /** Gives it back. Called once. */
  settle(): void;
}

export interface Holds {
  /** One more of this key, unless it has `limit` already. */
  hold(key: string, limit: number, now: number): Later<Hold | undefined>;
  /** What a key holds. */
  held(key: string, now: number): Later<number>;
}
