/** One reading of what was sent: the text that matchers see, and where each piece of it stands in the message. */
import type { Runs } from './alphabet.ts';

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
  /** The cells below the last heading that was looked at. */
  readonly column: { at: number; cells: readonly Cell[] };
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

const never = (): boolean => false;

interface Origin {
  readonly crowd: Crowd;
  readonly locate: View['locate'];
}

export function viewOf(kind: ViewKind, text: string, { crowd, locate }: Origin): View {
  return {
    kind,
    text,
    crowd,
    skipped: { from: text.length, to: 0 },
    runs: new Map(),
    ends: new Map(),
    tries: new Map(),
    folds: new Map(),
    nearest: new Map(),
    places: new Map(),
    matches: new Map(),
    column: { at: -1, cells: [] },
    locate,
    isSeam: never,
  };
}

/** How many beginnings of one value are tried, as in `a=b=c=…`. */
const maxTries = 6;
/** Anchors that crowd around a value must not hide it: so many more are tried in a message, and one more for so many characters. */
const crowdTries = 256;
const charsPerTry = 64;
/**
 * What is looked at closely costs hundreds of times what all other text does. Ordinary text has each character looked at less
 * than five times, texts that consist of attacks twenty times.
 */
const closeTimes = 16;
const closeChars = 524_288;
/** Of one try. */
const lookChars = 256;

/**
 * Whether a value that ends here was judged that often: what nests does not cost the square of its length. What is left out
 * for that, as a text has no tries left, is not scanned.
 * @param at where the anchor stands
 */
export function triedOften(view: View, by: string, { to, at }: { to: number; at: number }): boolean {
  return isOver(view, triesOf(view, by, to) > maxTries, at);
}

/** As `triedOften`, for what costs more: in a stretch of `size` characters around `at`. */
export function triedTwice(view: View, by: string, { at, size }: { at: number; size: number }): boolean {
  return isSpent(view, lookChars, at) || isOver(view, triesOf(view, by, Math.floor(at / size)) > 2, at);
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

function skip({ skipped, text }: View, at: number): void {
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

/** A text that was made from another one, with the offset there of each of its characters and of its end. */
export interface Mapped {
  readonly text: string;
  readonly offsets: Int32Array;
}

/** A text in the making, which remembers where each of its characters comes from. */
export interface MappedCopy {
  /** Adds `text[from, to)`. */
  readonly slice: (text: string, from: number, to: number) => void;
  /** Adds a text for what stands at an offset; `step` from one of its characters to the next. */
  readonly put: (text: string, at: number, step: number) => void;
  /** @param end where the last character that was added ends */
  readonly done: (end: number) => Mapped;
}

export function mappedCopy(): MappedCopy {
  const pieces: string[] = [];
  let offsets = new Int32Array(1_024);
  let length = 0;
  const place = (at: number): void => {
    if (length === offsets.length) {
      const wider = new Int32Array(2 * length);
      wider.set(offsets);
      offsets = wider;
    }
    offsets[length++] = at;
  };
  return {
    slice(text, from, to) {
      if (to <= from) return;
      pieces.push(text.slice(from, to));
      for (let at = from; at < to; at++) place(at);
    },
    put(text, at, step) {
      pieces.push(text);
      for (let unit = 0; unit < text.length; unit++) place(at + unit * step);
    },
    done(end) {
      place(end);
      return { text: pieces.join(''), offsets: offsets.slice(0, length) };
    },
  };
}

export function mappedView(kind: ViewKind, { text, offsets }: Mapped, parent: View): View {
  const locate = (from: number, to: number) => parent.locate(offsets[from] ?? 0, offsets[to] ?? 0);
  return viewOf(kind, text, { crowd: parent.crowd, locate });
}

const wholePart = 1024;
const edge = 512;

interface Piece {
  readonly at: number;
  readonly part: number;
  readonly offset: number;
  readonly length: number;
}

/** The parts of a message as one text, without the middle of long ones, which were looked at alone. */
export function joinedView(parts: readonly string[], crowd: Crowd): View {
  const pieces: Piece[] = [];
  const texts: string[] = [];
  const seams = new Set<number>();
  let at = 0;
  const add = (text: string, part: number, offset: number): void => {
    pieces.push({ at, part, offset, length: text.length });
    texts.push(text);
    at += text.length;
  };
  for (const [part, text] of parts.entries()) {
    if (part > 0) seams.add(at);
    if (text.length <= wholePart) add(text, part, 0);
    else {
      add(text.slice(0, edge), part, 0);
      // No format contains it: nothing is found over the gap.
      texts.push('\0');
      at++;
      add(text.slice(-edge), part, text.length - edge);
    }
  }
  return {
    ...viewOf('joined', texts.join(''), { crowd, locate: (from, to) => spansIn(pieces, from, to) }),
    isSeam: (offset) => seams.has(offset),
  };
}

function spansIn(pieces: readonly Piece[], from: number, to: number): readonly Span[] {
  let low = 0;
  for (let high = pieces.length; low < high; ) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece !== undefined && piece.at + piece.length <= from) low = middle + 1;
    else high = middle;
  }
  const spans: Span[] = [];
  for (let index = low; index < pieces.length; index++) {
    const { at, part, offset, length } = pieces[index] as Piece;
    if (at >= to) break;
    if (length > 0) spans.push({ part, from: offset + Math.max(0, from - at), to: offset + Math.min(length, to - at) });
  }
  return spans;
}
