/**
 * Meters in this process. A key is forgotten only when it is as good as new, so that no caller gets a fresh budget early:
 * when every key that there is room for is in use, those that come then share one.
 */
import type { Local } from '../contract/later.ts';
import type {
  Adjustment,
  Demand,
  KeptChange,
  KeptSums,
  Level,
  Meters,
  Rate,
  Short,
  Sum,
  Taken,
} from '../contract/meters.ts';

export interface MemoryMeterOptions {
  /** Keys of all limits together. */
  readonly maxKeys: number;
  /** Keeps the sums of tables whose name `isKept`. */
  readonly kept?: { readonly sums: Local<KeptSums>; readonly isKept: (table: string) => boolean };
}

/** The key that all those share for which there is no room. No caller can be called so. */
const shared = '(shared)';
/** Keys that are looked at, and forgotten where they are as good as new, for each new one. */
const swept = 4;

/** Slots of a sum, each as three numbers: when it begins, what was taken in it, and what of that is not kept yet. */
interface SumState {
  slots: number[];
  touchedAt: number;
  endsAt: number;
  isListed: boolean;
}

/** A rate is one number: the time, in microseconds, at which it is as good as new. */
type State = number | SumState | { held: number };

class Table {
  readonly states = new Map<string, State>();
  sweeping = this.states.entries();
}

const taken: Taken = { ok: true, short: [] };

export class MemoryMeters implements Local<Meters> {
  readonly #options: MemoryMeterOptions;
  readonly #tables = new Map<string, Table>();
  /** Sums with something that is not kept yet. */
  #unsaved: { readonly table: string; readonly key: string; readonly state: SumState }[] = [];
  #size = 0;

  constructor(options: MemoryMeterOptions) {
    this.#options = options;
  }

  take(demands: readonly Demand[], now: number): Taken {
    let short: Short[] | undefined;
    let ok = true;
    const states: (State | undefined)[] = [];
    for (let index = 0; index < demands.length; index++) {
      const demand = demands[index] as Demand;
      const state = this.#state(demand, now);
      states.push(state);
      const lacking = lackingOf(demand, state, now);
      if (lacking === undefined) continue;
      (short ??= []).push({ index, retryAt: lacking.retryAt });
      if (demand.enforced) ok = false;
    }
    if (short === undefined) {
      for (let index = 0; index < demands.length; index++) {
        const demand = demands[index] as Demand;
        this.#add(demand, { amount: demand.amount, state: states[index], now });
      }
      return taken;
    }
    if (ok) {
      const without = new Set(short.map(({ index }) => index));
      for (const [index, demand] of demands.entries())
        if (!without.has(index)) this.#add(demand, { amount: demand.amount, state: states[index], now });
    }
    return { ok, short };
  }

  adjust(adjustments: readonly Adjustment[], now: number): void {
    for (const { demand, by } of adjustments) this.#add(demand, { amount: by, state: this.#state(demand, now), now });
  }

  read(demand: Demand, now: number): Level {
    const { meter } = demand;
    const state = this.#state(demand, now);
    const used = usedOf(demand, state, now);
    const retryAt = lackingOf({ ...demand, amount: 1 }, state, now)?.retryAt;
    return { used: meter.kind === 'rate' ? Math.min(meter.burst, used) : used, retryAt };
  }

  keys(table: string, text: string, most: number): readonly string[] {
    const found: string[] = [];
    for (const key of this.#tables.get(table)?.states.keys() ?? []) {
      if (found.length >= most) break;
      if (key.includes(text)) found.push(key);
    }
    return found;
  }

  size(): number {
    return this.#size;
  }

