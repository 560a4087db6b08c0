/**
 * Regular expressions of schemas, run by an engine whose time is the product of text and program. Both are bounded: the
 * program by an estimate before it is compiled, the product by the steps that a match is charged.
 */
import { RE2JS } from 're2js';

export interface Pattern {
  /** Instructions of the compiled program, estimated from above. */
  readonly size: number;
  /** Compiles at the first match. */
  test(text: string): boolean;
}

export type PatternResult =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly note: string };

const longestPattern = 2_000;
const largestProgram = 2_000;

/** A pattern that cannot be run within the bounds is not enforced, and the note says so. */
export function readPattern(source: string): PatternResult {
  const shown = JSON.stringify(source.slice(0, 80));
  if (source.length > longestPattern)
    return { ok: false, note: `a pattern of ${source.length} characters is not enforced` };
  const size = programSize(source);
  if (size > largestProgram)
    return { ok: false, note: `the pattern ${shown} is not enforced: its repetitions make it too large` };
  if (needsBacktracking(source))
    return { ok: false, note: `the pattern ${shown} is not enforced: it needs look-around or back-references` };
  if (!propertiesOf(source).every(isKnownProperty))
    return { ok: false, note: `the pattern ${shown} is not enforced: the engine does not know its properties` };
  let expression: { test(text: string): boolean } | undefined;
  const test = (text: string): boolean => {
    expression ??= compile(source);
    return expression.test(text);
  };
  return { ok: true, pattern: { size, test } };
}

/** What the engine does not take although it looked well matches everything. */
function compile(source: string): { test(text: string): boolean } {
  try {
    return RE2JS.compile(inFull(RE2JS.translateRegExp(withShortProperties(source))));
  } catch {
    return { test: () => true };
  }
}

/** The engine has the values of these properties as names. */
function withShortProperties(source: string): string {
  return source.replace(/(\\[pP]\{)(?:Script|sc|General_Category|gc)=/g, '$1');
}

function propertiesOf(source: string): readonly string[] {
  return withShortProperties(source.replaceAll('\\\\', '')).match(/\\[pP]\{[^}]*\}/g) ?? [];
}

/** Those that the engine knows are some hundreds; others are not remembered. */
const knownProperties = new Set<string>();

function isKnownProperty(property: string): boolean {
  if (knownProperties.has(property)) return true;
  try {
    RE2JS.compile(property);
  } catch {
    // The engine has no such table: the pattern would match everything.
    return false;
  }
  knownProperties.add(property);
  return true;
}

/** What ECMAScript takes for white space, as ranges of a class, and all else. */
const spaces =
  '\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const noSpaces =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';
const noLineEnd = '[^\\n\\r\\x{2028}\\x{2029}]';

/**
 * Writes out what the engine reads in another way than ECMAScript, the language of patterns (2020-12 core, 6.4): its `\s`
 * knows ASCII only, and its `.` takes every end of a line but one.
 */
function inFull(source: string): string {
  const dotTakesAll = /\(\?[a-z]*s/.test(source);
  let isClass = false;
  let full = '';
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (character === '\\') {
      const escaped = source.charAt(++at);
      const ranges = escaped === 's' ? spaces : escaped === 'S' ? noSpaces : undefined;
      if (ranges === undefined) full += character + escaped;
      else if (!isClass) full += `[${ranges}]`;
      // A hyphen behind a class is one, and begins no range.
      else if (source.charAt(at + 1) === '-') {
        full += `${ranges}\\-`;
        at++;
      } else full += ranges;
      continue;
    }
    if (character === '[') isClass = true;
    else if (character === ']') isClass = false;
    full += character === '.' && !isClass && !dotTakesAll ? noLineEnd : character;
  }
  return full;
}

function needsBacktracking(source: string): boolean {
  return /\(\?(?:[=!]|<[=!])|\\[1-9]|\\k</.test(source.replaceAll('\\\\', ''));
}

/** A class of Unicode properties is a table of ranges, and as dear as this many instructions. */
const propertyWeight = 30;

/** Instructions after the counted repetitions are written out, from above. Linear in the source. */
export function programSize(source: string): number {
  const open: { total: number; last: number }[] = [{ total: 0, last: 0 }];
  let at = 0;
  while (at < source.length) {
    const group = open.at(-1) ?? { total: 0, last: 0 };
    const character = source.charAt(at);
    const counted = character === '{' ? /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(source.slice(at, at + 24)) : null;
    if (counted !== null) {
      const times = Math.max(1, Number(counted[1]) + (counted[2] === undefined ? 0 : 1), Number(counted[3] ?? 0));
      group.total += group.last * (times - 1) * 2;
      at += counted[0].length;
      continue;
    }
    if (character === '(') {
      open.push({ total: 2, last: 0 });
      at++;
      continue;
    }
    if (character === ')' && open.length > 1) {
      open.pop();
      const outer = open.at(-1) ?? group;
      outer.last = group.total;
      outer.total += group.total;
      at++;
      continue;
    }
    const { length, weight } = atom(source, at);
    group.last = weight;
    group.total += weight;
    at += length;
  }
  return open.reduce((sum, { total }) => sum + total, 1);
}

function atom(source: string, at: number): { readonly length: number; readonly weight: number } {
  const character = source.charAt(at);
  if (character === '\\') return { length: 2, weight: /[pP]/.test(source.charAt(at + 1)) ? propertyWeight : 1 };
  if (character !== '[') return { length: 1, weight: 1 };
  let end = at + 1;
  while (end < source.length && source.charAt(end) !== ']') end += source.charAt(end) === '\\' ? 2 : 1;
  const inside = source.slice(at, end);
  return { length: end + 1 - at, weight: 1 + (inside.split(/\\[pP]/).length - 1) * propertyWeight };
}
