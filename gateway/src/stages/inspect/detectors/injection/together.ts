/**
 * Several patterns on the same text: the words of all their lists are looked for in one pass, and in another one the texts
 * without which their expressions match nothing.
 */
import { type Found, indexOfWords, type Pattern, sentenceEnd } from './lexicon.ts';
import { requiredBy } from './required.ts';

/** What the patterns find in one text, by their number in the list. */
export interface Together {
  /** Whether the pattern may be there: `has` is asked only then. */
  readonly may: (pattern: number) => boolean;
  readonly has: (pattern: number) => boolean;
  /** Of a list of words without gaps: the first of them. */
  readonly first: (pattern: number) => Found | undefined;
}

/** Where words stand in a text, at most one for each place and word. Taken over by the next text. */
interface Seen {
  text: string;
  /** The first word of each list. */
  readonly first: (Found | undefined)[];
  /** By row of pairs: bits of `opens` and `completes`. */
  readonly rows: Uint8Array;
  /** Every word that stands in a pair, `perWord` numbers each. */
  words: Int32Array;
  count: number;
  readonly counted: Uint8Array;
  /** Each text without which an expression matches nothing. */
  readonly required: Uint8Array;
}

interface Judge {
  readonly may: (seen: Seen) => boolean;
  readonly has: (seen: Seen) => boolean;
}

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
  const texts = requirements();
  const judges = patterns.map((pattern) => judgeOf(pattern, { words, texts }));
  const listOf = patterns.map(({ shape }, at) => (shape?.kind === 'words' ? words.listOf(shape.words) : -1 - at));
  let seen: Seen | undefined;
  const found: Together = {
    may: (pattern) => judges[pattern]?.may(seen as Seen) === true,
    has: (pattern) => judges[pattern]?.has(seen as Seen) === true,
    first: (pattern) => seen?.first[listOf[pattern] ?? -1],
  };
  return (text) => {
    seen ??= words.none(texts.count());
    words.in(text, seen);
    texts.in(text, seen.required);
    return found;
  };
}

const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;

/** Every text that an expression requires. */
function requirements() {
  const numbers = new Map<string, number>();
  /** By character: one more than the number of the text that it is. */
  const signs = new Uint16Array(0x1_0000);
  /** By hash of two characters: which list of texts that begin with them. */
  const starts = new Uint16Array(0x1_0000);
  const lists: (readonly [text: string, number: number])[][] = [[]];
  return {
    count: (): number => numbers.size,
    numberOf(text: string): number {
      const known = numbers.get(text);
      if (known !== undefined) return known;
      const number = numbers.size;
      numbers.set(text, number);
      const first = text.charCodeAt(0);
      if (text.length === 1) signs[first] = number + 1;
      else {
        const start = hashOf(first, text.charCodeAt(1));
        if (starts[start] === 0) starts[start] = lists.push([]) - 1;
        lists[starts[start] as number]?.push([text, number]);
      }
      return number;
    },
    in(text: string, found: Uint8Array): void {
      found.fill(0);
      let next = text.charCodeAt(0);
      for (let at = 0; at < text.length; at++) {
        const code = next;
        next = at + 1 < text.length ? text.charCodeAt(at + 1) : 0;
        if (signs[code] !== 0) found[(signs[code] as number) - 1] = 1;
        const list = starts[hashOf(code, next)] as number;
        if (list === 0) continue;
        for (const [each, number] of lists[list] as (typeof lists)[number])
          if (found[number] === 0 && text.startsWith(each, at)) found[number] = 1;
      }
    },
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
    none: (texts: number): Seen => ({
      text: '',
      first: [],
      rows: new Uint8Array(rowCount),
      words: new Int32Array(64 * perWord),
      count: 0,
      counted: new Uint8Array(uses.length),
      required: new Uint8Array(texts),
    }),
    in(text: string, seen: Seen): void {
      const { first, rows, counted } = seen;
      seen.text = text;
      seen.count = 0;
      first.fill(undefined);
      rows.fill(0);
      counted.fill(0);
      index.find(text, 0, ({ text: word, payload }, at) => {
        const use = uses[payload] as Uses;
        if (use.rows.size > 0) place(seen, payload, { index: at, end: at + word.length });
        if (counted[payload] === 1) return false;
        counted[payload] = 1;
        for (const list of use.lists) first[list] ??= { index: at, end: at + word.length };
        for (const [row, bits] of use.rows) rows[row] = (rows[row] ?? 0) | bits;
        return false;
      });
    },
  };
}