  /**
   * Keeps what was added since, of as many keys as `most`, and takes over what other processes added. Answers whether
   * there is more. Throws what the store says; then nothing is lost.
   */
  save(now: number, most: number): boolean {
    const { kept } = this.#options;
    const batch = this.#unsaved.slice(0, most);
    if (kept === undefined || batch.length === 0) return false;
    const places: { readonly state: SumState; readonly at: number }[] = [];
    const changes: KeptChange[] = [];
    for (const { table, key, state } of batch)
      for (let at = 0; at < state.slots.length; at += 3) {
        const amount = state.slots[at + 2] ?? 0;
        if (amount === 0) continue;
        places.push({ state, at });
        changes.push({ table, key, slot: state.slots[at] ?? 0, amount, endsAt: state.endsAt });
      }
    const totals = kept.sums.add(changes, now);
    for (const [index, { state, at }] of places.entries()) {
      state.slots[at + 1] = totals[index] ?? 0;
      state.slots[at + 2] = 0;
    }
    for (const { state } of batch) state.isListed = false;
    this.#unsaved = this.#unsaved.slice(batch.length);
    return this.#unsaved.length > 0;
  }

  /** Forgets the limits that there are no more. */
  keep(tables: ReadonlySet<string>): void {
    for (const [name, { states }] of this.#tables)
      if (!tables.has(name)) {
        this.#size -= states.size;
        this.#tables.delete(name);
      }
  }

  #add(demand: Demand, { amount, state, now }: { amount: number; state: State | undefined; now: number }): void {
    const { meter } = demand;
    switch (meter.kind) {
      case 'rate': {
        const nowMicros = Math.round(now * 1_000);
        const from = typeof state === 'number' && state > nowMicros ? state : nowMicros;
        this.#put(demand, from + amount * meter.everyMicros, now);
        return;
      }
      case 'held': {
        if (typeof state === 'object' && 'held' in state) state.held = Math.max(0, state.held + amount);
        else if (amount > 0) this.#put(demand, { held: amount }, now);
        return;
      }
      case 'sum':
        this.#addSum(demand, { meter, amount, state, now });
    }
  }

  #addSum(
    demand: Demand,
    { meter, amount, state: known, now }: { meter: Sum; amount: number; state: State | undefined; now: number },
  ): void {
    let state = known;
    if (!isSum(state)) {
      state = { slots: [], touchedAt: now, endsAt: 0, isListed: false };
      this.#put(demand, state, now);
    }
    if (isIdle(state, meter, now)) state.slots = [];
    const { slots } = state;
    let last = slots.length - 3;
    // A clock that was set back adds to the latest slot that there is.
    if (last < 0 || (slots[last] ?? 0) < meter.slot) {
      state.slots = [...stillCounting(slots, meter), meter.slot, 0, 0];
      last = state.slots.length - 3;
    }
    const at = amount < 0 ? slotAt(state.slots, meter.slot) : last;
    // What it would be given back from counts no more.
    if (at === -1) return;
    state.slots[at + 1] = Math.max(0, (state.slots[at + 1] ?? 0) + amount);
    state.slots[at + 2] = (state.slots[at + 2] ?? 0) + amount;
    if (amount > 0) state.touchedAt = now;
    state.endsAt = meter.idleMs === undefined ? (state.slots[last] ?? 0) + meter.lastsMs : now + meter.idleMs;
    if (!state.isListed && this.#options.kept?.isKept(demand.table) === true) {
      state.isListed = true;
      this.#unsaved.push({ table: demand.table, key: this.#keyOf(demand), state });
    }
  }

  #table(name: string): Table {
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new Table()));
    return table;
  }

  /** What is known of a key. What it had among those that share stays there until that is as good as new. */
  #state(demand: Demand, now: number): State | undefined {
    const { states } = this.#table(demand.table);
    const known = states.get(demand.key);
    if (known !== undefined) return known;
    const { kept } = this.#options;
    if (demand.meter.kind === 'sum' && kept?.isKept(demand.table) === true)
      this.#restore(demand, { meter: demand.meter, kept: kept.sums, now });
    return states.get(demand.key) ?? states.get(shared);
  }

  #restore(demand: Demand, { meter, kept, now }: { meter: Sum; kept: Local<KeptSums>; now: number }): void {
    const { table, key } = demand;
    if (this.#table(table).states.has(shared)) return;
    const slots = kept.load({ table, key, latest: meter.slot }, now).flatMap(({ slot, amount }) => [slot, amount, 0]);
    if (slots.length === 0) return;
    this.#put(demand, { slots, touchedAt: now, endsAt: meter.slot + meter.lastsMs, isListed: false }, now);
  }

  #keyOf({ table, key }: Demand): string {
    return this.#table(table).states.has(key) ? key : shared;
  }

  #put(demand: Demand, state: State, now: number): void {
    const table = this.#table(demand.table);
    const { states } = table;
    if (states.has(demand.key)) {
      states.set(demand.key, state);
      return;
    }
    this.#sweep(table, now);
    if (this.#size >= this.#options.maxKeys) for (const other of this.#tables.values()) this.#sweep(other, now);
    const isFull = this.#size >= this.#options.maxKeys || states.has(shared);
    const key = isFull ? shared : demand.key;
    if (!states.has(key)) this.#size++;
    states.set(key, state);
  }

  /** Forgets, of some keys, those that are as good as new. Each is looked at in its turn. */
  #sweep(table: Table, now: number): void {
    for (let looked = 0; looked < swept; looked++) {
      const { value, done } = table.sweeping.next();
      if (done === true) {
        table.sweeping = table.states.entries();
        return;
      }
      const [key, state] = value;
      if (!isNew(state, now)) continue;
      table.states.delete(key);
      this.#size--;
    }
  }
}

