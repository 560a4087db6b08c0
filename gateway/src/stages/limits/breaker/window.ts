/** How many calls failed, and how many did not, in a time that ends now. */

const parts = 10;

export class RollingWindow {
  readonly #good = new Float64Array(parts);
  readonly #bad = new Float64Array(parts);
  readonly #lengthMs: number;
  /** The number of the part of time that was written last. */
  #at: number;

  /** Times on the monotonic clock, in milliseconds. */
  constructor(lengthMs: number, now: number) {
    this.#lengthMs = lengthMs;
    this.#at = this.#part(now);
  }

  add(isGood: boolean, now: number): void {
    this.#roll(now);
    const counts = isGood ? this.#good : this.#bad;
    const place = this.#at % parts;
    counts[place] = (counts[place] ?? 0) + 1;
  }

  counts(now: number): { readonly good: number; readonly bad: number } {
    this.#roll(now);
    return { good: sum(this.#good), bad: sum(this.#bad) };
  }

  clear(): void {
    this.#good.fill(0);
    this.#bad.fill(0);
  }

  #part(now: number): number {
    return Math.floor((now * parts) / this.#lengthMs);
  }

  #roll(now: number): void {
    const at = this.#part(now);
    if (at === this.#at) return;
    const first = Math.max(this.#at + 1, at - parts + 1);
    for (let each = first; each <= at; each++) {
      this.#good[each % parts] = 0;
      this.#bad[each % parts] = 0;
    }
    this.#at = Math.max(at, this.#at);
  }
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
