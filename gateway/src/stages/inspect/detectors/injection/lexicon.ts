/** Long lists of words, looked up by their first two characters: a regular expression would try each of them everywhere. */
import { fold } from '../engine/fold.ts';

export interface Found {
  readonly index: number;
  /** After the last character. */
  readonly end: number;
}

export interface Pattern {
  readonly test: (text: string) => boolean;
}

export interface Lexicon extends Pattern {
  /** The first word of a folded text from an offset on. */
  readonly exec: (text: string, from?: number) => Found | null;
}

interface Word {
  readonly text: string;
  readonly isStem: boolean;
  /** The code of its last character. */
  readonly last: number;
  readonly payload: number;
}

const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57);

interface Index {
  readonly add: (written: string, payload: number) => void;
  /** The first place from `from` on at which a word stands that `accept` takes. Words whose number is 1 in `over` are none. */
  readonly find: (
    text: string,
    from: number,
    accept: (word: Word, at: number) => boolean,
    over?: Uint8Array,
  ) => Found | null;
}

/** Of words with their number; those of Latin letters end where a word ends unless `*` follows. */
function indexOfWords(): Index {
  const buckets = new Map<number, Word[]>();
  /** What a word may begin with, by a hash of two characters: most places are none. */
  const filter = new Uint8Array(0x1_0000);
  return {
    add(written, payload) {
      const isStem = written.endsWith('*');
      const text = fold(isStem ? written.slice(0, -1) : written);
      if (text.length < 2 || text.startsWith(' ')) throw new Error(`a word of one letter: ${written}`);
      const [first, second] = [text.charCodeAt(0), text.charCodeAt(1)];
      filter[hashOf(first, second)] = 1;
      const bucket = buckets.get(keyOf(first, second)) ?? [];
      buckets.set(keyOf(first, second), [...bucket, { text, isStem, last: text.charCodeAt(text.length - 1), payload }]);
    },
    find(text, from, accept, over) {
      let before = from > 0 ? text.charCodeAt(from - 1) : 32;
      let next = text.charCodeAt(from);
      for (let at = from; at + 1 < text.length; at++) {
        const code = next;
        next = text.charCodeAt(at + 1);
        const isAfterLetter = isLetter(before);
        before = code;
        if (filter[hashOf(code, next)] === 0 || (isAfterLetter && isLetter(code))) continue;
        for (const word of buckets.get(keyOf(code, next)) ?? none) {
          if (over !== undefined && over[word.payload] === 1) continue;
          if (standsAt(text, at, word) && accept(word, at)) return { index: at, end: at + word.text.length };
        }
      }
      return null;
    },
  };
}

const none: readonly Word[] = [];

function standsAt(text: string, at: number, { text: word, isStem, last }: Word): boolean {
  const end = at + word.length;
  return (
    // Of words that begin alike most end otherwise.
    text.charCodeAt(end - 1) === last &&
    text.startsWith(word, at) &&
    (isStem || !isLetter(text.charCodeAt(end - 1)) || !isLetter(text.charCodeAt(end)))
  );
}

const keyOf = (first: number, second: number): number => first * 0x1_0000 + second;
const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;
const every = (): boolean => true;

/** `a|b*|c ~d`: `*` ends a stem, `~` stands for up to three words. Words with `~` are few and patterns of their own. */
export function lexicon(list: string): Lexicon {
  const index = indexOfWords();
  const gapped: string[] = [];
  for (const word of list.split('|')) {
    if (word.includes('~')) gapped.push(patternOf(word));
    else if (word !== '') index.add(word, 0);
  }
  const pattern = gapped.length === 0 ? undefined : new RegExp(`\\b(?:${gapped.join('|')})`);
  const exec = (text: string, from = 0): Found | null => {
    const found = index.find(text, from, every);
    const match = from === 0 ? pattern?.exec(text) : undefined;
    if (match === undefined || match === null || (found !== null && found.index <= match.index)) return found;
    return { index: match.index, end: match.index + match[0].length };
  };
  return { exec, test: (text) => index.find(text, 0, every) !== null || (pattern?.test(text) ?? false) };
}

function patternOf(word: string): string {
  const isStem = word.endsWith('*');
  const plain = fold(isStem ? word.slice(0, -1) : word).replace(/[.+?^${}()[\]\\/]/g, '\\$&');
  return plain.replace(/~/g, '(?:[^\\s.!?]{1,20} ){0,3}') + (isStem || !/[a-z0-9]$/.test(plain) ? '' : '\\b');
}

/** After every text. */
const beyond = 0x7fff_ffff;
const sentenceEnd = /[.!?。\n]/;

/** Pairs of lists: a word of the first, and shortly after it, in the same sentence, one of the second with its number. */
export function pairs(
  rows: readonly (readonly [first: readonly string[], second: readonly string[]])[],
  reach: number,
): Pattern {
  const firsts = indexOfWords();
  const seconds = rows.map(([, words]) =>
    lexicon(
      words
        .map((word) => `${word}*`)
        .filter((word) => word.length > 2)
        .join('|'),
    ),
  );
  for (const [row, [words]] of rows.entries()) for (const word of words) firsts.add(`${word}*`, row);
  return {
    test: (text) => {
      /** By row: the second word that follows next, so that each row is looked for once in the text. */
      const over = new Uint8Array(rows.length);
      const nextAt = new Int32Array(rows.length);
      const nextEnd = new Int32Array(rows.length);
      const found = firsts.find(
        text,
        0,
        ({ text: word, payload }, at) => {
          const start = at + word.length;
          if ((nextAt[payload] ?? 0) < start) {
            const next = seconds[payload]?.exec(text, start) ?? null;
            nextAt[payload] = next?.index ?? beyond;
            nextEnd[payload] = next?.end ?? beyond;
            if (next === null) over[payload] = 1;
          }
          if ((nextEnd[payload] ?? beyond) > start + reach) return false;
          return !sentenceEnd.test(text.slice(start, nextAt[payload]));
        },
        over,
      );
      return found !== null;
    },
  };
}

/** What stands first of several. */
export function firstOf(...patterns: readonly (RegExp | Lexicon)[]): Lexicon {
  const all = patterns.map((pattern) => (pattern instanceof RegExp ? found(pattern) : pattern));
  return {
    exec: (text, from = 0) => {
      let first: Found | null = null;
      for (const pattern of all) {
        const next = pattern.exec(text, from);
        if (next !== null && (first === null || next.index < first.index)) first = next;
      }
      return first;
    },
    test: (text) => all.some((pattern) => pattern.test(text)),
  };
}

function found(pattern: RegExp): Lexicon {
  return {
    exec: (text, from = 0) => {
      const match = pattern.exec(from === 0 ? text : text.slice(from));
      return match === null ? null : { index: from + match.index, end: from + match.index + match[0].length };
    },
    test: (text) => pattern.test(text),
  };
}

/** Whether both are there: the cheaper one is asked first. */
export function both(first: Pattern, second: Pattern): Pattern {
  return { test: (text) => first.test(text) && second.test(text) };
}

/** Whether one of several patterns is there. */
export function either(...patterns: readonly Pattern[]): Pattern {
  return { test: (text) => patterns.some((pattern) => pattern.test(text)) };
}
