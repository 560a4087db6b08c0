/**
 * Patterns that the platform's own engine runs in linear time: one row of characters and classes from `^` to `$`, of which
 * at most one repeats without a fixed count. They are most of those that schemas have, and it is several times as fast as
 * the engine that takes any pattern.
 */
const literal = String.raw`[\w /:@,=;#!~%&'"<>-]|\\[dw.\/+*?()[\]{}|^$\\]`;
const classMember = String.raw`[\w /:@,=;#!~%&'"<>.+*?()|$-]|\\[dw.\/+*?()[\]{}|^$\\-]`;
const atom = String.raw`(?:${literal}|\[\^?(?:${classMember})+\])`;
const quantifier = String.raw`(?:[+*?]|\{\d{1,2}(?:,\d{0,2})?\})`;
const rowOf = new RegExp(String.raw`^\^(?:${atom}${quantifier}?)*\$$`);
const pieces = new RegExp(`${atom}(${quantifier})?`, 'g');

/** The work at each place of the text that is tried: all that follows the one piece that repeats. */
const maxFixedLength = 64;
/** Longest source that is looked at. */
const maxLength = 200;

/** The pattern for the platform's engine (ECMA-262 with the flag `u`), or nothing where it is not that plain. */
export function plainPattern(source: string): RegExp | undefined {
  if (source.length > maxLength || !rowOf.test(source)) return undefined;
  let varying = 0;
  let fixed = 0;
  for (const [, count = '{1}'] of source.slice(1, -1).matchAll(pieces)) {
    const times = /^\{(\d+)\}$/.exec(count)?.[1];
    if (times === undefined) varying++;
    else fixed += Number(times);
  }
  if (varying > 1 || fixed > maxFixedLength) return undefined;
  try {
    return new RegExp(source, 'u');
  } catch {
    // Such as a range that ends before it begins: the other engine says what is wrong with it.
    return undefined;
  }
}
