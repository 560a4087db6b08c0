/** The bytes of bodies that are being read: of all callers, and of one. A body counts until it is whole, and its turn has come. */

/** Bytes: sixteen bodies of the usual bound for one caller, and room for the slow ones of eight such callers. */
const maxBytesOfOwner = 64 * 1024 * 1024;
const maxBytes = 512 * 1024 * 1024;

export class BodyBudget {
  readonly #bytes = new Map<string, number>();
  #total = 0;

  /** Bytes that are being read. */
  get size(): number {
    return this.#total;
  }

  /** False when the owner, or all together, would hold too much. */
  take(owner: string, bytes: number): boolean {
    const own = (this.#bytes.get(owner) ?? 0) + bytes;
    if (own > maxBytesOfOwner || this.#total + bytes > maxBytes) return false;
    this.#bytes.set(owner, own);
    this.#total += bytes;
    return true;
  }

  give(owner: string, bytes: number): void {
    this.#total -= bytes;
    const left = (this.#bytes.get(owner) ?? 0) - bytes;
    if (left > 0) this.#bytes.set(owner, left);
    else this.#bytes.delete(owner);
  }
}
