/**
 * Strict JSON: what two parsers could read differently is refused, so that what was decided is what is forwarded.
 * Takes bytes, returns a value or a fault, never throws.
 */
import { isUtf8 } from 'node:buffer';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** ECMAScript's JSON source text access, which the type library does not know yet. */
const { isRawJSON, rawJSON } = JSON as unknown as {
  isRawJSON(this: void, value: unknown): value is { readonly rawJSON: string };
  rawJSON(this: void, text: string): unknown;
};

export interface JsonLimits {
  /** Deepest nesting of arrays and objects. */
  readonly depth: number;
  /**
   * Accept escaped halves of surrogate pairs. Servers that cut text by UTF-16 units send them, and they are written
   * again just as they came.
   */
  readonly looseText?: boolean;
  /** A member of the outermost object whose text is wanted as it came. */
  readonly member?: string;
}

export type JsonFault =
  | 'empty'
  | 'not-utf8'
  | 'byte-order-mark'
  | 'syntax'
  | 'too-deep'
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
  'duplicate-key': 'A JSON object has the same key twice',
  'forbidden-key': 'A JSON object has the key __proto__',
  'lone-surrogate': 'A JSON string holds half of a surrogate pair',
};

interface Survey {
  readonly depth: number;
  readonly members: number;
  readonly longNumber: boolean;
  /** Where the text of the wanted member begins and ends; 0 where it was not seen. */
  readonly from: number;
  readonly to: number;
}

const quote = 34;
const backslash = 92;

/**
 * One pass over the text that counts what `JSON.parse` forgets. Assumes nothing about validity: the counts only mean
 * something when `JSON.parse` accepts the text as well. Strings are skipped by native search.
 */
function survey(text: string, maxDepth: number, member: string | undefined): Survey {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  let longNumber = false;
  let digits = 0;
  // A key in its quotes, as it must stand in the text.
  const key = member === undefined ? '' : `"${member}"`;
  let keyEnd = 0;
  let from = 0;
  let to = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 48 && code <= 57) {
      digits++;
      continue;
    }
    if (code === quote) {
      let end = text.indexOf('"', index + 1);
      while (end !== -1 && text.charCodeAt(end - 1) === backslash) {
        // The quote is escaped when an odd number of backslashes stands before it.
        let first = end - 1;
        while (first > index && text.charCodeAt(first - 1) === backslash) first--;
        if ((end - first) % 2 === 0) break;
        end = text.indexOf('"', end + 1);
      }
      if (end === -1) break;
      if (depth === 1 && from === 0 && end - index + 1 === key.length && text.startsWith(key, index)) keyEnd = end;
      index = end;
    } else if (code === 123 || code === 91) {
      depth++;
      if (depth > deepest) {
        deepest = depth;
        if (depth > maxDepth) break;
      }
    } else if (code === 125 || code === 93) {
      depth--;
      if (depth === 0 && from > 0 && to === 0) to = index;
    } else if (code === 58) {
      members++;
      // A text with the same characters may be a value as well: only a key has the colon behind it.
      if (keyEnd > 0 && from === 0 && depth === 1) from = index + 1;
    } else if (code === 44) {
      if (depth === 1) {
        if (from > 0 && to === 0) to = index;
        keyEnd = 0;
      }
    } else if (code === 46) continue;
    else if (code === 101 || code === 69) {
      // An exponent, or the letter of true and false. Either way the exact check is only slower, never wrong.
      if (digits > 0) longNumber = true;
    }
    if (digits > 15) longNumber = true;
    digits = 0;
  }
  if (digits > 15) longNumber = true;
  return { depth: deepest, members, longNumber, from, to };
}

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
    if (isRawJSON(value)) return;
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

/** True when the text of a number and the double that it becomes are the same number. */
function survives(source: string, value: number): boolean {
  return decimal(source) === decimal(String(value));
}

/** A number in one canonical spelling: sign, digits without leading or trailing zeros, exponent of the last digit. */
function decimal(source: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/.exec(source);
  if (match === null) return source;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return `${sign}0`;
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (digits.length - trimmed.length)}`;
}

function keepRaw(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number' && context?.source !== undefined && !survives(context.source, value))
    return rawJSON(context.source);
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
  const seen = survey(text, limits.depth, limits.member);
  if (seen.depth > limits.depth) return { ok: false, fault: 'too-deep' };
  let value: Json;
  try {
    value = (seen.longNumber ? JSON.parse(text, keepRaw) : JSON.parse(text)) as Json;
  } catch {
    return { ok: false, fault: 'syntax' };
  }
  const found: Tally = { members: 0, forbidden: false, illFormed: false };
  tally(value, limits.looseText !== true && text.includes('\\u'), found);
  if (found.forbidden) return { ok: false, fault: 'forbidden-key' };
  if (found.illFormed) return { ok: false, fault: 'lone-surrogate' };
  if (found.members !== seen.members) return { ok: false, fault: 'duplicate-key' };
  const rawNumbers = seen.longNumber && hasRaw(value);
  if (seen.to === 0) return { ok: true, value, rawNumbers };
  const memberText = text.slice(seen.from, seen.to);
  return lineBreak.test(memberText) ? { ok: true, value, rawNumbers } : { ok: true, value, rawNumbers, memberText };
}

const lineBreak = /[\n\r]/;

function hasRaw(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isRawJSON(value)) return true;
  return Object.values(value).some(hasRaw);
}

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
    const source = value.rawJSON;
    return /^-?\d{1,400}$/.test(source) ? BigInt(source) : undefined;
  }
  if (Array.isArray(value)) return (value as readonly Json[]).map(exact);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exact(member)]));
}

/** A copy in which every number is the nearest double, for checks of shape. */
export function nearest(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isRawJSON(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return (value as readonly Json[]).map(nearest);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, nearest(member)]));
}
