/** Long lists of words, looked up by their first two characters: a regular expression would try each of them everywhere. */
import { codeUnitTable } from '../engine/code-units.ts';
import { fold } from '../engine/fold.ts';

export interface Found {
  readonly index: number;
  /** After the last character. */
  readonly end: number;
}

export interface Pattern {
  readonly test: (text: string) => boolean;
  /** What it is made of, so that several can be asked together; a regular expression has none. */
  readonly shape?: Shape;
}

type Shape =
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly gapped: RegExp | undefined }
  | { readonly kind: 'pairs'; readonly rows: Rows; readonly reach: number }
  | { readonly kind: 'any' | 'all'; readonly of: readonly Pattern[] };

/** Words as an index takes them. */
type Rows = readonly (readonly [first: readonly string[], second: readonly string[]])[];

export interface Lexicon extends Pattern {
  /** The first word of a folded text from an offset on. */
  readonly exec: (text: string, from?: number) => Found | null;
  /** Patterns that find the same together: each of them is searched for by itself where what was searched is remembered. */
  readonly parts: readonly Lexicon[];
}

interface Word {
  readonly text: string;
  readonly isStem: boolean;
  /** The code of its last character. */
  readonly last: number;
  readonly payload: number;
}

/** By code unit: 1 for what words of Latin letters are made of. */
const letters = codeUnitTable(/[a-z0-9]/);
const isLetter = (code: number): boolean => letters[code] === 1;

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
export function indexOfWords(): Index {
  const words: Word[] = [];
  let table: Table | undefined;
  return {
    add(written, payload) {
      const isStem = written.endsWith('*');
      const text = fold(isStem ? written.slice(0, -1) : written);
      if (text.length < 2 || text.startsWith(' ')) throw new Error(`a word of one letter: ${written}`);
      words.push({ text, isStem, last: text.charCodeAt(text.length - 1), payload });
      table = undefined;
    },
    find(text, from, accept, over) {
      const { numbers, buckets, mask } = (table ??= tableOf(words));
      let before = from > 0 ? (letters[text.charCodeAt(from - 1)] as number) : 0;
      let next = text.charCodeAt(from);
      for (let at = from; at + 1 < text.length; at++) {
        const code = next;
        next = text.charCodeAt(at + 1);
        const isInWord = (before & (letters[code] as number)) === 1;
        before = letters[code] as number;
        if (isInWord) continue;
        const bucket = numbers[hashOf(code, next) & mask] as number;
        if (bucket === 0) continue;
        for (const word of buckets[bucket] ?? none) {
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

/** Words by a hash of their first two characters: most places of a text begin none. */
interface Table {
  /** The bucket of each hash; 0 where there is none. */
  readonly numbers: Uint16Array;
  readonly buckets: readonly (readonly Word[])[];
  readonly mask: number;
}

/** As few as stay in the cache of the processor, and so many that few hashes are shared. */
function tableOf(words: readonly Word[]): Table {
  const size = 2 ** Math.min(16, Math.max(10, Math.ceil(Math.log2(16 * words.length + 1))));
  const numbers = new Uint16Array(size);
  const buckets: Word[][] = [[]];
  for (const word of words) {
    const hash = hashOf(word.text.charCodeAt(0), word.text.charCodeAt(1)) & (size - 1);
    if (numbers[hash] === 0) numbers[hash] = buckets.push([]) - 1;
    buckets[numbers[hash] as number]?.push(word);
  }
  return { numbers, buckets, mask: size - 1 };
}

const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;
const every = (): boolean => true;

/** `a|b*|c ~d`: `*` ends a stem, `~` stands for up to three words. Words with `~` are few and patterns of their own. */
export function lexicon(list: string): Lexicon {
  const index = indexOfWords();
  const all = list.split('|').filter((word) => word !== '');
  const words = all.filter((word) => !word.includes('~'));
  const gapped = all.filter((word) => word.includes('~')).map(patternOf);
  for (const word of words) index.add(word, 0);
  const pattern = gapped.length === 0 ? undefined : new RegExp(`\\b(?:${gapped.join('|')})`);
  const plain = leaf({
    exec: (text, from = 0) => index.find(text, from, every),
    test: (text) => index.find(text, 0, every) !== null,
  });
  const whole = pattern === undefined ? plain : firstOf(plain, pattern);
  return { ...whole, shape: { kind: 'words', words, gapped: pattern } };
}

function leaf(pattern: Omit<Lexicon, 'parts'>): Lexicon {
  const made: Lexicon = { ...pattern, parts: [] };
  return { ...made, parts: [made] };
}

function patternOf(word: string): string {
  const isStem = word.endsWith('*');
  const plain = fold(isStem ? word.slice(0, -1) : word).replace(/[.+?^${}()[\]\\/]/g, '\\$&');
  return plain.replace(/~/g, '(?:[^\\s.!?]{1,20} ){0,3}') + (isStem || !/[a-z0-9]$/.test(plain) ? '' : '\\b');
}

/** After every text. */
const beyond = 0x7fff_ffff;
export const sentenceEnd = /[.!?。\n]/;

/** Pairs of lists: a word of the first, and shortly after it, in the same sentence, one of the second with its number. */
export function pairs(lists: Rows, reach: number): Pattern {
  const firsts = indexOfWords();
  const rows = lists.map(([first, second]) => [first.map(stemOf), second.map(stemOf).filter(isLong)] as const);
  const seconds = rows.map(([, words]) => lexicon(words.join('|')));
  for (const [row, [words]] of rows.entries()) for (const word of words) firsts.add(word, row);
  return {
    shape: { kind: 'pairs', rows, reach },
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

const stemOf = (word: string): string => `${word}*`;
const isLong = (stem: string): boolean => stem.length > 2;

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
    parts: all.flatMap(({ parts }) => parts),
    shape: { kind: 'any', of: patterns },
  };
}

function found(pattern: RegExp): Lexicon {
  return leaf({
    exec: (text, from = 0) => {
      const match = pattern.exec(from === 0 ? text : text.slice(from));
      return match === null ? null : { index: from + match.index, end: from + match.index + match[0].length };
    },
    test: (text) => pattern.test(text),
  });
}

/** Whether both are there: the cheaper one is asked first. */
export function both(first: Pattern, second: Pattern): Pattern {
  return { test: (text) => first.test(text) && second.test(text), shape: { kind: 'all', of: [first, second] } };
}

/** Whether one of several patterns is there. */
export function either(...patterns: readonly Pattern[]): Pattern {
  return { test: (text) => patterns.some((pattern) => pattern.test(text)), shape: { kind: 'any', of: patterns } };
}
