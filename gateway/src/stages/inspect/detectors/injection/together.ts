/** Several patterns on the same text: the words of all their lists are looked for in one pass. */
import { type Found, indexOfWords, type Pattern, sentenceEnd } from './lexicon.ts';

/** What the patterns find in one text, by their number in the list. */
export interface Together {
  readonly has: (pattern: number) => boolean;
  /** Of a list of words without gaps: the first of them. */
  readonly first: (pattern: number) => Found | undefined;
}

/** Where words stand in a text, at most one for each place and word. */
interface Seen {
  readonly text: string;
  /** The first word of each list. */
  readonly first: readonly (Found | undefined)[];
  /** By row of pairs: bits of `opens` and `completes`. */
  readonly rows: Uint8Array;
  /** Every word: its number, and where it stands. */
  readonly words: readonly number[];
  readonly places: readonly Found[];
}

type Judge = (seen: Seen) => boolean;

const opens = 1;
const completes = 2;
const both = opens | completes;

/** What a word counts for. */
interface Uses {
  readonly lists: number[];
  /** Bits of each row that it opens or completes. */
  readonly rows: Map<number, number>;
}

export function together(patterns: readonly Pattern[]): (text: string) => Together {
  const words = vocabulary();
  const judges = patterns.map((pattern) => judgeOf(pattern, words));
  const listOf = patterns.map(({ shape }, at) => (shape?.kind === 'words' ? words.listOf(shape.words) : -1 - at));
  return (text) => {
    const seen = words.in(text);
    return {
      has: (pattern) => judges[pattern]?.(seen) === true,
      first: (pattern) => seen.first[listOf[pattern] ?? -1],
    };
  };
}

function vocabulary() {
  const index = indexOfWords();
  const uses: Uses[] = [];
  const known = new Map<string, Uses>();
  const lists = new Map<readonly string[], number>();
  let rowCount = 0;
  const usesOf = (word: string): Uses => {
    const use = known.get(word) ?? { lists: [], rows: new Map() };
    if (!known.has(word)) {
      known.set(word, use);
      index.add(word, uses.push(use) - 1);
    }
    return use;
  };
  const mark = (word: string, bit: number): void => {
    const { rows } = usesOf(word);
    rows.set(rowCount, (rows.get(rowCount) ?? 0) | bit);
  };
  return {
    /** The number of a list of words. */
    listOf(words: readonly string[]): number {
      const list = lists.get(words) ?? lists.size;
      if (lists.has(words)) return list;
      lists.set(words, list);
      for (const word of words) usesOf(word).lists.push(list);
      return list;
    },
    /** The number of a row of pairs. */
    rowOf(first: readonly string[], second: readonly string[]): number {
      for (const word of first) mark(word, opens);
      for (const word of second) mark(word, completes);
      return rowCount++;
    },
    bitsOf: (word: number, row: number): number => uses[word]?.rows.get(row) ?? 0,
    in(text: string): Seen {
      const first: (Found | undefined)[] = [];
      const rows = new Uint8Array(rowCount);
      const words: number[] = [];
      const places: Found[] = [];
      const counted = new Uint8Array(uses.length);
      index.find(text, 0, ({ text: word, payload }, at) => {
        const place = { index: at, end: at + word.length };
        words.push(payload);
        places.push(place);
        if (counted[payload] === 1) return false;
        counted[payload] = 1;
        for (const list of uses[payload]?.lists ?? []) first[list] ??= place;
        for (const [row, bits] of uses[payload]?.rows ?? []) rows[row] = (rows[row] ?? 0) | bits;
        return false;
      });
      return { text, first, rows, words, places };
    },
  };
}

function judgeOf(pattern: Pattern, words: ReturnType<typeof vocabulary>): Judge {
  const { shape } = pattern;
  if (shape === undefined) return ({ text }) => pattern.test(text);
  if (shape.kind === 'words') {
    const list = words.listOf(shape.words);
    return ({ text, first }) => first[list] !== undefined || shape.gapped?.test(text) === true;
  }
  if (shape.kind === 'pairs') {
    const rows = shape.rows.map(([first, second]) => words.rowOf(first, second));
    return (seen) =>
      rows.some((row) => seen.rows[row] === both && isPaired(seen, (word) => words.bitsOf(word, row), shape.reach));
  }
  const parts = shape.of.map((part) => judgeOf(part, words));
  return shape.kind === 'all'
    ? (seen) => parts.every((part) => part(seen))
    : (seen) => parts.some((part) => part(seen));
}

/** Whether the word that completes a row follows one that opens it, shortly and in the same sentence. */
function isPaired({ text, words, places }: Seen, bitsOf: (word: number) => number, reach: number): boolean {
  // From the end: what follows next is known for each word that opens the row.
  const following: Found[] = [];
  for (let at = words.length - 1; at >= 0; at--) {
    const place = places[at] as Found;
    const bits = bitsOf(words[at] as number);
    if ((bits & opens) !== 0) {
      // Those that begin in the word itself do not follow it.
      const next = following.findLast((each) => each.index >= place.end);
      if (next !== undefined && next.end <= place.end + reach && !sentenceEnd.test(text.slice(place.end, next.index)))
        return true;
    }
    if ((bits & completes) !== 0) following.push(place);
  }
  return false;
}
