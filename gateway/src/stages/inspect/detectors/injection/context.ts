/** What an order stands in: documentation about attacks talks of them in quotes and as examples. */
import { codeUnitsOf } from '../engine/code-units.ts';
import { foldOf } from '../engine/fold.ts';
import type { Match, View } from '../engine/view.ts';
import type { Lexicon } from './lexicon.ts';

const talk =
  /\b(?:example|e\.g|such as|phrases? like|attack(?:er|s|ers)?\b|injection|jailbreak|malicious|detect|adversar|payload|pattern|regex|blocklist|classifier|test ?case|sample|says?:?|reads?:?|for instance|would be|might (?:say|write|contain)|contain(?:s|ing)|tries to|trying to|attempts? to|scanner|guardrail|beispiel|angriff|exemple|attaque|ejemplo|ataque|exemplo|esempio|attacco|пример|атак|инъекц)|例如|攻击|注入|示例|攻撃|インジェクション|例えば|예를 들어|공격/i;
/** What attackers do, told by a third person. */
const told =
  /\b(?:attack(?:er|ers|s)?|poisoning|injections?|jailbreaks?|malicious|adversar\w+)\b[^.\n]{0,120}\b(?:tells?|makes?|asks?|instructs?|tricks?|told|inserts?|adds?|writes?|hides?|closes?|orders?|try|tries|wants?|use|uses)\b[^.\n]{0,80}$/i;
