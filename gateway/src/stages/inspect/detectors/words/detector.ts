/** What the operator lists: words, compared without case and accents, and patterns in the syntax of RE2, which are linear. */
import { RE2JS } from 're2js';
import { defineDetector, type Hit, type Matcher, type Severity } from '../detector.ts';
import { fold } from '../engine/fold.ts';
import type { View } from '../engine/view.ts';

export interface WordList {
  /** Whole words or phrases; in scripts without spaces, anywhere. */
  readonly words?: readonly string[];
  readonly patterns?: readonly string[];
  readonly severity?: Severity;
}

/** By the name that the operator gave: it is the class of the findings. */
export type WordOptions = Readonly<Record<string, WordList>>;

export const words = defineDetector<WordOptions>({
  id: 'words',
  version: 1,
  summary: 'Words and patterns that the operator lists.',
  classes: (lists) =>
    Object.entries(lists).map(([id, { severity = 'medium' }]) => ({
      id,
      severity,
      summary: `Words and patterns of ${id}.`,
    })),
  matchers: (lists) =>
    Object.entries(lists).flatMap(([id, { words: listed = [], patterns = [] }]) => [
      ...(listed.length === 0 ? [] : [wordsOf(id, listed)]),
      ...patterns.map((pattern) => patternOf(id, pattern)),
    ]),
});

const lettered =
  /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}\p{Nd}_]/u;

function wordsOf(name: string, listed: readonly string[]): Matcher {
  return {
    anchors: listed.filter((word) => word !== '').map(fold),
    joins: true,
    find({ text }, from, to): Hit | undefined {
      const begins = !(lettered.test(text[from] ?? '') && lettered.test(text[from - 1] ?? ''));
      const ends = !(lettered.test(text[to - 1] ?? '') && lettered.test(text[to] ?? ''));
      return begins && ends ? { class: name, from, to, confidence: 1 } : undefined;
    },
  };
}

/** Why a pattern cannot be used; `undefined` when it can. */
export function patternProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Hits of one pattern in one text: more say nothing new. */
const maxHits = 256;
/** re2js takes about a microsecond for ten characters: what is longer is looked at in pieces that overlap. */
const pieceChars = 65_536;
const overlapChars = 1_024;

/** A pattern without literals has no anchor: it runs over each whole text, once its length allows. */
function patternOf(name: string, pattern: string): Matcher {
  const compiled = RE2JS.compile(pattern);
  return { joins: false, find: () => undefined, whole: (view) => allIn(view, { name, compiled }) };
}

function allIn({ text }: View, { name, compiled }: { name: string; compiled: RE2JS }): readonly Hit[] {
  const hits: Hit[] = [];
  for (let start = 0; start < text.length && hits.length < maxHits; start += pieceChars) {
    const matcher = compiled.matcher(text.slice(Math.max(0, start - overlapChars), start + pieceChars));
    const offset = Math.max(0, start - overlapChars);
    while (hits.length < maxHits && matcher.find()) {
      const from = offset + matcher.start();
      const to = offset + matcher.end();
      if (to > from && to > start) hits.push({ class: name, from, to, confidence: 1 });
    }
  }
  return hits;
}
