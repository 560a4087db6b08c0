/** How fast one operator may ask: a bucket for each that fills again with time. */
const perSecond = 50;
const burst = 200;
const maxOperators = 2_000;

export class RequestRate {
  readonly #buckets = new Map<string, { left: number; at: number }>();

  get size(): number {
    return this.#buckets.size;
  }

  /** Seconds to wait; 0: go on. */
  take(operator: string, now: number): number {
    const bucket = this.#buckets.get(operator) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    if (!this.#buckets.has(operator) && this.#buckets.size >= maxOperators)
      this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    this.#buckets.set(operator, bucket);
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / perSecond));
    bucket.left -= 1;
    return 0;
  }
}
