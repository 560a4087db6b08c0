/**
 * Strict JSON: what two parsers could read differently is refused, so that what was decided is what is forwarded.
 * Takes bytes, returns a value or a fault, never throws. The time is linear in the length of the text, whatever it holds:
 * what `JSON.parse` takes long for (values, keys, digits) has a bound, and is counted before anything is built.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import {
  compareNumbers,
  hasExponent,
  isExact,
  isNumber,
  isRawJSON,
  isSpelledEqual,
  rawJSON,
  surelyExact,
} from './numbers.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

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
const maxNumberLength = 2_048;
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

export type JsonResult =
  | {
      readonly ok: true;
      readonly value: Json;
      /** Some number does not survive double precision; it is held as `JSON.rawJSON`, and `exact` reads it. */
      readonly rawNumbers: boolean;
      /**
       * The text of the member that was asked for, where it can stand for its value in any message: on one line, and
       * under a key without escapes. Nothing in it can be read in two ways, as the whole text was read strictly.
       */
      readonly memberText?: string;
    }
  | { readonly ok: false; readonly fault: JsonFault };

/** What each fault is called towards a client. */
export const jsonFaultText: Readonly<Record<JsonFault, string>> = {
  empty: 'The body is empty',
  'not-utf8': 'The body is not UTF-8',
  'byte-order-mark': 'The body begins with a byte order mark',
  syntax: 'The body is not JSON',
  'too-deep': 'The JSON is nested too deeply',
  'too-many-values': 'The JSON has too many values; send fewer, or as text',
  'too-many-keys': 'The JSON objects have too many different keys; send fewer, or as an array',
  'number-too-long': `A JSON number is longer than ${maxNumberLength} characters; send it as text`,
  'too-many-long-numbers': 'The JSON has too many numbers beyond double precision; send them as text',
  'duplicate-key': 'A JSON object has the same key twice',
  'forbidden-key': 'A JSON object has the key __proto__',
  'lone-surrogate': 'A JSON string holds half of a surrogate pair',
};

interface Survey {
  /** Found before anything is built. */
  readonly fault?: JsonFault;
  readonly members: number;
  /** Begin and end, one after the other, of each number that double precision does not hold. */
  readonly raw: readonly number[];
  /** Where the text of the wanted member begins and ends; 0 where it was not seen. */
  readonly from: number;
  readonly to: number;
}

const quote = 34;
const backslash = 92;
const zero = 48;
const none: readonly number[] = [];

const refused = (fault: JsonFault): Survey => ({ fault, members: 0, raw: none, from: 0, to: 0 });

/**
 * One pass over the text that counts what `JSON.parse` forgets, and refuses what it would take long for. Assumes nothing
 * about validity: the counts only mean something when `JSON.parse` accepts the text as well. Strings are skipped by
 * native search, and every character is read a bounded number of times.
 */
function survey(text: string, limits: JsonLimits): Survey {
  const { depth: maxDepth, values: maxValues = defaultMaxValues, keys: maxKeys = defaultMaxKeys, member } = limits;
  // A key takes four characters at the least, so a short text cannot have too many.
  const shapes = text.length > maxKeys * 4 ? new Shapes(maxDepth, maxKeys) : undefined;
  let depth = 0;
  let members = 0;
  let values = 0;
  let strings = 0;
  let raw: number[] | undefined;
  let rawLength = 0;
  let spelled = 0;
  // A key in its quotes, as it must stand in the text.
  const key = member === undefined ? '' : `"${member}"`;
  let keyEnd = 0;
  let from = 0;
  let to = 0;
  let stringFrom = 0;
  let stringTo = 0;
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
          if (raw.push(index, end) > 2 * (maxRawNumbers + spelled) || rawLength > maxRawLength)
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
  return { members, raw: raw ?? none, from, to };
}

/** Where the string that begins at `from` ends: its closing quote, or -1. */
function endOfString(text: string, from: number): number {
  const first = text.indexOf('"', from + 1);
  // One native search, unless an escape may stand before the quote: a search for each of a million escapes is slow.
  if (first === -1 || text.charCodeAt(first - 1) !== backslash) return first;
  for (let index = from + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) return index;
    if (code === backslash) index++;
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
class Shapes {
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

/** What a walk over the parsed value finds. */
interface Tally {
  members: number;
  forbidden: boolean;
  illFormed: boolean;
}

function tally(value: Json, checkText: boolean, into: Tally): void {
  if (typeof value === 'string') {
    if (checkText && !value.isWellFormed()) into.illFormed = true;
  } else if (Array.isArray(value)) {
    for (const item of value as readonly Json[])
      if (typeof item === 'object' || checkText) tally(item, checkText, into);
  } else if (typeof value === 'object' && value !== null) {
    const members = value as JsonObject;
    for (const key in members) {
      // A key that differs from another one only by how a parser treats half a surrogate pair, or that would
      // reach into the prototype of a careless reader, is never forwarded.
      if (key === '__proto__') into.forbidden = true;
      if (checkText && !key.isWellFormed()) into.illFormed = true;
      into.members++;
      const member = members[key];
      if (member !== undefined && (typeof member === 'object' || checkText)) tally(member, checkText, into);
    }
  }
}

/** Begins the texts that stand for numbers during a parse. Random, so that no foreign text can begin with it. */
const marker = `\u0001${randomBytes(16).toString('hex')}`;

/** The text with a marked text in the place of each number of `raw`, which `JSON.parse` would round. */
function withoutRaw(text: string, raw: readonly number[]): string {
  const parts: string[] = [];
  let last = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const from = raw[index] ?? 0;
    const to = raw[index + 1] ?? 0;
    parts.push(text.slice(last, from), `"\\u0001${marker.slice(1)}${text.slice(from, to)}"`);
    last = to;
  }
  parts.push(text.slice(last));
  return parts.join('');
}

/** Puts the numbers back, in place: the value was made a moment ago, and nothing else holds it. */
function putRaw(value: Json): Json {
  if (typeof value === 'string')
    return value.startsWith(marker) ? (rawJSON(value.slice(marker.length)) as Json) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value as Json[];
    for (const [index, item] of items.entries())
      if (typeof item === 'string' || typeof item === 'object') items[index] = putRaw(item);
    return value;
  }
  const members = value as Record<string, Json>;
  for (const key in members) {
    const member = members[key];
    if (typeof member === 'string' || typeof member === 'object') members[key] = putRaw(member);
  }
  return value;
}