const quote = /["'`“”„«»「『]/;
const reach = 140;

/** Whether the text speaks of an order instead of giving it: a word of such talk, and a quote or code around the order. */
export function isSpokenOf(text: string, from: number, to: number): boolean {
  const before = text.slice(Math.max(0, from - reach), from);
  const after = text.slice(to, to + 60);
  const isMarked =
    quote.test(before.slice(-110)) ||
    /^\w{0,4}["'`”»」』]/.test(after) ||
    /```[^`]{0,400}$|^\s{0,8}(?:[-*>|#]|\/\/|\d+\.)/m.test(text.slice(Math.max(0, from - 200), from));
  return (isMarked && (talk.test(before) || /\b(?:attack|injection|example)/i.test(after))) || told.test(before);
}

const pieceChars = 2_048;
/** How far a folded piece goes on into the next: what is asked for is mostly within one of them, and nothing is copied. */
const overlapChars = 1_536;

/** A piece of the text, folded; white space and marks of emphasis are blanks. Offsets are those of the text. */
export function windowOf(view: View, from: number, to: number): string {
  const start = Math.max(0, from);
  const end = Math.min(view.text.length, to);
  if (start >= end) return '';
  const piece = Math.floor(start / pieceChars);
  const inPiece = foldedPiece(view, piece).slice(start - piece * pieceChars, end - piece * pieceChars);
  const reached = start + inPiece.length;
  return reached < end ? inPiece + windowOf(view, reached, end) : inPiece;
}

function foldedPiece(view: View, piece: number): string {
  const known = view.folds.get(piece);
  if (known !== undefined) return known;
  const folded = flat(view.text.slice(piece * pieceChars, (piece + 1) * pieceChars + overlapChars));
  view.folds.set(piece, folded);
  return folded;
}

/** The folded code unit of each; what is no more than a gap between words is a space. */
const plainOf = Uint16Array.from(foldOf);
for (const code of codeUnitsOf(/[\s*_]/)) plainOf[code] = 0x20;

function flat(text: string): string {
  const codes = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at++) codes[at] = plainOf[text.charCodeAt(at)] as number;
  return Buffer.from(codes.buffer).toString('utf16le');
}

const ahead = 256;

/**
 * Where the first of some words begins in the text from `from` on, within `within` characters; -1 where none does. A
 * question is asked often, of places that follow each other: what was searched is not searched again.
 */
export function nearest(
  view: View,
  question: string,
  { words, from, within }: { words: readonly string[]; from: number; within: number },
): number {
  const start = Math.max(0, from);
  let known = view.nearest.get(question);
  if (
    known === undefined ||
    start < known.from ||
    start > known.at ||
    (known.at === Number.POSITIVE_INFINITY && start + within > known.to)
  ) {
    const window = windowOf(view, start, start + within + ahead);
    const places = words.map((word) => window.indexOf(word)).filter((place) => place >= 0);
    known = {
      from: start,
      to: start + within + ahead,
      at: places.length === 0 ? Number.POSITIVE_INFINITY : start + Math.min(...places),
    };
    view.nearest.set(question, known);
  }
  return known.at < start + within ? known.at : -1;
}

/** How far a search for a pattern goes beyond what was asked, for the next question. */
const furtherAhead = 768;

/**
 * Whether a pattern stands whole within a piece of the text. A question is asked often, of pieces that overlap: what was searched
 * is not searched again.
 */
export function standsWithin(
  view: View,
  question: string,
  { pattern, from, to }: { readonly pattern: Lexicon; readonly from: number; readonly to: number },
): boolean {
  return pattern.parts.some((part, index) =>
    partStandsWithin(view, index === 0 ? question : `${question} ${index}`, { pattern: part, from, to }),
  );
}

function partStandsWithin(
  view: View,
  question: string,
  { pattern, from, to }: { readonly pattern: Lexicon; readonly from: number; readonly to: number },
): boolean {
  const start = Math.max(0, from);
  const known = view.places.get(question);
  if (known !== undefined && start >= known.from && start <= known.at && (known.at < known.to || to <= known.to))
    return known.end <= to;
  const last = Math.max(to, start) + furtherAhead;
  const found = pattern.exec(windowOf(view, start, last));
  const at = found === null ? last : start + found.index;
  const end = found === null ? Number.POSITIVE_INFINITY : start + found.end;
  view.places.set(question, { from: start, to: last, at, end });
  return end <= to;
}

/** Longer than any match of a pattern that `matchesWithin` is asked for. */
const maxMatch = 64;

/**
 * Every match of a global pattern that stands whole within a piece of the text: each piece is searched once, however many
 * pieces that overlap are asked for.
 */
export function matchesWithin(
  view: View,
  question: string,
  { pattern, from, to }: { readonly pattern: RegExp; readonly from: number; readonly to: number },
): readonly Match[] {
  const found: Match[] = [];
  for (let piece = Math.floor(Math.max(0, from) / pieceChars); piece * pieceChars < to; piece++)
    for (const match of matchesIn(view, question, { pattern, piece }))
      if (match.from >= from && match.to <= to) found.push(match);
  return found;
}

function matchesIn(
  view: View,
  question: string,
  { pattern, piece }: { readonly pattern: RegExp; readonly piece: number },
): readonly Match[] {
  const key = `${question} ${piece}`;
  const known = view.matches.get(key);
  if (known !== undefined) return known;
  const start = piece * pieceChars;
  // With the character before, so that a word which began there is not taken for one that begins here.
  const first = Math.max(0, start - 1);
  const found = [...windowOf(view, first, start + pieceChars + maxMatch).matchAll(pattern)]
    .map(({ 0: word, index }) => ({ word, from: first + index, to: first + index + word.length }))
    .filter((match) => match.from >= start && match.from < start + pieceChars);
  view.matches.set(key, found);
  return found;
}

/** A sentence ends: what follows is another thought. */
export function firstSentences(window: string): string {
  const end = window.search(/[.!?。！？]\s?[^.!?。！？]{40,}[.!?。！？]/);
  return end < 0 ? window : window.slice(0, end + 1);
}

export function hasAny(text: string, words: readonly string[]): boolean {
  return words.some((word) => text.includes(word));
}

const letter = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Arabic}]/u;
/** By code unit: 1 for letters, 2 for all others, 0 for what was not looked at. */
const letters = new Uint8Array(0x1_0000);

/** Asked at each anchor. */
function isLetterAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  // Before and after the text.
  if (Number.isNaN(code)) return false;
  if (letters[code] === 0) letters[code] = letter.test(text[at] ?? '') ? 1 : 2;
  return letters[code] === 1;
}

/** Whether a word begins there; in scripts without spaces, anywhere. */
export function isStart(text: string, from: number): boolean {
  return !(isLetterAt(text, from) && isLetterAt(text, from - 1)) || isEscaped(text, from);
}

/** The letter of `\\n` before a word belongs to the escape. */
function isEscaped(text: string, from: number): boolean {
  return text[from - 2] === '\\' && /[nrt]/.test(text[from - 1] ?? '');
}

/** Whether an anchor is a word of its own; scripts without spaces have no such words. */
export function isWhole(text: string, from: number, to: number): boolean {
  return isStart(text, from) && !(isLetterAt(text, to - 1) && isLetterAt(text, to));
}
