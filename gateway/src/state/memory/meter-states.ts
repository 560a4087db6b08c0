/** The arithmetic of meters in memory, without the tables that they stand in. */
import type { Demand, Rate, Sum } from '../contract/meters.ts';

/** Slots of a sum, each as three numbers: when it begins, what was taken in it, and what of that is not kept yet. */
export interface SumState {
  slots: number[];
  touchedAt: number;
  endsAt: number;
  isListed: boolean;
}

/** A rate is one number: the time, in microseconds, at which it is as good as new. */
export type State = number | SumState | { held: number };

const never = { retryAt: undefined };

/** The time in microseconds at which one more fits. */
export function readyAt({ everyMicros, burst }: Rate, at: number, nowMicros: number): number {
  return Math.max(at, nowMicros) + everyMicros - burst * everyMicros;
}

/** The latest time in microseconds at which a rate can be as good as new. It is later only where its amount was raised since. */
export function latestNew({ everyMicros, burst }: Rate, now: number): number {
  return Math.round(now * 1_000) + burst * everyMicros;
}

export function isSum(state: State | undefined): state is SumState {
  return typeof state === 'object' && 'slots' in state;
}

export function heldIn(state: State | undefined): number {
  return typeof state === 'object' && 'held' in state ? state.held : 0;
}

export function isIdle(state: SumState, { idleMs }: Sum, now: number): boolean {
  return idleMs !== undefined && now - state.touchedAt > idleMs;
}

/** A slot that begins later than now belongs to a clock that was set back: it counts, but for no longer than a window. */
export function counts(begin: number, { slot, since, lastsMs }: Sum): boolean {
  return begin >= since && begin - slot <= lastsMs;
}

export function sumOf(state: State | undefined, meter: Sum, now: number): number {
  if (!isSum(state) || isIdle(state, meter, now)) return 0;
  const { slots } = state;
  let sum = 0;
  for (let at = 0; at < slots.length; at += 3) if (counts(slots[at] ?? 0, meter)) sum += slots[at + 1] ?? 0;
  return sum;
}

export function slotAt(slots: readonly number[], begin: number): number {
  for (let at = slots.length - 3; at >= 0; at -= 3) if (slots[at] === begin) return at;
  return -1;
}

/** Slots of a calendar that are remembered while they do not count. */
const maxRemembered = 32;

/** Slots with what still counts, and with one that begins at `meter.slot`, in the order in which they begin. */
export function withSlot(slots: readonly number[], meter: Sum, now: number): number[] {
  const [before, after]: [number[], number[]] = [[], []];
  for (let at = 0; at < slots.length; at += 3) {
    const [begin = 0, amount = 0, unsaved = 0] = slots.slice(at, at + 3);
    const isLate = at >= slots.length - 3 * maxRemembered;
    // What is not kept yet stays until it is.
    if (!counts(begin, meter) && unsaved === 0 && !(isLate && isRemembered(begin, meter, now))) continue;
    (begin < meter.slot ? before : after).push(begin, amount, unsaved);
  }
  return [...before, meter.slot, 0, 0, ...after];
}

/** A day that is not over by the steady clock: that of the machine may be set, and show it again. */
function isRemembered(begin: number, { lastsMs, slackMs }: Sum, now: number): boolean {
  return slackMs !== undefined && begin + lastsMs + slackMs > now;
}

/**
 * Where what is taken is added: the latest slot that counts and is not over, also where it begins later, by a clock that was
 * set back since. -1: there is none.
 */
export function takingAt(slots: readonly number[], meter: Sum): number {
  for (let at = slots.length - 3; at >= 0 && (slots[at] ?? 0) >= meter.slot; at -= 3)
    if (counts(slots[at] ?? 0, meter)) return at;
  return -1;
}

/** When enough of the oldest slots count no more for what is over the limit. */
export function roomAt(state: SumState, meter: Sum, over: number): number | undefined {
  if (meter.idleMs !== undefined) return state.touchedAt + meter.idleMs;
  let left = over;
  for (let at = 0; at < state.slots.length; at += 3) {
    const begin = state.slots[at] ?? 0;
    if (!counts(begin, meter)) continue;
    left -= state.slots[at + 1] ?? 0;
    if (left <= 0) return begin + meter.lastsMs;
  }
  return undefined;
}

export function isNew(state: State, now: number): boolean {
  if (typeof state === 'number') return state <= now * 1_000;
  return 'held' in state ? state.held === 0 : state.endsAt <= now && !state.isListed;
}

/** Why there is no room; `undefined` where there is. */
export function lackingOf(
  demand: Demand,
  state: State | undefined,
  now: number,
): { readonly retryAt: number | undefined } | undefined {
  const { meter } = demand;
  switch (meter.kind) {
    case 'rate': {
      const at = typeof state === 'number' ? state : 0;
      const nowMicros = Math.round(now * 1_000);
      const readyMicros = readyAt(meter, at, nowMicros);
      return readyMicros > nowMicros ? { retryAt: readyMicros / 1_000 } : undefined;
    }
    case 'held':
      return heldIn(state) + 1 > meter.limit ? { retryAt: undefined } : undefined;
    case 'sum': {
      const over = sumOf(state, meter, now) + demand.amount - meter.limit;
      return over > 0 && isSum(state) ? { retryAt: roomAt(state, meter, over) } : over > 0 ? never : undefined;
    }
  }
}

export function usedOf({ meter }: Demand, state: State | undefined, now: number): number {
  switch (meter.kind) {
    case 'rate':
      return typeof state === 'number' ? Math.max(0, Math.ceil((state - now * 1_000) / meter.everyMicros)) : 0;
    case 'held':
      return heldIn(state);
    case 'sum':
      return sumOf(state, meter, now);
  }
}
