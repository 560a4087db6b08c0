/** What is asked of limits for one call, and what comes of an answer. */
import type { LimitRule } from '../../../pipeline/contracts/limit.ts';
import type { Demand, Short } from '../../../state/contract/meters.ts';

/** What is asked for one call. */
export interface Asked {
  readonly rules: readonly LimitRule[];
  readonly demands: readonly Demand[];
}

/** The same while it waits: what is over a time is asked for the time at which there is room. */
export interface WaitingAsked extends Asked {
  demands: readonly Demand[];
}

export interface HeldUp {
  readonly index: number;
  readonly queue: number;
  readonly waitMs: number;
  /** Of a rate: when it has room. */
  readonly retryAt: number | undefined;
}

/** The limit that a call may wait for; `undefined` where another one refuses it, or none lets it wait. */
export function heldUp({ rules, demands }: Asked, short: readonly Short[]): HeldUp | undefined {
  let found: HeldUp | undefined;
  for (const { index, retryAt } of short) {
    const kind = rules[index]?.kind;
    if (demands[index]?.enforced !== true || kind === undefined) continue;
    if (kind.is === 'budget' || kind.queue === 0) return undefined;
    // Of several, the one that has room last.
    if (found === undefined || (retryAt ?? 0) > (found.retryAt ?? 0))
      found = { index, queue: kind.queue, waitMs: kind.waitMs, retryAt };
  }
  return found;
}

export function withoutShort({ rules, demands }: Asked, short: readonly Short[]): Asked {
  const without = new Set(short.map(({ index }) => index));
  const isTaken = (_: unknown, index: number): boolean => !without.has(index);
  return { rules: rules.filter(isTaken), demands: demands.filter(isTaken) };
}

export function placeOf({ table, key }: Demand): string {
  return `${table}\n${key}`;
}
