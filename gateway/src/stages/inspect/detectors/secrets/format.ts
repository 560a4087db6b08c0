/**
 * Token formats as patterns: literal text, and `{alphabet:length}` or `{alphabet:least-most}` for runs of an alphabet of
 * `engine/alphabet.ts`. `ghp_{a:36}` is `ghp_` and 36 letters and digits. The longest literal is the anchor; before it
 * stands at most one run, of one length.
 */
import type { Hit, Matcher } from '../detector.ts';
import { type Alphabet, alphabets, isIn, runEnd } from '../engine/alphabet.ts';
import type { View } from '../engine/view.ts';
import { entropy, isPlaceholder } from './plausible.ts';

/** Id, whose token it is, pattern or patterns. */
export type FormatRow = readonly [id: string, summary: string, patterns: string | readonly string[], more?: More];

interface More {
  readonly checksum?: (token: string) => boolean;
  /** Words of which one stands within 80 characters, for formats that are not distinctive. */
  readonly near?: readonly string[];
  /** For what gives little away: test keys. */
  readonly severity?: 'medium' | 'high';
}

type Segment = string | { readonly alphabet: Alphabet; readonly least: number; readonly most: number };

const piece = /\{([a-zA-Z]):(\d+)(?:-(\d+))?\}|[^{]+/g;

export function segmentsOf(pattern: string): readonly Segment[] {
  return [...pattern.matchAll(piece)].map(([all, alphabet, least, most]) => {
    if (alphabet === undefined) return all;
    if (!(alphabet in alphabets)) throw new Error(`${pattern}: no alphabet ${alphabet}`);
    return { alphabet: alphabet as Alphabet, least: Number(least), most: Number(most ?? least) };
  });
}

/** Lower-case letters of a literal tell nothing when they are the anchor of a pattern in capitals: case is compared. */
export function matcherOf([id, , patterns, more]: FormatRow): readonly Matcher[] {
  return [patterns].flat().map((pattern) => {
    const segments = segmentsOf(pattern);
    const literals = segments.filter((segment) => typeof segment === 'string');
    const anchor = literals.toSorted((a, b) => b.length - a.length)[0] ?? '';
    const before = segments.slice(0, segments.indexOf(anchor));
    const after = segments.slice(segments.indexOf(anchor) + 1);
    const format = { id, anchor, lead: leadOf(before, pattern).toReversed(), after, more };
    return { anchors: [anchor], joins: true, find: (view, from, to) => find(view, { from, to }, format) };
  });
}

interface Format {
  readonly id: string;
  readonly anchor: string;
  /** Fixed in length; the last one first. */
  readonly lead: readonly Segment[];
  readonly after: readonly Segment[];
  readonly more: More | undefined;
}

function leadOf(before: readonly Segment[], pattern: string): readonly Segment[] {
  for (const segment of before)
    if (typeof segment !== 'string' && segment.least !== segment.most)
      throw new Error(`${pattern}: lead of many lengths`);
  return before;
}

function find(view: View, at: { from: number; to: number }, format: Format): Hit | undefined {
  const { text } = view;
  if (!text.startsWith(format.anchor, at.from)) return undefined;
  const from = leadFrom(text, at.from, format.lead);
  if (from === undefined || (isWordSign(text, from - 1) && !view.isSeam(from))) return undefined;
  const to = tailTo(view, at.to, format.after);
  if (to === undefined) return undefined;
  const token = text.slice(from, to);
  const random = token.replace(format.anchor, '');
  if (!isLikely(random, format) || isPlaceholder(random)) return undefined;
  const { near, checksum } = format.more ?? {};
  if (near !== undefined && !isNear(text, { from, to }, near)) return undefined;
  if (checksum === undefined) return { class: format.id, from, to, confidence: 0.95 };
  const valid = checksum(token);
  return { class: format.id, from, to, confidence: valid ? 1 : 0.7, checksum: valid ? 'valid' : 'invalid' };
}

function isWordSign(text: string, at: number): boolean {
  return at >= 0 && isIn(text.charCodeAt(at), 'a') && !isEscape(text, at);
}

/** The letter of `\n` before a token belongs to the escape. */
function isEscape(text: string, at: number): boolean {
  return text[at - 1] === '\\' && /[nrt]/.test(text[at] ?? '');
}

function leadFrom(text: string, end: number, lead: readonly Segment[]): number | undefined {
  let at = end;
  for (const segment of lead) {
    if (typeof segment === 'string') {
      if (!text.endsWith(segment, at)) return undefined;
      at -= segment.length;
      continue;
    }
    if (segment.most > at) return undefined;
    for (let count = 0; count < segment.most; count++)
      if (!isIn(text.charCodeAt(--at), segment.alphabet)) return undefined;
  }
  return at;
}

function tailTo(view: View, start: number, after: readonly Segment[]): number | undefined {
  let at = start;
  for (let index = 0; index < after.length; index++) {
    const segment = after[index] as Segment;
    if (typeof segment === 'string') {
      if (!view.text.startsWith(segment, at)) return undefined;
      at += segment.length;
      continue;
    }
    const end = runEnd(view, segment.alphabet, at);
    const next = after[index + 1];
    if (end - at < segment.least) return undefined;
    // What comes next begins within the run where its signs are of the same alphabet.
    if (next !== undefined) at = nextFrom(view.text, { at, end }, { segment, next });
    else if (end - at <= segment.most) at = end;
    else if (view.isSeam(at + segment.most)) at += segment.most;
    else return undefined;
    if (at < 0) return undefined;
  }
  return at;
}

function nextFrom(
  text: string,
  { at, end }: { at: number; end: number },
  { segment, next }: { segment: Exclude<Segment, string>; next: Segment },
): number {
  const most = Math.min(at + segment.most, end);
  if (typeof next !== 'string') return segment.least === segment.most ? most : most;
  if (segment.least === segment.most) return most;
  const found = text.slice(at + segment.least, most + next.length).indexOf(next);
  return found < 0 ? -1 : at + segment.least + found;
}

const letters = /[a-z]/i;
const digit = /[0-9]/;

/** Random text of some length has digits and letters both, and many different characters. */
function isLikely(random: string, { after, lead }: Format): boolean {
  if (random.length < 12) return true;
  const wants = [...lead, ...after].some(
    (each) => typeof each !== 'string' && each.alphabet !== 'd' && each.alphabet !== 'z',
  );
  // Short random texts may have no digit, but then have capitals in the midst of other letters.
  // One in thirty of sixteen signs of base32, such as access keys of AWS, has letters alone.
  const isMixed =
    digit.test(random) ||
    (random.length < 26 && /[a-z][A-Z]/.test(random) && /[A-Z][A-Z]/.test(random)) ||
    (random.length === 16 && /^[A-Z]+$/.test(random));
  if (wants && !(letters.test(random) && isMixed && !/^[a-z]+[0-9]{1,4}$/.test(random))) return false;
  return entropy(random) >= (wants ? Math.min(3, Math.log2(random.length) * 0.65) : 2);
}

const reach = 80;

export function isNear(text: string, { from, to }: { from: number; to: number }, words: readonly string[]): boolean {
  const around = `${text.slice(Math.max(0, from - reach), from)} ${text.slice(to, to + reach)}`.toLowerCase();
  return words.some((word) => around.includes(word));
}
