/** Characters without case and accents, one code unit for one: what anchors and words are compared by. */

import { codeUnits, codeUnitsOf } from './code-units.ts';

/** Below it are the scripts whose letters have accents of their own. */
const accented = 0x2000;
const block = 32;

/** Letters with a stroke, and the i without a dot, which Unicode does not take apart. */
const stroked = new Map(
  Array.from('łlŁløoØođdĐdħhŧtıi'.matchAll(/../g), ([pair]) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

function folded(code: number): number {
  const lower = String.fromCharCode(code).toLowerCase();
  const plain = code < accented ? lower.normalize('NFD') : lower;
  return plain.charCodeAt(0);
}

/** The folded code unit of each code unit. */
export const foldOf = new Uint16Array(codeUnits);
for (let code = 0; code < codeUnits; code++) foldOf[code] = code;
for (const code of codeUnitsOf(/\p{Changes_When_Lowercased}/u)) foldOf[code] = folded(code);
// Most blocks have no accents, which one look at a block tells.
for (let from = 0; from < accented; from += block) {
  const codes = foldOf.subarray(from, from + block);
  const text = String.fromCharCode(...codes);
  if (text.normalize('NFD') !== text) for (let at = 0; at < block; at++) codes[at] = folded(from + at);
}
for (const [code, plain] of stroked) foldOf[code] = plain;

export function fold(text: string): string {
  let out = '';
  for (const sign of text.normalize('NFC')) {
    const code = foldOf[sign.charCodeAt(0)] ?? 0;
    out += sign.length === 1 ? String.fromCharCode(code) : sign;
  }
  return out;
}
