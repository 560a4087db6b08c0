/** Stage 6 for now: how many requests, streams or sessions one caller has under way. */

export class Concurrency {
  readonly #counts = new Map<string, number>();

  /** Takes a place; false when the caller has `limit` of them. */
  take(key: string, limit: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= limit) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  give(key: string): void {
    const count = (this.#counts.get(key) ?? 0) - 1;
    // A caller without anything under way leaves no trace: the map stays as small as what goes on now.
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
