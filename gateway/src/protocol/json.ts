/**
 * Strict JSON: what two parsers could read differently is refused, so that what was decided is what is forwarded.
 * Takes bytes, returns a value or a fault, never throws. The time is linear in the length of the text, whatever it holds:
 * what `JSON.parse` takes long for (values, keys, digits) has a bound, and is counted before anything is built.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { type JsonFault, type JsonLimits, maxNumberLength, type Spent, type Survey, survey } from './json-survey.ts';
import { compareNumbers, isRawJSON, rawJSON } from './numbers.ts';

export type { JsonFault, JsonLimits } from './json-survey.ts';
export { defaultMaxKeys, defaultMaxValues } from './json-survey.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

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

/**
 * Begins the keys that stand for keys with escapes during a parse. The engine may read such a key as another one, which holds a
 * backslash and was a key in some text before (Node issue 63785, V8 issue 521080746): a caller could then hide an
 * argument from the policy. A key without escapes is always read as it is.
 */
const keyMarker = randomBytes(16).toString('hex');
const keySigns: Readonly<Record<string, string>> = { '~': '~0', '\\': '~1', '"': '~2' };
const keySources: Readonly<Record<string, string>> = { '~0': '~', '~1': '\\', '~2': '"' };

const markedKey = (source: string): string => keyMarker + source.replace(/[~\\"]/g, (sign) => keySigns[sign] ?? '');

/** Throws a SyntaxError where the key has an escape that JSON does not have. */
function unmarkedKey(key: string): string {
  const source = key.slice(keyMarker.length).replace(/~[012]/g, (sign) => keySources[sign] ?? '');
  return JSON.parse(`"${source}"`) as string;
}

/** The text with marked texts in the places of what `JSON.parse` would round, or may misread. */
function marked(text: string, { raw, escapedKeys }: Survey): string {
  const parts: string[] = [];
  let last = 0;
  let number = 0;
  let key = 0;
  while (number < raw.length || key < escapedKeys.length) {
    const isKey = (escapedKeys[key] ?? Infinity) < (raw[number] ?? Infinity);
    const [from = 0, to = 0] = isKey ? escapedKeys.slice(key, key + 2) : raw.slice(number, number + 2);
    const source = text.slice(from, to);
    parts.push(text.slice(last, from), isKey ? markedKey(source) : `"\\u0001${marker.slice(1)}${source}"`);
    last = to;
    if (isKey) key += 2;
    else number += 2;
  }
  parts.push(text.slice(last));
  return parts.join('');
}

/** Gives the marked keys their names again, in their places. The depth of the text is bounded. */
function putKeys(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value as Json[];
    for (const [index, item] of items.entries()) if (typeof item === 'object') items[index] = putKeys(item);
    return value;
  }
  // Own properties in any case: one that is called `__proto__` is found and refused after this.
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key.startsWith(keyMarker) ? unmarkedKey(key) : key, putKeys(member)]),
  );
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
  const fault = encodingFault(bytes);
  return fault === undefined ? parseJsonText(bytes.toString('utf8'), limits) : { ok: false, fault };
}

/** What makes bytes no text of JSON, before it is read. */
export function encodingFault(bytes: Buffer): JsonFault | undefined {
  if (bytes.length === 0) return 'empty';
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'byte-order-mark';
  return isUtf8(bytes) ? undefined : 'not-utf8';
}

/** As `parseJson`, for text that is already decoded. With `spent` it is a piece of a longer one. */
export function parseJsonText(text: string, limits: JsonLimits, spent?: Spent): JsonResult {
  const seen = survey(text, limits, spent);
  if (seen.fault !== undefined) return { ok: false, fault: seen.fault };
  const rawNumbers = seen.raw.length > 0;
  let value: Json;
  try {
    const hasKeys = seen.escapedKeys.length > 0;
    value = JSON.parse(rawNumbers || hasKeys ? marked(text, seen) : text) as Json;
    if (hasKeys) value = putKeys(value);
  } catch {
    return { ok: false, fault: 'syntax' };
  }
  const found: Tally = { members: 0, forbidden: false, illFormed: false };
  // The plain search is quick to say that a text has no such escape, as most have none.
  tally(value, limits.looseText !== true && text.includes('\\u') && halfPair.test(text), found);
  if (found.forbidden) return { ok: false, fault: 'forbidden-key' };
  if (found.illFormed) return { ok: false, fault: 'lone-surrogate' };
  if (found.members !== seen.members) return { ok: false, fault: 'duplicate-key' };
  if (rawNumbers) value = putRaw(value);
  if (seen.to === 0) return { ok: true, value, rawNumbers };
  const memberText = text.slice(seen.from, seen.to);
  const isLine = !memberText.includes('\n') && !memberText.includes('\r');
  return isLine ? { ok: true, value, rawNumbers, memberText } : { ok: true, value, rawNumbers };
}

/** Reads a text that the gateway wrote itself, with foreign keys in it. Throws a SyntaxError when it is no JSON. */
export function readOwnJson(text: string): Json {
  const read = parseJsonText(text, { depth: 10_000, values: Infinity, keys: Infinity, looseText: true });
  if (!read.ok) throw new SyntaxError(jsonFaultText[read.fault]);
  return read.value;
}

/** An escape of half a surrogate pair; a whole pair begins with one as well. */
const halfPair = /\\u[dD][89a-fA-F]/;

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
