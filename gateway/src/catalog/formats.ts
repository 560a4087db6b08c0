/**
 * The formats of JSON Schema that are checked where the operator asks for it. Every check is linear in the text: no part of an expression can match the
 * same characters in two ways. An unknown format is an annotation (2020-12 validation, 7.2.1).
 */
import { isIPv4, isIPv6 } from 'node:net';
import { compareNumbers, isWhole, type RawNumber } from '../protocol/numbers.ts';

export type Format =
  | { readonly of: 'string'; test(text: string): boolean }
  | { readonly of: 'number'; test(value: number | RawNumber): boolean };

const date = /^(\d{4})-(\d{2})-(\d{2})$/;
const time = /^(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(z|[+-]\d{2}(?::?\d{2})?)?$/i;
const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const maxHostLength = 253;

function isDate(text: string): boolean {
  const match = date.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** `zone`: whether a zone must be named (RFC 3339). */
function isTime(text: string, zone: 'needed' | 'optional'): boolean {
  const match = time.exec(text);
  if (match === null || (zone === 'needed' && match[4] === undefined)) return false;
  const [hour, minute, second] = match.slice(1, 4).map(Number) as [number, number, number];
  return hour <= 23 && minute <= 59 && (second <= 59 || (minute === 59 && second === 60));
}

function isDateTime(text: string, zone: 'needed' | 'optional'): boolean {
  return /^[t\s]$/i.test(text.charAt(10)) && isDate(text.slice(0, 10)) && isTime(text.slice(11), zone);
}

function isHost(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length <= maxHostLength && name.split('.').every((label) => hostLabel.test(label));
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && at <= 64 && /^[\w.!#$%&'*+/=?^`{|}~-]+$/.test(text.slice(0, at)) && isHost(text.slice(at + 1));
}

/** Searches for what must not be there: unlike a loop over what may, a search needs no memory for a long text. */
function isUriText(text: string): boolean {
  return !/[^!#-;=?-Z[\]_a-z~]/.test(text) && !/%(?![0-9a-fA-F]{2})/.test(text);
}

function isPointer(text: string): boolean {
  return (text === '' || text.startsWith('/')) && !/~(?![01])/.test(text);
}

function isUriTemplate(text: string): boolean {
  if (/[\s"'<>\\^`|]/.test(text)) return false;
  let open = false;
  for (const [brace] of text.matchAll(/[{}]/g)) {
    if (open === (brace === '{')) return false;
    open = !open;
  }
  return !open;
}

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text) && isUriText(text);
}

function isBase64(text: string): boolean {
  const padding = text.indexOf('=');
  const digits = padding === -1 ? text.length : padding;
  return text.length % 4 === 0 && text.length - digits <= 2 && !/[^A-Za-z0-9+/=]|=[^=]/.test(text);
}

const strings: Readonly<Record<string, (text: string) => boolean>> = {
  date: isDate,
  time: (text) => isTime(text, 'needed'),
  'date-time': (text) => isDateTime(text, 'needed'),
  'iso-time': (text) => isTime(text, 'optional'),
  'iso-date-time': (text) => isDateTime(text, 'optional'),
  duration: (text) =>
    /^P(?!$)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)$/.test(text),
  uri: isUri,
  url: (text) => /^(?:https?|ftp):\/\/[^\s/?#]/i.test(text) && !/\s/.test(text),
  'uri-reference': isUriText,
  'uri-template': isUriTemplate,
  email: isEmail,
  hostname: isHost,
  ipv4: isIPv4,
  ipv6: isIPv6,
  uuid: (text) => /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text),
  'json-pointer': isPointer,
  'relative-json-pointer': (text) => {
    const digits = /^(?:0|[1-9]\d*)/.exec(text)?.[0];
    return digits !== undefined && (text === `${digits}#` || isPointer(text.slice(digits.length)));
  },
  byte: isBase64,
};

const isWithin = (value: number | RawNumber, bits: number): boolean =>
  isWhole(value) &&
  compareNumbers(value, -(2 ** (bits - 1))) >= 0 &&
  compareNumbers(value, bits === 64 ? largestInt64 : 2 ** (bits - 1) - 1) <= 0;
const largestInt64: RawNumber = { rawJSON: '9223372036854775807' };

const numbers: Readonly<Record<string, (value: number | RawNumber) => boolean>> = {
  int32: (value) => isWithin(value, 32),
  int64: (value) => isWithin(value, 64),
};

/** By name; a Map, as the names are text of a server. */
export const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ...Object.entries(strings).map(([name, test]) => [name, { of: 'string', test }] as const),
  ...Object.entries(numbers).map(([name, test]) => [name, { of: 'number', test }] as const),
]);
