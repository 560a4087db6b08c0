/**
 * Numbers of JSON texts that double precision does not hold. They are held as they are spelled (`JSON.rawJSON`) and
 * compared as decimals, in time linear in their length.
 */

/** A number that no double stands for, as it was spelled. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** ECMAScript's JSON source text access, which the type library does not know yet. */
export const { isRawJSON, rawJSON } = JSON as unknown as {
  isRawJSON(this: void, value: unknown): value is RawNumber;
  rawJSON(this: void, text: string): unknown;
};

/** So many digits always fit a double, a sign or a point among them or not. */
export const surelyExact = 15;
/** A text longer than this is kept as it is spelled without a look at its value. */
const maxCompared = 40;

/**
 * True when the text of a number and the double that it becomes are the same number; also for what is no number, which
 * `JSON.parse` refuses.
 */
export function isExact(source: string): boolean {
  if (!grammar.test(source)) return true;
  return source.length <= maxCompared && decimalOf(source) === decimalOf(String(Number(source)));
}

/** True when the double is written just as the text is: the usual case, as this is how programs write numbers. */
export function isSpelledEqual(source: string): boolean {
  return source.length <= maxCompared && source === String(Number(source));
}

/** RFC 8259, section 6. */
const grammar = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isNumber(source: string): boolean {
  return grammar.test(source);
}

export function hasExponent(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if ((text.charCodeAt(index) | 32) === 101) return true;
  return false;
}

/** A number in one canonical spelling: sign, digits without leading or trailing zeros, exponent of the last digit. */
export function decimalOf(source: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source);
  if (match === null) return source;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  let first = 0;
  while (first < digits.length && digits.charCodeAt(first) === 48) first++;
  let last = digits.length;
  while (last > first && digits.charCodeAt(last - 1) === 48) last--;
  if (first === last) return `${sign}0`;
  return `${sign}${digits.slice(first, last)}e${Number(exponent) - fraction.length + (digits.length - last)}`;
}

/** A number as sign, digits without zeros at either end, and exponent of the last digit. Zero has no digits. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

export function isNumeric(value: unknown): value is number | RawNumber {
  return typeof value === 'number' || isRawJSON(value);
}

/** As it is spelled. */
export function numberText(value: number | RawNumber): string {
  return typeof value === 'number' ? String(value) : value.rawJSON;
}

function parsed(value: number | RawNumber): Decimal {
  const source = decimalOf(numberText(value));
  const negative = source.startsWith('-');
  const [digits = '', exponent = '0'] = source.slice(negative ? 1 : 0).split('e');
  return digits === '0'
    ? { negative: false, digits: '', exponent: 0 }
    : { negative, digits, exponent: Number(exponent) };
}

/** Negative, zero or positive, as the first number is smaller, equal or larger. */
export function compareNumbers(one: number | RawNumber, other: number | RawNumber): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const [a, b] = [parsed(one), parsed(other)];
  if (a.digits === '' || b.digits === '') return signOf(a) - signOf(b);
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const magnitude = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  const larger = magnitude !== 0 ? magnitude : a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
  return a.negative ? -larger : larger;
}

function signOf({ negative, digits }: Decimal): number {
  return digits === '' ? 0 : negative ? -1 : 1;
}

export function isWhole(value: number | RawNumber): boolean {
  return typeof value === 'number' ? Number.isInteger(value) : parsed(value).exponent >= 0;
}

/**
 * Is a number a multiple of another one, both taken as the decimals that they are written as? 19.99 is one of 0.01,
 * although their doubles have a remainder.
 */
export function isMultiple(value: number | RawNumber, of: number | RawNumber): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(of)) return Number(value) % Number(of) === 0;
  const [a, b] = [parsed(value), parsed(of)];
  if (a.digits === '') return true;
  const shift = a.exponent - b.exponent;
  // The digits end in no zero, so that nothing finer than the divisor is a multiple of it.
  if (shift < 0 || !Number.isSafeInteger(shift)) return false;
  const divisor = BigInt(b.digits);
  return (BigInt(a.digits) * tenTo(BigInt(shift), divisor)) % divisor === 0n;
}

/** A power of ten modulo a number, by squaring. */
function tenTo(exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let base = 10n % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}
