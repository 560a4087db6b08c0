/** A body as it comes in. Bytes that come one by one must not cost an object each. */

const maxPieces = 1_024;
const minAverageBytes = 48;

/** Chunks of a few bytes (RFC 9112, 7.1) cost some microseconds for each: are these more than `any`, and too small on average? */
export function areTooSmall(chunks: number, bytes: number, any = 4_096): boolean {
  return chunks > any && bytes < chunks * minAverageBytes;
}

export class Pieces {
  #joined: Buffer[] = [];
  #pieces: Buffer[] = [];

  add(piece: Buffer): void {
    if (this.#pieces.push(piece) < maxPieces) return;
    this.#joined.push(Buffer.concat(this.#pieces));
    this.#pieces = [];
  }

  /** Hands the bytes over, and keeps none of them. */
  take(): Buffer {
    const [joined, pieces] = [this.#joined, this.#pieces];
    this.#joined = [];
    this.#pieces = [];
    const [only, another] = pieces;
    if (only !== undefined && another === undefined && joined.length === 0) return only;
    return Buffer.concat([...joined, ...pieces]);
  }
}
