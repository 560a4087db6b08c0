/** The records of what stores of the data folder say has changed, whichever process changed it and whenever. */
import { inBackground } from '../telemetry/background.ts';

/**
 * Which changes to take: those that no process has taken (`new`), also those that one has had for so long that it must have
 * ended (`late`), or the one of this key, also where another process has it (`of`).
 */
export type Which = 'new' | 'late' | { readonly of: string };

/** Changes of one store that no record tells yet. Each method throws when the store cannot be read or written. */
export interface Unrecorded<Item> {
  /** The oldest, as many as a turn has time for. They are this process's for a time. `now`: milliseconds since the epoch. */
  take(which: Which, now: number): readonly Item[];
  /** They are this process's for that time again: their records are still being written. */
  keep(items: readonly Item[], now: number): void;
  /** Their records are durable. */
  recorded(items: readonly Item[]): void;
  /** They have no record, and are any process's to take again. */
  release(items: readonly Item[]): void;
}

/** Milliseconds that a gateway which ends waits for records. */
const maxSettleMs = 2_000;

/** Milliseconds between two times that a process says that what it took is still its own. */
const keepMs = 1_000;

/** What makes records of events. */
export interface Recorder<Event> {
  /** Resolves when the record is durable. Rejects where there will be none. */
  record(event: Event): Promise<void>;
}

export class Recording<Item, Event> {
  readonly #store: Unrecorded<Item>;
  readonly #audit: Recorder<Event>;
  /** With what they are the records of. */
  readonly #underWay = new Map<Promise<void>, readonly Item[]>();

  constructor(store: Unrecorded<Item>, audit: Recorder<Event>) {
    this.#store = store;
    this.#audit = audit;
  }

  take(now: number): readonly Item[] {
    for (const items of this.#underWay.values()) this.#store.keep(items, now);
    // What this process waits for is not late.
    return this.#store.take(this.#underWay.size === 0 ? 'late' : 'new', now);
  }

  /** What was taken stays this process's until this is over, which may take longer than that time. */
  async keepDuring(items: readonly Item[], waiting: Promise<unknown>): Promise<void> {
    if (items.length === 0) return;
    const timer = setInterval(() => {
      try {
        this.#store.keep(items, Date.now());
      } catch {
        // The disk fails: another process may record them as well.
      }
    }, keepMs);
    timer.unref();
    try {
      await waiting;
    } finally {
      clearInterval(timer);
    }
  }

  /** `eventOf`: `undefined` for what needs no record. Records stand in the order of calls. */
  record(items: readonly Item[], eventOf: (item: Item) => Event | undefined): void {
    if (items.length === 0) return;
    const writing = items.map((item) => {
      const event = eventOf(item);
      return event === undefined ? Promise.resolve() : this.#audit.record(event);
    });
    const marking = this.#mark(items, writing).finally(() => void this.#underWay.delete(marking));
    this.#underWay.set(marking, items);
    inBackground('note what was recorded', marking);
  }

  async #mark(items: readonly Item[], writing: readonly Promise<void>[]): Promise<void> {
    const written = await Promise.allSettled(writing);
    const withStatus = (status: 'fulfilled' | 'rejected'): readonly Item[] =>
      items.filter((_item, at) => written[at]?.status === status);
    this.#store.recorded(withStatus('fulfilled'));
    this.#store.release(withStatus('rejected'));
  }

  /** True when everything is marked; false when the log takes too long: then its store keeps it for the next process. */
  async settled(maxMs = maxSettleMs): Promise<boolean> {
    if (this.#underWay.size === 0) return true;
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), maxMs);
    const isSettled = await Promise.race([Promise.allSettled(this.#underWay.keys()).then(() => true), late]);
    clearTimeout(timer);
    return isSettled;
  }
}
