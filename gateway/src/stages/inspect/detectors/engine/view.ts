/** One reading of what was sent: the text that matchers see, and where each piece of it stands in the message. */
import { noRuns, type Runs } from './alphabet.ts';
import type { Top } from './columns.ts';
import type { Mapped } from './mapped.ts';

export type ViewKind = 'sent' | 'normalised' | 'decoded' | 'joined';

/** A piece of a part of the message, in UTF-16 code units. */
export interface Span {
  /** The index of the part. */
  readonly part: number;
  readonly from: number;
  readonly to: number;
}

/** What matchers may still do in a message: all its parts and readings share it. */
export interface Crowd {
  /** Tries beyond the usual number. */
  left: number;
  /** Characters that may be looked at closely, each as often as it is. */
  chars: number;
}

/** @param chars of all parts of the message */
export function crowdOf(chars: number): Crowd {
  return { left: crowdTries + Math.floor(chars / charsPerTry), chars: closeChars + closeTimes * chars };
}

interface Column {
  at: number;
  cells: readonly Cell[];
  table:
    | { readonly start: number; readonly top: Top | undefined; readonly columns: Map<number, readonly Cell[]> }
    | undefined;
  /** No line ends in `text[from, to)`. */
  readonly line: { from: number; to: number; isStart: boolean };
}

/** A cell of a table. */
export interface Cell {
  readonly from: number;
  readonly to: number;
}

export interface Match {
  readonly word: string;
  readonly from: number;
  readonly to: number;
}

export interface View {
  readonly kind: ViewKind;
  readonly text: string;
  readonly runs: Runs;
  /** The text without case and accents, in pieces that were asked for. */
  readonly folds: Map<number, string>;
  /** Where the nearest of some words stands, by the name of the question. */
  readonly nearest: Map<string, { from: number; to: number; at: number }>;
  /** Where a pattern stands next, by the name of the question: `at` is `to` where it does not. */
  readonly places: Map<string, { from: number; to: number; at: number; end: number }>;
  /** The cells below the last heading that was looked at, and the table and the line of it. */
  readonly column: Column;
  /** The first digit at an offset or after it: see `nextDigit`. */
  readonly digit: { from: number; at: number };
  /** What a pattern finds in a piece of the text, by the name of the question and the piece: see `matchesWithin`. */
  readonly matches: Map<string, readonly Match[]>;
  /** The last stretch in which the end of a value was looked for, by the kind of its end. */
  readonly ends: Map<string, { from: number; to: number }>;
  /** Ends of values that were judged, with how often: see `triedOften`. */
  readonly tries: Map<string, { to: number; count: number }>;
  readonly crowd: Crowd;
  /** The stretch in which no tries were left. */
  readonly skipped: { from: number; to: number };
  /** Where `text[from, to)` stands in the message. */
  readonly locate: (from: number, to: number) => readonly Span[];
  /** Whether two parts meet at this offset. */
  readonly isSeam: (at: number) => boolean;
}

interface Origin {
  readonly crowd: Crowd;
  readonly locate: View['locate'];
  readonly isSeam?: View['isSeam'];
}

const never = (): boolean => false;

/** Most texts of a message are short, and nothing is asked of them: what is remembered is made when it is. */
class Reading implements View {
  readonly kind: ViewKind;
  readonly text: string;
  readonly crowd: Crowd;
  readonly skipped: View['skipped'];
  readonly digit = { from: 0, at: -1 };
  readonly locate: View['locate'];
  readonly isSeam: View['isSeam'];
  #column: Column | undefined;
  #runs: View['runs'] | undefined;
  #ends: View['ends'] | undefined;
  #tries: View['tries'] | undefined;
  #folds: View['folds'] | undefined;
  #nearest: View['nearest'] | undefined;
  #places: View['places'] | undefined;
  #matches: View['matches'] | undefined;

  constructor(kind: ViewKind, text: string, { crowd, locate, isSeam = never }: Origin) {
    this.kind = kind;
    this.text = text;
    this.crowd = crowd;
    this.skipped = { from: text.length, to: 0 };
    this.locate = locate;
    this.isSeam = isSeam;
  }

