/**
 * Meters: how much of a limit is used. All the meters that one call meets are asked in one step, in which either all of
 * them take or none does. Everything that the arithmetic needs stands in the demand, so that a store elsewhere does it in
 * one round trip. Whatever implements it passes `metersContract` of `gateway/test/support/meters-contract.ts`.
 */
import type { Later } from './later.ts';

/** A rate (GCRA): one every `everyMicros`, and up to `burst` at once after a pause. */
export interface Rate {
  readonly kind: 'rate';
  readonly everyMicros: number;
  readonly burst: number;
}

/**
 * A sum over a window. What is taken is added to the slot that begins at `slot`; a slot counts while it begins at or after
 * `since`, and each ends to count `lastsMs` after it began. Times in milliseconds since the epoch.
 */
export interface Sum {
  readonly kind: 'sum';
  readonly limit: number;
  readonly slot: number;
  readonly since: number;
  readonly lastsMs: number;
  /** It ends as well when nothing was taken for so long. */
  readonly idleMs?: number;
  /** It is remembered for so long after its end: its slots go by another clock than `now`. */
  readonly slackMs?: number;
}

/** What is under way, and given back. */
export interface Held {
  readonly kind: 'held';
  readonly limit: number;
}

export interface Demand {
  /** The limit: few and fixed, and of one kind each. */
  readonly table: string;
  /** Whose: what callers and their calls are told apart by. */
  readonly key: string;
  /** Who could have many such keys: beyond a share of the room further ones of it are counted together. */
  readonly owner?: string;
  readonly meter: Rate | Sum | Held;
  /** Of a sum: in whole units. One of everything else. */
  readonly amount: number;
  /** Without it the meter says that it has no room, and refuses nothing. */
  readonly enforced: boolean;
}

/** A meter that has no room. */
export interface Short {
  /** Of the demand. */
  readonly index: number;
  /** When there is room again, in milliseconds since the epoch; `undefined` where that depends on others. */
  readonly retryAt: number | undefined;
}

export interface Taken {
  readonly ok: boolean;
  /** Those that have no room: with `ok` none of them is enforced, and these took nothing. */
  readonly short: readonly Short[];
}

export interface Adjustment {
  readonly demand: Demand;
  /** Of a sum: what the call used more, or less, than was taken for it. Of what is held: -1 gives it back. */
  readonly by: number;
}

export interface Level {
  readonly used: number;
  /** When the next one has room; `undefined` while it has, or where that depends on others. */
  readonly retryAt: number | undefined;
}

/** Each method is one atomic step. `now`: milliseconds since the epoch, never less than before. */
export interface Meters {
  take(demands: readonly Demand[], now: number): Later<Taken>;
  adjust(adjustments: readonly Adjustment[], now: number): Later<void>;
  /** Takes nothing. Of a rate: how many of its burst are used. */
  read(demand: Demand, now: number): Later<Level>;
  /** Keys of a limit in which this text stands, as many as `most`. */
  keys(table: string, text: string, most: number): Later<readonly string[]>;
  /** Keys that take up room. */
  size(): Later<number>;
}

/** A slot of a sum that outlives the process. */
export interface KeptSlot {
  readonly slot: number;
  readonly amount: number;
}

/** What was added to one slot since the last time. */
export interface KeptChange extends KeptSlot {
  readonly table: string;
  readonly key: string;
  /** What the slot has with it, as this process knows it: a store that has lost the slot goes on with that. */
  readonly total: number;
  /** Milliseconds since the epoch from which on it counts no more. */
  readonly endsAt: number;
}

/** Where the sums of budgets are kept. Several processes add to the same ones. */
export interface KeptSums {
  /**
   * Slots of a key that still count, the oldest first. Those that begin after `latest`, by a clock that was set back since,
   * become part of that one.
   */
  load(
    of: { readonly table: string; readonly key: string; readonly latest: number },
    now: number,
  ): Later<readonly KeptSlot[]>;
  /** Adds all of them, or none, and answers what each slot is then, with what other processes added. */
  add(changes: readonly KeptChange[], now: number): Later<readonly number[]>;
}
