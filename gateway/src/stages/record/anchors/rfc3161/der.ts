/**
 * DER (X.690), as far as RFC 3161 needs it. Read strictly: definite lengths in their shortest form. The reader opens
 * each level by name, so deeper nesting is never looked at.
 */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  text: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1: 0xa1,
} as const;

export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The content of the next element. `what` names it in the complaint. */
  take(tag: number, what: string): Buffer {
    const { content, end } = this.#measure(tag, what);
    this.#at = end;
    return content;
  }

  /** The next element with its tag and length. */
  whole(tag: number, what: string): Buffer {
    const start = this.#at;
    this.#at = this.#measure(tag, what).end;
    return this.#bytes.subarray(start, this.#at);
  }

  maybe(tag: number, what: string): Buffer | undefined {
    return this.#bytes[this.#at] === tag ? this.take(tag, what) : undefined;
  }

  inside(tag: number, what: string): DerReader {
    return new DerReader(this.take(tag, what));
  }

  end(what: string): void {
    if (!this.done) throw new Error(`there is something after ${what}`);
  }

  #measure(tag: number, what: string): { content: Buffer; end: number } {
    if (this.#bytes[this.#at] !== tag) throw new Error(`${what} is not there`);
    let at = this.#at + 1;
    let length = this.#bytes[at++] ?? Number.MAX_SAFE_INTEGER;
    if (length >= 0x80 && length !== Number.MAX_SAFE_INTEGER) {
      const size = length & 0x7f;
      if (size < 1 || size > 3 || at + size > this.#bytes.length) throw new Error(`${what} has no proper length`);
      length = this.#bytes.readUIntBE(at, size);
      at += size;
      if (length < 0x80 || length < 2 ** (8 * (size - 1))) throw new Error(`${what} has no proper length`);
    }
    const end = at + length;
    if (end > this.#bytes.length) throw new Error(`${what} is cut off`);
    return { content: this.#bytes.subarray(at, end), end };
  }
}

export function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length > 0x7f) throw new Error('longer than a request can be');
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}

/** The content of an object identifier, from `1.2.840.…`. */
export function oidBytes(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return Buffer.from([first * 40 + second, ...rest].flatMap(base128));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(128 + (rest % 128));
  return bytes;
}
