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
  /** Written in Latin letters: it begins where a word begins. */
  readonly isLatin: boolean;
  readonly payload: number;
}

const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57);

/** Of words with their number; those of Latin letters end where a word ends unless `*` follows. */
class Index {
  readonly #buckets = new Map<number, Word[]>();
  /** What a word may begin with, by a hash of two characters: most places are none. */
  readonly #filter = new Uint8Array(0x1_0000);

  add(written: string, payload: number): void {
    const isStem = written.endsWith('*');
    const text = fold(isStem ? written.slice(0, -1) : written);
    if (text.length < 2 || text.startsWith(' ')) throw new Error(`a word of one letter: ${written}`);
    const key = keyOf(text.charCodeAt(0), text.charCodeAt(1));
    this.#filter[hashOf(text.charCodeAt(0), text.charCodeAt(1))] = 1;
    const word = { text, isStem, isLatin: isLetter(text.charCodeAt(0)), payload };
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, [word]);
    else bucket.push(word);
  }

  /** The first place from `from` on at which a word stands that `accept` takes. */
  find(text: string, from: number, accept: (word: Word, at: number) => boolean): (Found & { word: Word }) | null {
    let before = from > 0 ? text.charCodeAt(from - 1) : 32;
    let next = text.charCodeAt(from);
    for (let at = from; at + 1 < text.length; at++) {
      const code = next;
      next = text.charCodeAt(at + 1);
      const isAfterLetter = isLetter(before);
      before = code;
      if (this.#filter[hashOf(code, next)] === 0 || (isAfterLetter && isLetter(code))) continue;
      const bucket = this.#buckets.get(keyOf(code, next));
      if (bucket === undefined) continue;
      for (const word of bucket) {
        const end = at + word.text.length;
        if (!text.startsWith(word.text, at)) continue;
        if (!word.isStem && isLetter(text.charCodeAt(end - 1)) && isLetter(text.charCodeAt(end))) continue;
        if (accept(word, at)) return { index: at, end, word };
      }
    }
    return null;
  }
}

const keyOf = (first: number, second: number): number => first * 0x1_0000 + second;
const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;
const every = (): boolean => true;

/** `a|b*|c ~d`: `*` ends a stem, `~` stands for up to three words. Words with `~` are few and patterns of their own. */
export function lexicon(list: string): Lexicon {
  const index = new Index();
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

/** Of first words in one text: a word that is repeated is not worth more. */
const maxTries = 24;

/** Pairs of lists: a word of the first, and shortly after it, in the same sentence, one of the second with its number. */
export function pairs(
  rows: readonly (readonly [first: readonly string[], second: readonly string[]])[],
  reach: number,
): Pattern {
  const firsts = new Index();
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
      let tries = 0;
      const found = firsts.find(text, 0, ({ text: word, payload }, at) => {
        if (++tries > maxTries) return false;
        const rest = text.slice(at + word.length, at + word.length + reach);
        const end = rest.search(/[.!?。\n]/);
        return seconds[payload]?.test(end < 0 ? rest : rest.slice(0, end)) ?? false;
      });
      return found !== null;
    },
  };
}

/** Whether one of several patterns is there. */
export function either(...patterns: readonly Pattern[]): Pattern {
  return { test: (text) => patterns.some((pattern) => pattern.test(text)) };
}
