/**
 * Regular expressions of schemas, run by an engine whose time is the product of text and program. Both are bounded: the
 * program by an estimate before it is compiled, the product by the steps that a match is charged.
 */
import { RE2JS } from 're2js';
import { plainPattern } from './plain-patterns.ts';

export interface Pattern {
  /** Instructions of the compiled program, estimated from above. */
  readonly size: number;
  /** Compiles at the first match. */
  test(text: string): boolean;
}

/** By source. What is not in it is not enforced. */
export type Patterns = ReadonlyMap<string, Pattern>;

const maxPatternLength = 2_000;
const maxProgramSize = 2_000;
/** Instructions of all patterns of one schema: what compiling them can cost at the first call. */
const maxProgramsSize = 4_000;
const maxPatterns = 300;
const maxNotes = 20;

/**
 * What compiling may still cost while a list is read, in instructions. Beyond it a pattern is compiled when a value first
 * reaches it: a list of nothing but patterns must not keep the gateway busy each time that it is read.
 */
export interface Trials {
  left: number;
}

/** `notes`: patterns that cannot be run within the bounds or not at all. They match everything. */
export function readPatterns(
  sources: Iterable<string>,
  trials: Trials,
): { readonly patterns: Patterns; readonly notes: readonly string[] } {
  const patterns = new Map<string, Pattern>();
  const notes: string[] = [];
  let total = 0;
  let count = 0;
  for (const source of sources) {
    if (++count > maxPatterns) {
      notes.push(`no pattern after the first ${maxPatterns} is enforced`);
      break;
    }
    const size = source.length > maxPatternLength ? 0 : programSize(source);
    const problem = problemOf(source, size) ?? (total + size > maxProgramsSize ? 'there are too many' : undefined);
    const pattern = problem === undefined ? patternOf(source, size, trials) : problem;
    if (typeof pattern === 'string') {
      if (notes.length < maxNotes)
        notes.push(`the pattern ${JSON.stringify(source.slice(0, 80))} is not enforced: ${pattern}`);
      continue;
    }
    total += size;
    patterns.set(source, pattern);
  }
  return { patterns, notes };
}

function problemOf(source: string, size: number): string | undefined {
  if (source.length > maxPatternLength) return `it has ${source.length} characters`;
  if (size > maxProgramSize) return 'its repetitions or classes make it too large';
  if (needsBacktracking(source)) return 'it needs look-around or back-references';
  if (!propertiesOf(source).every(isKnownProperty)) return 'the engine does not know its properties';
  return undefined;
}

interface Matcher {
  test(text: string): boolean;
}

/** The pattern, or why the engine does not take it. */
function patternOf(source: string, size: number, trials: Trials): Pattern | string {
  if (!tried.has(source) && trials.left >= size) {
    trials.left -= size;
    const result = compile(source);
    if (tried.size >= maxTried) tried.clear();
    tried.set(source, typeof result === 'string' ? result : undefined);
  }
  const problem = tried.get(source);
  if (problem !== undefined) return problem;
  let matcher: Matcher | string | undefined;
  const test = (text: string): boolean => {
    matcher ??= compile(source);
    return typeof matcher === 'string' || matcher.test(text);
  };
  return { size, test };
}

/** Why the engine does not take a pattern, or nothing; the same lists are read again and again. */
const tried = new Map<string, string | undefined>();
const maxTried = 5_000;

function compile(source: string): Matcher | string {
  const plain = plainPattern(source);
  if (plain !== undefined) return plain;
  try {
    return RE2JS.compile(inFull(RE2JS.translateRegExp(withShortProperties(source))));
  } catch (error) {
    return `the engine cannot run it: ${error instanceof Error ? error.message.slice(0, 120) : 'unknown error'}`;
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
const propertyWeight = 60;
/** Without regard to case each character of a range is looked up, and of a range beyond ASCII there may be thousands. */
const caselessRangeWeight = 600;

/** Instructions after the counted repetitions are written out, from above, and what its classes cost. Linear in the source. */
export function programSize(source: string): number {
  const open: { total: number; last: number }[] = [{ total: 0, last: 0 }];
  const isCaseless = /\(\?[a-z]*i/.test(source);
  // A class is made once, however often it is repeated.
  let classes = 0;
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
    const end = endOfAtom(source, at);
    classes += classWeight(source.slice(at, end), isCaseless);
    group.last = 1;
    group.total += 1;
    at = end;
  }
  return open.reduce((sum, { total }) => sum + total, 1 + classes);
}

function endOfAtom(source: string, at: number): number {
  const character = source.charAt(at);
  if (character === '\\') return at + 2;
  if (character !== '[') return at + 1;
  let end = at + 1;
  while (end < source.length && source.charAt(end) !== ']') end += source.charAt(end) === '\\' ? 2 : 1;
  return end + 1;
}

function classWeight(atom: string, isCaseless: boolean): number {
  if (atom.length < 2) return 0;
  const tables = (atom.split(/\\[pP]/).length - 1) * propertyWeight;
  const ranges = isCaseless && /[^ -~]|\\[xu]/.test(atom) ? (atom.split('-').length - 1) * caselessRangeWeight : 0;
  return tables + ranges + (atom.length >> 2);
}