/** The number of a word, where it begins and where it ends. */
const perWord = 3;

function place(seen: Seen, word: number, { index, end }: Found): void {
  if (seen.count === seen.words.length) {
    const wider = new Int32Array(2 * seen.words.length);
    wider.set(seen.words);
    seen.words = wider;
  }
  seen.words[seen.count++] = word;
  seen.words[seen.count++] = index;
  seen.words[seen.count++] = end;
}

interface Vocabulary {
  readonly words: ReturnType<typeof vocabulary>;
  readonly texts: ReturnType<typeof requirements>;
}

function judgeOf(pattern: Pattern, vocabularies: Vocabulary): Judge {
  const { shape } = pattern;
  const { words } = vocabularies;
  if (shape === undefined) return expressionOf(pattern, vocabularies);
  if (shape.kind === 'words') {
    const list = words.listOf(shape.words);
    const gapped = shape.gapped === undefined ? undefined : expressionOf(shape.gapped, vocabularies);
    return {
      may: (seen) => seen.first[list] !== undefined || gapped?.may(seen) === true,
      has: (seen) => seen.first[list] !== undefined || gapped?.has(seen) === true,
    };
  }
  if (shape.kind === 'pairs') {
    const rows = shape.rows.map(([first, second]) => words.rowOf(first, second));
    return {
      may: (seen) => rows.some((row) => seen.rows[row] === both),
      has: (seen) =>
        rows.some((row) => seen.rows[row] === both && isPaired(seen, (word) => words.bitsOf(word, row), shape.reach)),
    };
  }
  const parts = shape.of.map((part) => judgeOf(part, vocabularies));
  return shape.kind === 'all'
    ? { may: (seen) => parts.every((part) => part.may(seen)), has: (seen) => parts.every((part) => part.has(seen)) }
    : { may: (seen) => parts.some((part) => part.may(seen)), has: (seen) => parts.some((part) => part.has(seen)) };
}

function expressionOf(pattern: Pattern, { texts }: Vocabulary): Judge {
  const required = pattern instanceof RegExp ? requiredBy(pattern) : undefined;
  // Folded text has blanks in their place.
  const numbers = required?.map((text) => texts.numberOf(text.replace(/[\s*_]/g, ' ')));
  const may = (seen: Seen): boolean => numbers === undefined || numbers.some((number) => seen.required[number] === 1);
  return { may, has: (seen) => may(seen) && pattern.test(seen.text) };
}

/** Whether the word that completes a row follows one that opens it, shortly and in the same sentence. */
function isPaired({ text, words, count }: Seen, bitsOf: (word: number) => number, reach: number): boolean {
  // From the end: what follows next is known for each word that opens the row.
  const following: Found[] = [];
  for (let at = count - perWord; at >= 0; at -= perWord) {
    const index = words[at + 1] as number;
    const end = words[at + 2] as number;
    const bits = bitsOf(words[at] as number);
    if ((bits & opens) !== 0) {
      // Those that begin in the word itself do not follow it.
      const next = following.findLast((each) => each.index >= end);
      if (next !== undefined && next.end <= end + reach && !sentenceEnd.test(text.slice(end, next.index))) return true;
    }
    if ((bits & completes) !== 0) following.push({ index, end });
  }
  return false;
}