  get column(): Column {
    return (this.#column ??= { at: -1, cells: [], table: undefined, line: { from: 0, to: 0, isStart: true } });
  }
  get runs(): View['runs'] {
    return (this.#runs ??= noRuns());
  }
  get ends(): View['ends'] {
    return (this.#ends ??= new Map());
  }
  get tries(): View['tries'] {
    return (this.#tries ??= new Map());
  }
  get folds(): View['folds'] {
    return (this.#folds ??= new Map());
  }
  get nearest(): View['nearest'] {
    return (this.#nearest ??= new Map());
  }
  get places(): View['places'] {
    return (this.#places ??= new Map());
  }
  get matches(): View['matches'] {
    return (this.#matches ??= new Map());
  }
}

/** Where the first digit stands at an offset or after it; the end of the text where there is none. */
export function nextDigit({ text, digit }: View, from: number): number {
  if (from >= digit.from && from <= digit.at) return digit.at;
  let at = from;
  // Asked at an offset before the last one: what follows it is known.
  const known = from < digit.from ? digit.from : text.length;
  while (at < known && !isDigit(text.charCodeAt(at))) at++;
  digit.from = from;
  if (at < known || known === text.length) digit.at = at;
  return digit.at;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

export function viewOf(kind: ViewKind, text: string, origin: Origin): View {
  return new Reading(kind, text, origin);
}

export function mappedView(kind: ViewKind, { text, sourceOf }: Mapped, parent: View): View {
  return viewOf(kind, text, {
    crowd: parent.crowd,
    locate: (from, to) => parent.locate(sourceOf(from), sourceOf(to)),
  });
}

/** How many beginnings of one value are tried, as in `a=b=c=…`. */
const maxTries = 6;
/** Anchors that crowd around a value must not hide it: so many more are tried in a message, and one more for so many characters. */
const crowdTries = 256;
const charsPerTry = 64;
/**
 * What is looked at closely costs hundreds of times what all other text does. Ordinary text has each character looked at less
 * than seven times, texts that consist of attacks twenty times.
 */
const closeTimes = 10;
const closeChars = 262_144;
/** Of one try, and of one that costs more. */
const tryChars = 96;
const lookChars = 256;

/**
 * Whether a value that ends here was judged that often: what nests does not cost the square of its length. What is left out
 * for that, as a text has no tries left, is not scanned.
 * @param at where the anchor stands
 */
export function triedOften(view: View, by: string, { to, at }: { to: number; at: number }): boolean {
  view.crowd.chars -= tryChars;
  return isOver(view, triesOf(view, by, to) > maxTries, at);
}

/**
 * As `triedOften`, for what costs more: in a stretch of `size` characters around `at`.
 * @param chars that are looked at closely, where that is known
 */
export function triedTwice(
  view: View,
  by: string,
  { at, size, chars = lookChars }: { at: number; size: number; chars?: number },
): boolean {
  return isSpent(view, chars, at) || isOver(view, triesOf(view, by, Math.floor(at / size)) > 2, at);
}

/**
 * Whether no more of the message may be looked at closely. What is left out for that is not scanned.
 * @param chars that are looked at now, around `at`
 */
export function isSpent(view: View, chars: number, at: number): boolean {
  if (view.crowd.chars <= 0) {
    skip(view, at);
    return true;
  }
  view.crowd.chars -= Math.min(chars, view.text.length);
  return false;
}

/** As if so many more could be looked at closely. */
const lateChars = 131_072;

/** Whether another reading than the text as it was sent is looked at no more: what looks closely has ended before that. */
export function isLate({ kind, crowd }: View): boolean {
  return kind !== 'sent' && crowd.chars <= -lateChars;
}

/** Counts what is looked at in any case: less is left for what looks closely, and for other readings. */
export function charge({ crowd }: View, chars: number): void {
  crowd.chars -= chars;
}

/** What a skipped anchor may have looked at. */
const neighbourhood = 256;

function isOver(view: View, isMany: boolean, at: number): boolean {
  if (!isMany) return false;
  if (view.crowd.left > 0) {
    view.crowd.left--;
    return false;
  }
  skip(view, at);
  return true;
}

/** What stands around an anchor is not scanned. */
export function skip({ skipped, text }: View, at: number): void {
  skipped.from = Math.min(skipped.from, at);
  skipped.to = Math.min(text.length, at + neighbourhood);
}

function triesOf({ tries }: View, by: string, to: number): number {
  const last = tries.get(by);
  if (last === undefined) tries.set(by, { to, count: 1 });
  else if (last.to !== to) {
    last.to = to;
    last.count = 1;
  } else return ++last.count;
  return 1;
}

/** Several ways of decoding and normalising a piece lead to one text, which is read once; the same text elsewhere is another. */
export function placedText({ text, locate }: View): string {
  const [first] = locate(0, text.length);
  return `${first?.from} ${first?.to} ${text}`;
}
