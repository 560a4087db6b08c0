/** How much of something all callers hold together, and how much each of them: bytes of bodies, characters of URIs. */

export interface ShareBounds {
  readonly maxOfOwner: number;
  readonly max: number;
}

export class Shares {
  readonly #bounds: ShareBounds;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(bounds: ShareBounds) {
    this.#bounds = bounds;
  }

  /** What is held. */
  get size(): number {
    return this.#total;
  }

  /** False when the owner, or all together, would hold too much. */
  take(owner: string, amount: number): boolean {
    const own = (this.#held.get(owner) ?? 0) + amount;
    if (own > this.#bounds.maxOfOwner || this.#total + amount > this.#bounds.max) return false;
    this.#held.set(owner, own);
    this.#total += amount;
    return true;
  }

  give(owner: string, amount: number): void {
    this.#total -= amount;
    const left = (this.#held.get(owner) ?? 0) - amount;
    if (left > 0) this.#held.set(owner, left);
    else this.#held.delete(owner);
  }
}
