/**
 * Entries by key, each of one owner and each with an end. Whatever implements it passes `registryContract` of
 * `gateway/test/support/state-contract.ts`.
 */
import type { Later } from './later.ts';

/** What a registry holds at most. Times in milliseconds. */
export interface RegistryBounds {
  readonly maxEntries: number;
  /** The share of each owner, so that one cannot take the room of the others. */
  readonly maxOfOwner: number;
  /** An entry ends this long after it was put, or earlier where it says so. */
  readonly lifetimeMs: number;
  /**
   * At a bound: `refuse` keeps what is there; `evict` lets the oldest go, of the owner whose share is full, else of all.
   * What must not be forgotten early, such as a proof that was used, is refused.
   */
  readonly whenFull: 'refuse' | 'evict';
}

export interface NewEntry<Value> {
  readonly key: string;
  readonly owner: string;
  /** Plain JSON for a store outside this process. */
  readonly value: Value;
  /** Milliseconds since the epoch; not later than the lifetime of the registry allows. */
  readonly expiresAt?: number;
}

export interface Entry<Value> extends NewEntry<Value> {
  readonly expiresAt: number;
  /** Differs after each put of this key, also where the entry was gone in between. */
  readonly version: number;
}

/** Why nothing was put: a bound was reached, the key was there, or its version was another one. */
export type Unput = 'full' | 'exists' | 'changed';

export type PutResult =
  | { readonly ok: true; readonly version: number }
  | { readonly ok: false; readonly reason: Unput };

/** Each method is one atomic step, also between processes. `now`: milliseconds since the epoch. */
export interface Registry<Value> {
  /**
   * Makes the entry the newest one. `when`: `absent` puts only where the key has no entry; a version only over the entry
   * that has it (compare and set); without it any entry is replaced.
   */
  put(entry: NewEntry<Value>, now: number, when?: 'absent' | number): Later<PutResult>;
  /** An entry that has ended is not there. */
  get(key: string, now: number): Later<Entry<Value> | undefined>;
  /** The same, and removes it: of several that take one key, one gets the entry. */
  take(key: string, now: number): Later<Entry<Value> | undefined>;
  /** The entries of an owner, oldest first: as many as its share at most. */
  list(owner: string, now: number): Later<readonly Entry<Value>[]>;
  /** Entries that take up room. */
  size(now: number): Later<number>;
}
