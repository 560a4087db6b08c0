/** Counters in this process, of each owner those that changed longest ago first. */
import type { Count, CounterBounds, CounterName, Counters } from '../contract/counters.ts';
import type { Local } from '../contract/later.ts';

export class MemoryCounters implements Local<Counters> {
  readonly #bounds: CounterBounds;
  readonly #owners = new Map<string, Map<string, Count>>();

  constructor(bounds: CounterBounds) {
    this.#bounds = bounds;
  }

  add(names: readonly CounterName[], now: number): readonly Count[] {
    return names.map(({ owner, key }) => {
      let own = this.#owners.get(owner);
      if (own === undefined) this.#owners.set(owner, (own = new Map()));
      const known = own.get(key);
      const count = { value: this.#isIdle(known, now) ? 1 : (known?.value ?? 0) + 1, changedAt: now };
      own.delete(key);
      if (own.size >= this.#bounds.maxOfOwner) own.delete(own.keys().next().value ?? '');
      own.set(key, count);
      return count;
    });
  }

  read({ owner, key }: CounterName, now: number): Count | undefined {
    const known = this.#owners.get(owner)?.get(key);
    return this.#isIdle(known, now) ? undefined : known;
  }

  size(_now: number): number {
    let size = 0;
    for (const own of this.#owners.values()) size += own.size;
    return size;
  }

  #isIdle(count: Count | undefined, now: number): boolean {
    return count === undefined || now - count.changedAt > this.#bounds.idleMs;
  }
}
