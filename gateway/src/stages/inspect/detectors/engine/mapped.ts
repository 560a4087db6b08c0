/** A text that was made from another one, and where each of its characters stands there. */

export interface Mapped {
  readonly text: string;
  /** The offset in the other text of a character of this one, and of its end. */
  readonly sourceOf: (at: number) => number;
}

/** A text in the making, which remembers where each of its characters comes from. */
export interface MappedCopy {
  /** Adds `text[from, to)`. */
  readonly slice: (text: string, from: number, to: number) => void;
  /** Adds a text for what stands at an offset; `step` from one of its characters to the next. */
  readonly put: (text: string, at: number, step: number) => void;
  /** Takes the last character off, and puts another one in its place. */
  readonly exchange: (make: (last: string) => string | undefined) => boolean;
  /** @param end where the last character that was added ends */
  readonly done: (end: number) => Mapped;
}

/** Numbers of one run: where it begins here and there, and how far its characters are apart there. */
const perRun = 3;

/** Most characters follow each other here as they do there: only where that ends something is written down. */
export function mappedCopy(): MappedCopy {
  const pieces: string[] = [];
  let runs = new Int32Array(48 * perRun);
  let count = 0;
  let length = 0;
  let nextSource = -1;
  const begin = (source: number, step: number): void => {
    if (count === runs.length) {
      const wider = new Int32Array(2 * runs.length);
      wider.set(runs);
      runs = wider;
    }
    runs[count++] = length;
    runs[count++] = source;
    runs[count++] = step;
  };
  return {
    slice(text, from, to) {
      if (to <= from) return;
      if (from !== nextSource) begin(from, 1);
      pieces.push(text.slice(from, to));
      length += to - from;
      nextSource = to;
    },
    put(text, at, step) {
      if (text === '') return;
      begin(at, step);
      pieces.push(text);
      length += text.length;
      nextSource = -1;
    },
    exchange(make) {
      const before = pieces.at(-1) ?? '';
      const made = before === '' ? undefined : make(before.slice(-1));
      if (made === undefined) return false;
      pieces[pieces.length - 1] = before.slice(0, -1) + made;
      nextSource = -1;
      return true;
    },
    done(end) {
      begin(end, 0);
      return { text: pieces.join(''), sourceOf: sourceIn(runs.slice(0, count)) };
    },
  };
}

function sourceIn(runs: Int32Array): Mapped['sourceOf'] {
  return (at) => {
    let low = 0;
    for (let high = runs.length / perRun - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if ((runs[middle * perRun] as number) <= at) low = middle;
      else high = middle - 1;
    }
    const run = low * perRun;
    return (runs[run + 1] ?? 0) + (at - (runs[run] ?? 0)) * (runs[run + 2] ?? 0);
  };
}
