/**
 * One pass over a JSON text before it is parsed: counts what `JSON.parse` forgets, refuses what it would take long for, and
 * finds the numbers that it would round. Assumes nothing about validity.
 */
import { randomBytes } from 'node:crypto';
import { hasExponent, isExact, isNumber, isSpelledEqual, surelyExact } from './numbers.ts';

export interface JsonLimits {
  /** Deepest nesting of arrays and objects. */
  readonly depth: number;
  /** Most values in one text: members, items, arrays and objects. The time to build them grows with their number. */
  readonly values?: number;
  /** Most keys in one text that a row of equal objects would not share; see `Shapes`. */
  readonly keys?: number;
  /**
   * Accept escaped halves of surrogate pairs. Servers that cut text by UTF-16 units send them, and they are written
   * again just as they came.
   */
  readonly looseText?: boolean;
  /** A member of the outermost object whose text is wanted as it came. */
  readonly member?: string;
}

/** Bounds where the caller names none, as for the small documents of OAuth and secret stores. */
export const defaultMaxValues = 150_000;
export const defaultMaxKeys = 10_000;

/** Longest spelling of one number, in characters. Integers of 4,096 bits have 1,234 digits. */
export const maxNumberLength = 2_048;
/** Most numbers in one text that are kept as they are spelled, and most characters of them: each becomes an object. */
const maxRawNumbers = 5_000;
/** Numbers such as `1.0` whose spelling is kept; of more than these the value is, as of all others. */
const maxSpelledNumbers = 1_000;
const maxRawLength = 1024 * 1024;

export type JsonFault =
  | 'empty'
  | 'not-utf8'
  | 'byte-order-mark'
  | 'syntax'
  | 'too-deep'
  | 'too-many-values'
  | 'too-many-keys'
  | 'number-too-long'
  | 'too-many-long-numbers'
  | 'duplicate-key'
  | 'forbidden-key'
  | 'lone-surrogate';

export interface Survey {
  /** Found before anything is built. */
  readonly fault?: JsonFault;
  readonly members: number;
  /** Begin and end, one after the other, of each number that double precision does not hold. */
  readonly raw: readonly number[];
  /** Begin and end, one after the other, of each key that holds an escape, without its quotes. */
  readonly escapedKeys: readonly number[];
  /** Where the text of the wanted member begins and ends; 0 where it was not seen. */
  readonly from: number;
  readonly to: number;
}

/** What the pieces of one text have used of its bounds, which hold for all of them together. */
export interface Spent {
  values: number;
  strings: number;
  raw: number;
  rawLength: number;
  spelled: number;
  readonly shapes: Shapes;
}

export function nothingSpent({ depth, keys = defaultMaxKeys }: JsonLimits): Spent {
  return { values: 0, strings: 0, raw: 0, rawLength: 0, spelled: 0, shapes: new Shapes(depth, keys) };
}

const quote = 34;
const backslash = 92;
const zero = 48;
const none: readonly number[] = [];

const refused = (fault: JsonFault): Survey => ({ fault, members: 0, raw: none, escapedKeys: none, from: 0, to: 0 });

/**
 * One pass over the text that counts what `JSON.parse` forgets, and refuses what it would take long for. Assumes nothing
 * about validity: the counts only mean something when `JSON.parse` accepts the text as well. Strings are skipped by
 * native search, and every character is read a bounded number of times.
 */
export function survey(text: string, limits: JsonLimits, spent?: Spent): Survey {
  const { depth: maxDepth, values: maxValues = defaultMaxValues, keys: maxKeys = defaultMaxKeys, member } = limits;
  // A key takes four characters at the least, so a short text cannot have too many.
  const shapes = spent?.shapes ?? (text.length > maxKeys * 4 ? new Shapes(maxDepth, maxKeys) : undefined);
  let depth = 0;
  let members = 0;
  let values = spent?.values ?? 0;
  let strings = spent?.strings ?? 0;
  let raw: number[] | undefined;
  const rawBefore = spent?.raw ?? 0;
  let rawLength = spent?.rawLength ?? 0;
  let spelled = spent?.spelled ?? 0;
  // A key in its quotes, as it must stand in the text.
  const key = member === undefined ? '' : `"${member}"`;
  let keyEnd = 0;
  let from = 0;
  let to = 0;
  let stringFrom = 0;
  let stringTo = 0;
  let escapedKeys: number[] | undefined;
  /** The first backslash at or behind the last key. */
  let escape = -1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 32) continue;
    if (code === quote) {
      const end = endOfString(text, index);
      if (end === -1) break;
      // One as a key and one as a value, wherever the text is JSON at all.
      if (++strings > 2 * maxValues) return refused('too-many-values');
      if (depth === 1 && from === 0 && end - index + 1 === key.length && text.startsWith(key, index)) keyEnd = end;
      stringFrom = index + 1;
      stringTo = end;
      index = end;
    } else if ((code >= 48 && code <= 57) || code === 45) {
      const end = endOfNumber(text, index);
      if (end === -1) return refused('number-too-long');
      if (end - index > surelyExact || hasExponent(text, index, end)) {
        const source = text.slice(index, end);
        const equal = isSpelledEqual(source);
        // To compare the text with its double costs about as much as one more value, and three in another spelling.
        values += equal ? 1 : 3;
        if (!equal && !isExact(source)) {
          raw ??= [];
          rawLength += end - index;
          // A text will stand here while the rest is parsed, and a text before a colon would be a key.
          if (isColon(text, end)) return refused('syntax');
          if (rawBefore + raw.push(index, end) / 2 > maxRawNumbers + spelled || rawLength > maxRawLength)
            return refused('too-many-long-numbers');
        }
      } else if (text.charCodeAt(end - 1) === zero && spelled < maxSpelledNumbers && hasPoint(text, index, end)) {
        // `1.0` is a float for servers that tell it from an integer; `JSON.stringify` would make `1` of it.
        if (isColon(text, end) || !isNumber(text.slice(index, end))) return refused('syntax');
        spelled++;
        raw ??= [];
        raw.push(index, end);
      }
      index = end - 1;
    } else if (code === 123 || code === 91) {
      values++;
      depth++;
      if (depth > maxDepth) return refused('too-deep');
      shapes?.open(depth);
    } else if (code === 125 || code === 93) {
      depth--;
      if (depth === 0 && from > 0 && to === 0) to = index;
    } else if (code === 58) {
      members++;
      // A text with the same characters may be a value as well: only a key has the colon behind it.
      if (keyEnd > 0 && from === 0 && depth === 1) from = index + 1;
      if (escape < stringFrom) escape = nextBackslash(text, stringFrom);
      if (escape < stringTo) {
        values++;
        escapedKeys ??= [];
        escapedKeys.push(stringFrom, stringTo);
        if (values > maxValues) return refused('too-many-values');
      }
      if (shapes !== undefined && shapes.key(text, stringFrom, stringTo, depth) > maxKeys)
        return refused('too-many-keys');
    } else if (code === 44) {
      values++;
      if (values > maxValues) return refused('too-many-values');
      if (depth === 1) {
        if (from > 0 && to === 0) to = index;
        keyEnd = 0;
      }
    }
  }
  if (values > maxValues) return refused('too-many-values');
  if (spent !== undefined)
    Object.assign(spent, { values, strings, raw: rawBefore + (raw?.length ?? 0) / 2, rawLength, spelled });
  return { members, raw: raw ?? none, escapedKeys: escapedKeys ?? none, from, to };
}

