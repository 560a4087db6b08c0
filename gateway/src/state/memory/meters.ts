/**
 * Meters in this process. A key is forgotten only when it is as good as new, so that no caller gets a fresh budget early:
 * when every key that there is room for is in use, those that come then share one.
 */
import type { Local } from '../contract/later.ts';
import type {
  Adjustment,
  Demand,
  KeptChange,
  KeptSlot,
  KeptSums,
  Level,
  Meters,
  Short,
  Sum,
  Taken,
} from '../contract/meters.ts';
import {
  isIdle,
  isSum,
  lackingOf,
  latestNew,
  type State,
  type SumState,
  slotAt,
  takingAt,
  usedOf,
  withSlot,
} from './meter-states.ts';
import { MeterTable } from './meter-table.ts';

export interface MemoryMeterOptions {
  /** Keys of all limits together. */
  readonly maxKeys: number;
  /** Keeps the sums of tables whose name `isKept`. */
  readonly kept?: {
    readonly sums: Local<KeptSums>;
    readonly isKept: (table: string) => boolean;
    readonly onTrouble: (error: unknown) => void;
  };
}

/** Keys that one owner gets within the time: a caller that begins sessions without end takes no other one its room. */
const maxOfOwner = 10_000;
const ownerMs = 3_600_000;
const maxOwners = 100_000;
/** The key that all those share for which there is no room. No caller can be called so. */
const shared = '(shared)';
const taken: Taken = { ok: true, short: [] };

export class MemoryMeters implements Local<Meters> {
  readonly #options: MemoryMeterOptions;
  readonly #tables = new Map<string, MeterTable>();
  /** Sums with something that is not kept yet. */
  #unsaved: { readonly table: string; readonly key: string; readonly state: SumState }[] = [];
  #size = 0;
  /** New keys of each owner since then. */
  #made = new Map<string, number>();
  #madeSince = 0;

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
    for (const key of this.#tables.get(table)?.keys() ?? []) {
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
        const total = state.slots[at + 1] ?? 0;
        changes.push({ table, key, slot: state.slots[at] ?? 0, amount, total, endsAt: state.endsAt });
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
    for (const [name, table] of this.#tables)
      if (!tables.has(name)) {
        this.#size -= table.size;
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
    let taking = takingAt(state.slots, meter);
    if (taking === -1) {
      state.slots = withSlot(state.slots, meter, now);
      taking = slotAt(state.slots, meter.slot);
    }
    const at = amount < 0 ? slotAt(state.slots, meter.slot) : taking;
    // What it would be given back from counts no more.
    if (at === -1) return;
    state.slots[at + 1] = Math.max(0, (state.slots[at + 1] ?? 0) + amount);
    state.slots[at + 2] = (state.slots[at + 2] ?? 0) + amount;
    if (amount > 0) state.touchedAt = now;
    const { idleMs, lastsMs, slackMs = 0 } = meter;
    state.endsAt = idleMs === undefined ? (state.slots.at(-3) ?? 0) + lastsMs + slackMs : now + idleMs;
    if (!state.isListed && this.#options.kept?.isKept(demand.table) === true) {
      state.isListed = true;
      this.#unsaved.push({ table: demand.table, key: this.#keyOf(demand), state });
    }
  }

  #table(name: string): MeterTable {
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new MeterTable()));
    return table;
  }

  /** What is known of a key. What it had among those that share stays there until that is as good as new. */
  #state(demand: Demand, now: number): State | undefined {
    const states = this.#table(demand.table);
    const known = states.get(demand.key);
    if (known !== undefined) return this.#bounded(demand, known, now);
    const { kept } = this.#options;
    if (demand.meter.kind === 'sum' && kept?.isKept(demand.table) === true)
      this.#restore(demand, { meter: demand.meter, kept: kept.sums, now });
    const ofOwner = demand.owner === undefined ? undefined : states.get(ofAll(demand.owner));
    return states.get(demand.key) ?? ofOwner ?? states.get(shared);
  }

  /** A rate whose amount was raised is waited for as long as the new one says. */
  #bounded({ table, key, meter }: Demand, state: State, now: number): State {
    if (typeof state !== 'number' || meter.kind !== 'rate' || state <= latestNew(meter, now)) return state;
    this.#table(table).set(key, latestNew(meter, now));
    return latestNew(meter, now);
  }

  #restore(demand: Demand, { meter, kept, now }: { meter: Sum; kept: Local<KeptSums>; now: number }): void {
    const { table, key } = demand;
    if (this.#table(table).has(shared)) return;
    const slots = this.#loaded(kept, { table, key, latest: meter.slot }, now).flatMap(({ slot, amount }) => [
      slot,
      amount,
      0,
    ]);
    if (slots.length === 0) return;
    this.#put(
      demand,
      { slots, touchedAt: now, endsAt: meter.slot + meter.lastsMs + (meter.slackMs ?? 0), isListed: false },
      now,
    );
  }

  /**
   * While the store fails, what was used before is not known, and calls go on: as soon as it takes what is used now, it
   * answers with all of it.
   */
  #loaded(kept: Local<KeptSums>, of: Parameters<KeptSums['load']>[0], now: number): readonly KeptSlot[] {
    try {
      return kept.load(of, now);
    } catch (error) {
      this.#options.kept?.onTrouble(error);
      return [];
    }
  }

  #keyOf({ table, key, owner }: Demand): string {
    const states = this.#table(table);
    if (states.has(key)) return key;
    return owner !== undefined && states.has(ofAll(owner)) ? ofAll(owner) : shared;
  }

  #put(demand: Demand, state: State, now: number): void {
    const table = this.#table(demand.table);
    if (table.has(demand.key)) {
      table.set(demand.key, state);
      return;
    }
    this.#size -= table.sweep(now);
    const { maxKeys } = this.#options;
    if (this.#size >= maxKeys) for (const other of this.#tables.values()) this.#size -= other.sweep(now);
    const isFull = this.#size >= maxKeys || table.has(shared);
    const key = isFull ? shared : this.#isBeyondShare(demand, now) ? ofAll(demand.owner ?? '') : demand.key;
    if (!table.has(key)) this.#size++;
    table.set(key, state);
  }

  /** What it had among those that its owner has together stays there until that is as good as new. */
  #isBeyondShare({ table, owner }: Demand, now: number): boolean {
    if (owner === undefined) return false;
    if (now - this.#madeSince > ownerMs || this.#made.size >= maxOwners) {
      this.#made = new Map();
      this.#madeSince = now;
    }
    const count = (this.#made.get(owner) ?? 0) + 1;
    this.#made.set(owner, count);
    return count > maxOfOwner || this.#table(table).has(ofAll(owner));
  }
}

function ofAll(owner: string): string {
  return `${owner} (all)`;
}
