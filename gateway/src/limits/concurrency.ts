/** Stage 6 for now: how many requests, streams or sessions one caller has under way. */

/** Callers without anything under way that are remembered: forgetting each at once would cost more than it saves. */
const maxIdle = 10_000;

export class Concurrency {
  readonly #counts = new Map<string, { count: number }>();

  /** Takes a place; false when the caller has `limit` of them. */
  take(key: string, limit: number): boolean {
    let entry = this.#counts.get(key);
    if (entry === undefined) {
      if (this.#counts.size >= maxIdle) this.#forget();
      entry = { count: 0 };
      this.#counts.set(key, entry);
    }
    if (entry.count >= limit) return false;
    entry.count++;
    return true;
  }

  give(key: string): void {
    const entry = this.#counts.get(key);
    if (entry !== undefined && entry.count > 0) entry.count--;
  }

  #forget(): void {
    for (const [key, { count }] of this.#counts) if (count === 0) this.#counts.delete(key);
  }
}
