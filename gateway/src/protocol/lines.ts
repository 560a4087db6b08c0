/** Newline-delimited messages out of bytes as they come, however they are cut. Each line is bounded. */
import { Pieces } from './pieces.ts';

export interface LineEvents {
  onLine(line: Buffer): void;
  /** A line was longer than the limit. Of all that came of it only these two ends were kept. */
  onTooLong(first: Buffer, last: Buffer): void;
}

const newline = 10;
/** Bytes of each end: the id of a message stands in one of them. */
const endLength = 512;

export class Lines {
  readonly #limit: number;
  readonly #events: LineEvents;
  #pieces = new Pieces();
  #length = 0;
  #ends: { readonly first: Buffer; last: Buffer } | undefined;

  constructor(limit: number, events: LineEvents) {
    this.#limit = limit;
    this.#events = events;
  }

  feed(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#end(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#add(chunk.subarray(start));
  }

  /** No more bytes come: what stands after the last newline was meant as a line as well. */
  end(): void {
    if (this.#length > 0) this.#end(Buffer.alloc(0));
  }

  #end(part: Buffer): void {
    this.#add(part);
    const [pieces, ends] = [this.#pieces, this.#ends];
    this.#pieces = new Pieces();
    this.#length = 0;
    this.#ends = undefined;
    if (ends === undefined) this.#events.onLine(pieces.take());
    else this.#events.onTooLong(ends.first, ends.last);
  }

  #add(part: Buffer): void {
    this.#length += part.length;
    if (this.#ends !== undefined) {
      this.#ends.last = Buffer.concat([this.#ends.last, part.subarray(-endLength)]).subarray(-endLength);
      return;
    }
    this.#pieces.add(part);
    if (this.#length <= this.#limit) return;
    const whole = this.#pieces.take();
    // Copies: a view would keep everything else alive.
    this.#ends = { first: Buffer.from(whole.subarray(0, endLength)), last: Buffer.from(whole.subarray(-endLength)) };
    this.#pieces = new Pieces();
  }
}
