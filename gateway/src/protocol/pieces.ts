/** A body as it comes in. Bytes that come one by one must not cost an object each. */

const maxPieces = 1_024;

export class Pieces {
  readonly #joined: Buffer[] = [];
  #pieces: Buffer[] = [];

  add(piece: Buffer): void {
    if (this.#pieces.push(piece) < maxPieces) return;
    this.#joined.push(Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  whole(): Buffer {
    const [only, another] = this.#pieces;
    if (only !== undefined && another === undefined && this.#joined.length === 0) return only;
    return Buffer.concat([...this.#joined, ...this.#pieces]);
  }
}
