/** What tells a value that a machine made from a placeholder, a word or a part of a program. */

import { anyOf } from '../engine/any-of.ts';

/** How often each sign stands in the text that is looked at; zeros in between. */
const counts = new Uint32Array(128);

/** Bits per character, from the frequencies in the text itself. */
export function entropy(text: string): number {
  const seen: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) & 127;
    if (counts[code] === 0) seen.push(code);
    counts[code] = (counts[code] as number) + 1;
  }
  let bits = 0;
  for (const code of seen) {
    const share = (counts[code] as number) / text.length;
    bits -= share * Math.log2(share);
    counts[code] = 0;
  }
  return bits;
}

const stand = anyOf([
  'example',
  'placeholder',
  'changeme',
  'change_me',
  'dummy',
  'sample',
  'redacted',
  'insert',
  'replace',
  'your',
  ...['api', 'secret', 'token', 'key', 'pass'].flatMap((what) => [`my-${what}`, `my_${what}`]),
  'fake',
  'todo',
  'foobar',
  'foo_bar',
  'lorem',
  'xxxx',
  '***',
  '...',
  '00000000',
  '11111111',
  'deadbeef',
  'abcdefg',
  'bcdefgh',
  'cdefghi',
  '12345678',
  '23456789',
  '98765432',
  'qwerty',
  'asdfgh',
  'notreal',
  'not-real',
  'not_a',
  'testtest',
  'aaecawqf',
  'abc-def1234',
  'verylong',
  '${',
  '{{',
]);

/** Signs of what is to be filled in: `<…>`, or three dots in one. */
function hasSlot(value: string): boolean {
  const open = value.indexOf('<');
  return value.includes('…') || (open !== -1 && value.includes('>', open));
}

/** Whether documentation would print it: an example, a pattern to fill in, a row of the alphabet, one sign repeated. */
export function isPlaceholder(value: string): boolean {
  return stand(value.toLowerCase()) || hasSlot(value) || hasLongRepeat(value) || isSequence(value);
}

function hasLongRepeat(value: string): boolean {
  let run = 1;
  for (let at = 1; at < value.length; at++) {
    run = value.charCodeAt(at) === value.charCodeAt(at - 1) ? run + 1 : 1;
    if (run >= 6) return true;
  }
  // A short piece that is repeated: "abcabcabcabc".
  for (let period = 1; period <= 4 && value.length >= 12; period++) {
    let others = 0;
    const most = (value.length - period) * 0.1;
    for (let at = period; at < value.length && others <= most; at++)
      if (value.charCodeAt(at) !== value.charCodeAt(at - period)) others++;
    if (others <= most) return true;
  }
  return false;
}

/** More than half of the steps from one character to the next are one up or one down. */
function isSequence(value: string): boolean {
  let steps = 0;
  for (let at = 1; at < value.length; at++)
    if (Math.abs(value.charCodeAt(at) - value.charCodeAt(at - 1)) === 1) steps++;
  return value.length >= 8 && steps > value.length * 0.5;
}

const digit = /[0-9]/;
const onlyDigits = /^[0-9]+$/;
const hexadecimal = /^[0-9a-f-]+$/i;

/** Whether the value looks drawn at random: mixed characters, no words in camel case or with separators. */
export function isRandom(value: string): boolean {
  // The cheap question first: what has no digit is none.
  if (!digit.test(value) || isPlaceholder(value)) return false;
  const bits = entropy(value);
  if (hexadecimal.test(value)) return value.length >= 16 && bits >= 2.8 && /[a-f]/i.test(value);
  if (onlyDigits.test(value)) return false;
  const most = Math.log2(Math.min(value.length, 62));
  return bits >= Math.min(3.6, most * 0.78) && !isWordy(value);
}

/** Words in camel case or between separators, with few changes between kinds of characters. */
export function isWordy(value: string): boolean {
  const words = value.match(/[A-Z][a-z]{2,}|[a-z]{3,}|[A-Z]{3,}/g) ?? [];
  const inWords = words.filter((word) => /[aeiouy]/i.test(word)).reduce((sum, word) => sum + word.length, 0);
  return inWords > value.length * 0.7;
}
