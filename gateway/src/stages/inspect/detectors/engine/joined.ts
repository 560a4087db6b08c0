/** The parts of a message as one text: what is cut into several of them is found there. */
import { type Crowd, type Span, type View, viewOf } from './view.ts';

const wholePart = 1024;
const edge = 512;

/** Pieces of parts, in their order: a message may have a million. */
interface Pieces {
  /** Where each begins in the text. */
  readonly at: number[];
  readonly part: number[];
  /** Where it begins in its part. */
  readonly offset: number[];
  readonly length: number[];
}

/** The parts of a message as one text, without the middle of long ones, which were looked at alone. */
export function joinedView(parts: readonly string[], crowd: Crowd): View {
  const pieces: Pieces = { at: [], part: [], offset: [], length: [] };
  const texts: string[] = [];
  let at = 0;
  const add = (text: string, part: number, offset: number): void => {
    pieces.at.push(at);
    pieces.part.push(part);
    pieces.offset.push(offset);
    pieces.length.push(text.length);
    texts.push(text);
    at += text.length;
  };
  for (let part = 0; part < parts.length; part++) {
    const text = parts[part] as string;
    if (text.length <= wholePart) {
      add(text, part, 0);
      continue;
    }
    add(text.slice(0, edge), part, 0);
    // No format contains it: nothing is found over the gap.
    texts.push('\0');
    at++;
    add(text.slice(-edge), part, text.length - edge);
  }
  return viewOf('joined', texts.join(''), {
    crowd,
    locate: (from, to) => spansIn(pieces, from, to),
    isSeam: (offset) => isSeamOf(pieces, offset),
  });
}

/** The first piece that ends after an offset. */
function firstBeyond({ at, length }: Pieces, offset: number): number {
  let low = 0;
  for (let high = at.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) + (length[middle] as number) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function spansIn(pieces: Pieces, from: number, to: number): readonly Span[] {
  const spans: Span[] = [];
  for (let index = firstBeyond(pieces, from); index < pieces.at.length; index++) {
    const at = pieces.at[index] as number;
    const length = pieces.length[index] as number;
    const offset = pieces.offset[index] as number;
    if (at >= to) break;
    if (length > 0)
      spans.push({
        part: pieces.part[index] as number,
        from: offset + Math.max(0, from - at),
        to: offset + Math.min(length, to - at),
      });
  }
  return spans;
}

/** Whether a part but the first begins there. */
function isSeamOf(pieces: Pieces, at: number): boolean {
  // Those that are empty, and the part that begins where they do.
  for (let index = firstBeyond(pieces, at - 1); index < pieces.at.length && (pieces.at[index] as number) <= at; index++)
    if (pieces.at[index] === at && pieces.offset[index] === 0 && (pieces.part[index] as number) > 0) return true;
  return false;
}
