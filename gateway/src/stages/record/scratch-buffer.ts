/**
 * Room for bytes that are needed until a group is on the disk: taken piece by piece, given back all at once. A record
 * takes a dozen small pieces; as buffers of their own they were what the writer's garbage collector worked on, for
 * milliseconds in which no record became durable.
 */
import type { ByteText } from './hash.ts';

const size = 1024 * 1024;

export class ScratchBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(size);
  #used = 0;

  /** Bytes with anything in them, good until `clear`. What does not fit is ordinary memory. */
  take(length: number): Buffer {
    if (this.#used + length > size) return Buffer.allocUnsafe(length);
    this.#used += length;
    return this.#bytes.subarray(this.#used - length, this.#used);
  }

  /** A text as UTF-8, good until `clear`. */
  text(text: string): Buffer {
    // No UTF-16 code unit takes more than three bytes.
    if (this.#used + 3 * text.length > size) return Buffer.from(text);
    const begin = this.#used;
    this.#used += this.#bytes.write(text, begin);
    return this.#bytes.subarray(begin, this.#used);
  }

  /** A text with a character for each byte, good until `clear`. */
  bytes(text: ByteText): Buffer {
    const bytes = this.take(text.length);
    bytes.write(text, 'latin1');
    return bytes;
  }

  clear(): void {
    this.#used = 0;
  }
}