/**
 * Parses one JSON text (RFC 8259). Refused beyond its grammar: anything but UTF-8, a byte order mark, equal keys in one
 * object (section 4 leaves their meaning open), the key `__proto__`, half surrogate pairs, and nesting beyond the limit.
 */
export function parseJson(bytes: Buffer, limits: JsonLimits): JsonResult {
  if (bytes.length === 0) return { ok: false, fault: 'empty' };
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return { ok: false, fault: 'byte-order-mark' };
  if (!isUtf8(bytes)) return { ok: false, fault: 'not-utf8' };
  return parseJsonText(bytes.toString('utf8'), limits);
}

/** As `parseJson`, for text that is already decoded. */
export function parseJsonText(text: string, limits: JsonLimits): JsonResult {
  const seen = survey(text, limits);
  if (seen.fault !== undefined) return { ok: false, fault: seen.fault };
  const rawNumbers = seen.raw.length > 0;
  let value: Json;
  try {
    value = JSON.parse(rawNumbers ? withoutRaw(text, seen.raw) : text) as Json;
  } catch {
    return { ok: false, fault: 'syntax' };
  }
  const found: Tally = { members: 0, forbidden: false, illFormed: false };
  tally(value, limits.looseText !== true && halfPair.test(text), found);
  if (found.forbidden) return { ok: false, fault: 'forbidden-key' };
  if (found.illFormed) return { ok: false, fault: 'lone-surrogate' };
  if (found.members !== seen.members) return { ok: false, fault: 'duplicate-key' };
  if (rawNumbers) value = putRaw(value);
  if (seen.to === 0) return { ok: true, value, rawNumbers };
  const memberText = text.slice(seen.from, seen.to);
  return lineBreak.test(memberText) ? { ok: true, value, rawNumbers } : { ok: true, value, rawNumbers, memberText };
}

/** An escape of half a surrogate pair; a whole pair begins with one as well. */
const halfPair = /\\u[dD][89a-fA-F]/;

const lineBreak = /[\n\r]/;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/** The value where it is text, else nothing: for names that other sides claim. */
export function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/**
 * A copy in which the numbers that double precision cannot hold are bigints, or `undefined` where they are no integers:
 * a condition then compares the exact value, or fails to evaluate, and never sees a neighbour of it.
 */
export function exact(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isRawJSON(value)) {
    const held = copySettled(value);
    if (typeof held === 'number') return held;
    const source = value.rawJSON;
    return /^-?\d{1,400}$/.test(source) ? BigInt(source) : undefined;
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map(exact);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exact(member)]));
}

/**
 * The value with doubles for all numbers that a double holds, however they are spelled; only the others are left as
 * `JSON.rawJSON`, so that two numbers are equal only when they look equal. The value itself where nothing changes.
 */
export function settled(value: Json): Json {
  return holdsRaw(value) ? copySettled(value) : value;
}

/** The double of a number that is only spelled in another way, such as `1.0`; every other value as it is. */
export function plainNumber(value: Json | undefined): Json | undefined {
  return typeof value === 'object' && isRawJSON(value) ? copySettled(value) : value;
}

function holdsRaw(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return (value as readonly Json[]).some(holdsRaw);
  if (isRawJSON(value)) return true;
  const members = value as JsonObject;
  for (const key in members) {
    const member = members[key];
    if (typeof member === 'object' && holdsRaw(member)) return true;
  }
  return false;
}

function copySettled(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(copySettled);
  if (!isRawJSON(value))
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copySettled(member)]));
  const nearest = Number(value.rawJSON);
  return Number.isFinite(nearest) && compareNumbers(value, nearest) === 0 ? nearest : value;
}

/** A copy in which every number is the nearest double, for checks of shape. */
export function nearest(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isRawJSON(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return (value as readonly Json[]).map(nearest);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, nearest(member)]));
}
