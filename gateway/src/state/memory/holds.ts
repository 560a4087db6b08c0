/** Holds in this process. They end with it, so that none is left behind, and none needs an end of its own. */
import type { Hold, HoldBounds, Holds } from '../contract/counters.ts';
import type { Local } from '../contract/later.ts';

/** Keys without holds that are remembered: forgetting each at once would cost more than it saves. */
const maxIdle = 10_000;
const restMs = 100;

/** What one key holds. It is every hold of its key, so that a hold costs no object of its own. */
class Held implements Hold {
  count = 0;

  settle(): void {
    this.count--;
  }
}

export class MemoryHolds implements Local<Holds> {
  readonly #maxKeys: number;
  readonly #held = new Map<string, Held>();
  /** Keys at which those without holds are forgotten next: never more often than every other new key. */
  #forgetAt: number;
  /** While every key that there is room for has holds, a new one does not look through all of them each time. */
  #restUntil = 0;

  constructor({ maxKeys }: Pick<HoldBounds, 'maxKeys'>) {
    this.#maxKeys = maxKeys;
    this.#forgetAt = Math.min(maxIdle, maxKeys);
  }

  hold(key: string, limit: number, now: number): Hold | undefined {
    const held = this.#held.get(key) ?? this.#made(key, now);
    if (held === undefined || held.count >= limit) return undefined;
    held.count++;
    return held;
  }

  held(key: string, _now: number): number {
    return this.#held.get(key)?.count ?? 0;
  }

  #made(key: string, now: number): Held | undefined {
    if (this.#held.size >= this.#forgetAt && now >= this.#restUntil) this.#forget(now);
    if (this.#held.size >= this.#maxKeys) return undefined;
    const held = new Held();
    this.#held.set(key, held);
    return held;
  }

  #forget(now: number): void {
    for (const [key, { count }] of this.#held) if (count === 0) this.#held.delete(key);
    this.#forgetAt = Math.min(Math.max(maxIdle, 2 * this.#held.size), this.#maxKeys);
    if (this.#held.size >= this.#maxKeys) this.#restUntil = now + restMs;
  }
}