/** Past the end when there is none. */
function nextBackslash(text: string, from: number): number {
  const found = text.indexOf('\\', from);
  return found === -1 ? text.length : found;
}

/** Where the string that begins at `from` ends: its closing quote, or -1. */
export function endOfString(text: string, from: number): number {
  const first = text.indexOf('"', from + 1);
  // One native search, unless an escape may stand before the quote.
  if (first === -1 || text.charCodeAt(first - 1) !== backslash) return first;
  return endOfEscaped(text, from + 1, first);
}

/** Characters behind an escape that are looked at one by one: a native search costs as much as so many, and half of it again. */
const nearby = 10;

/** The same where the quote at `found`, the first at or behind `index`, has a backslash before it. */
function endOfEscaped(text: string, index: number, found: number): number {
  for (let from = index, quoteAt = found; quoteAt !== -1; quoteAt = text.indexOf('"', from)) {
    let escape = quoteAt;
    while (escape > from && text.charCodeAt(escape - 1) === backslash) escape--;
    // The quote is escaped where an odd number of backslashes stands before it.
    if ((quoteAt - escape) % 2 === 0) return quoteAt;
    from = quoteAt + 1;
    // Escapes come in swarms: a search for each of a million is slow.
    for (let until = from + nearby; from < until && from < text.length; from++) {
      const code = text.charCodeAt(from);
      if (code === quote) return from;
      if (code === backslash) until = ++from + nearby;
    }
  }
  return -1;
}

/** Behind the last character that may belong to a number; -1 when it is too long. */
function endOfNumber(text: string, from: number): number {
  let end = from + 1;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    const isPart = (code >= 48 && code <= 57) || code === 46 || code === 45 || code === 43 || (code | 32) === 101;
    if (!isPart) break;
  }
  return end - from > maxNumberLength ? -1 : end;
}

function hasPoint(text: string, from: number, to: number): boolean {
  for (let index = from + 1; index < to; index++) if (text.charCodeAt(index) === 46) return true;
  return false;
}

function isColon(text: string, from: number): boolean {
  for (let index = from; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return code === 58;
  }
  return false;
}

/**
 * Estimates how many hidden classes the engine has to make for the objects of a text, which is what makes keys dear:
 * one for each key in each different order of keys before it. A table of a million equal rows has as many as it has
 * columns. Counted in a bit map over hashes with a random start, so that equal counts cannot be arranged from outside.
 */
export class Shapes {
  readonly #paths: Uint32Array;
  readonly #seen: Uint32Array;
  readonly #bits: number;
  #count = 0;
  #length = 0;

  constructor(maxDepth: number, maxKeys: number) {
    this.#paths = new Uint32Array(maxDepth + 1);
    // Eight bits for each key that may be counted: few enough share one.
    this.#bits = 2 ** Math.ceil(Math.log2(maxKeys * 8));
    this.#seen = new Uint32Array(this.#bits / 32);
  }

  open(depth: number): void {
    this.#paths[depth] = shapeSeed;
  }

  /** The keys counted so far, this one included. A long one counts as one for each hundred characters. */
  key(text: string, from: number, to: number, depth: number): number {
    let path = this.#paths[depth] ?? 0;
    for (let index = from; index < to; index++) path = Math.imul(path ^ text.charCodeAt(index), 0x01000193);
    path = Math.imul(path ^ (path >>> 15), shapeFactor);
    path ^= path >>> 13;
    this.#paths[depth] = path;
    const bit = (path >>> 0) % this.#bits;
    const mask = 1 << (bit & 31);
    const word = this.#seen[bit >>> 5] ?? 0;
    if ((word & mask) === 0) {
      this.#seen[bit >>> 5] = word | mask;
      this.#count++;
      this.#length += to - from;
    }
    return Math.max(this.#count, this.#length / 100);
  }
}

const [shapeSeed, shapeFactor] = ((): readonly [number, number] => {
  const random = randomBytes(8);
  return [random.readUInt32LE(0), random.readUInt32LE(4) | 1];
})();
