/** Tables by UTF-16 code unit, made in one look at all of them: one test for each would be a part of every start. */

/** How many code units there are. */
export const codeUnits = 0x1_0000;

/** Half of a character beyond the first plane. */
export const isSurrogate = (code: number): boolean => code >= 0xd800 && code < 0xe000;

/** A private character, which no expression is about, in the place of each surrogate: two of them would make one. */
const inPlace = 0xe000;

/** Each code unit at its number. */
const codes = new Uint16Array(codeUnits);
for (let code = 0; code < codeUnits; code++) codes[code] = isSurrogate(code) ? inPlace : code;
const all = Buffer.from(codes.buffer).toString('utf16le');

/** The code units that `sign` matches, an expression for one character. Surrogates are none. */
export function codeUnitsOf(sign: RegExp): readonly number[] {
  return Array.from(all.matchAll(new RegExp(sign.source, `g${sign.flags}`)), ({ index }) => index);
}

/** By code unit: 1 where `sign` matches it. */
export function codeUnitTable(sign: RegExp): Uint8Array {
  const table = new Uint8Array(codeUnits);
  for (const code of codeUnitsOf(sign)) table[code] = 1;
  return table;
}
