/** Tables in CSV, TSV and markdown: the cells below a heading. */
import { type Cell, triedOften, type View } from './view.ts';

const maxLine = 2_048;
/** How far from the start of its line a heading may be. */
const maxHeadings = 512;
const maxTable = 16_384;
const maxRows = 200;
const maxHeading = 48;

/** The cells of the column whose heading `text[from, to)` is in; none where that is no heading. */
export function cellsBelow(view: View, from: number, to: number): readonly Cell[] {
  const { column } = view;
  // Several matchers look below the same heading.
  if (column.at === from) return column.cells;
  column.cells = cellsOf(view, from, to);
  column.at = from;
  return column.cells;
}

function cellsOf(view: View, from: number, to: number): readonly Cell[] {
  const { text } = view;
  if (triedOften(view, 'heading', { to: Math.floor(from / 64), at: from })) return [];
  const start = lineStart(text, from);
  if (start === undefined || !isTop(text, start)) return [];
  const rest = text.slice(to, start + maxLine).indexOf('\n');
  const stop = to + rest;
  if (rest < 0 || triedOften(view, 'columns', { to: stop, at: from })) return [];
  const heading = text.slice(start, stop);
  const delimiter = delimiterOf(heading);
  if (delimiter === undefined) return [];
  const cells = heading.split(delimiter);
  const at = heading.slice(0, from - start).split(delimiter).length - 1;
  if ((cells[at] ?? '').length > maxHeading) return [];
  return cellsIn(text, stop + 1, { delimiter, count: cells.length, at });
}

function lineStart(text: string, at: number): number | undefined {
  const from = Math.max(0, at - maxHeadings);
  const found = text.slice(from, at).lastIndexOf('\n');
  return found >= 0 ? from + found + 1 : from === 0 ? 0 : undefined;
}

/** A table begins the text, or follows an empty line or a fence. */
function isTop(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 24), start);
  return before === '' || /\n\s*\n$|```\w{0,8}\r?\n$|^\s+$/.test(before);
}

function delimiterOf(heading: string): string | undefined {
  return ['\t', '|', ';', ','].find((sign) => heading.includes(sign));
}

function cellsIn(
  text: string,
  start: number,
  { delimiter, count, at }: { delimiter: string; count: number; at: number },
): readonly Cell[] {
  const found: Cell[] = [];
  const end = Math.min(text.length, start + maxTable);
  for (let from = start, row = 0; from < end && row < maxRows; row++) {
    const next = text.indexOf('\n', from);
    const to = next < 0 ? text.length : next;
    if (to - from > maxLine) break;
    const cells = text.slice(from, to).split(delimiter);
    if (cells.length !== count) break;
    const before = cells.slice(0, at).reduce((sum, cell) => sum + cell.length + 1, 0);
    const cell = cells[at] ?? '';
    const inner = /^[\s"'`]*/.exec(cell)?.[0].length ?? 0;
    const plain = cell.trim().replace(/^["'`]|["'`]$/g, '');
    if (plain !== '' && !/^:?-{2,}:?$/.test(plain))
      found.push({ from: from + before + inner, to: from + before + inner + plain.length });
    from = to + 1;
  }
  return found;
}
