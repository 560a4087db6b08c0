/** What begins at a place of a text that starts matchers without literals: numbers and groups of hexadecimal digits. */
import { isIn } from './alphabet.ts';

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Three digits, or digits around a dot. */
export function isNumberAt(text: string, at: number): boolean {
  const second = text.charCodeAt(at + 1);
  return isDigit(text.charCodeAt(at)) && (second === dot || isDigit(second)) && isDigit(text.charCodeAt(at + 2));
}

const dot = 46;
const colon = 58;
const dash = 45;

/** Hexadecimal digits around a colon or dash. */
export function areColons(text: string, at: number): boolean {
  const first = text.charCodeAt(at);
  const second = text.charCodeAt(at + 1);
  const third = text.charCodeAt(at + 2);
  if (!isIn(third, 'H')) return second === colon && third === colon && isIn(first, 'H');
  return second === colon ? first === colon || isIn(first, 'H') : second === dash && isIn(first, 'H');
}

const numberSigns = new Uint8Array(128);
for (const sign of '0123456789 .-/()+') numberSigns[sign.charCodeAt(0)] = 1;
/** Longer than any number with a meaning, with a separator between all its digits. */
const maxNumber = 64;

/** Digits and what separates them, without separators at both ends but `+` and `(`. */
export function numberAround(text: string, at: number): { from: number; to: number } {
  const isNumber = (place: number): boolean => (numberSigns[text.charCodeAt(place)] ?? 0) === 1;
  let from = at;
  while (from > 0 && from > at - maxNumber && isNumber(from - 1)) from--;
  while (from < at && !isDigit(text.charCodeAt(from)) && text[from] !== '+' && text[from] !== '(') from++;
  let to = at + 1;
  while (to < text.length && to < at + maxNumber && isNumber(to)) to++;
  while (to > at + 1 && !isDigit(text.charCodeAt(to - 1))) to--;
  return { from, to };
}