const never = { retryAt: undefined };

/** The time in microseconds at which one more fits. */
function readyAt({ everyMicros, burst }: Rate, at: number, nowMicros: number): number {
  return Math.max(at, nowMicros) + everyMicros - burst * everyMicros;
}

function isSum(state: State | undefined): state is SumState {
  return typeof state === 'object' && 'slots' in state;
}

function heldIn(state: State | undefined): number {
  return typeof state === 'object' && 'held' in state ? state.held : 0;
}

function isIdle(state: SumState, { idleMs }: Sum, now: number): boolean {
  return idleMs !== undefined && now - state.touchedAt > idleMs;
}

/** A slot that begins later than now belongs to a clock that was set back: it counts, but for no longer than a window. */
function counts(begin: number, { slot, since, lastsMs }: Sum): boolean {
  return begin >= since && begin - slot <= lastsMs;
}

function sumOf(state: State | undefined, meter: Sum, now: number): number {
  if (!isSum(state) || isIdle(state, meter, now)) return 0;
  const { slots } = state;
  let sum = 0;
  for (let at = 0; at < slots.length; at += 3) if (counts(slots[at] ?? 0, meter)) sum += slots[at + 1] ?? 0;
  return sum;
}

function slotAt(slots: readonly number[], begin: number): number {
  for (let at = slots.length - 3; at >= 0; at -= 3) if (slots[at] === begin) return at;
  return -1;
}

function stillCounting(slots: readonly number[], meter: Sum): number[] {
  const still: number[] = [];
  for (let at = 0; at < slots.length; at += 3)
    // What is not kept yet stays until it is.
    if (counts(slots[at] ?? 0, meter) || slots[at + 2] !== 0)
      still.push(slots[at] ?? 0, slots[at + 1] ?? 0, slots[at + 2] ?? 0);
  return still;
}

/** When enough of the oldest slots count no more for what is over the limit. */
function roomAt(state: SumState, meter: Sum, over: number): number | undefined {
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

function isNew(state: State, now: number): boolean {
  if (typeof state === 'number') return state <= now * 1_000;
  return 'held' in state ? state.held === 0 : state.endsAt <= now && !state.isListed;
}

/** Why there is no room; `undefined` where there is. */
function lackingOf(
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

function usedOf({ meter }: Demand, state: State | undefined, now: number): number {
  switch (meter.kind) {
    case 'rate':
      return typeof state === 'number' ? Math.max(0, Math.ceil((state - now * 1_000) / meter.everyMicros)) : 0;
    case 'held':
      return heldIn(state);
    case 'sum':
      return sumOf(state, meter, now);
  }
}
