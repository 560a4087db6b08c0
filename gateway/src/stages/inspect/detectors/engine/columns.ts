/** Tables in CSV, TSV and markdown: the cells below a heading. */
import { type Cell, isSpent, triedOften, type View } from './view.ts';

const maxLine = 2_048;
/** How far from the start of its line a heading may be. */
const maxHeadings = 512;
const maxTable = 16_384;
const maxRows = 200;
const maxHeading = 48;

/** Of judging one cell, in characters that are looked at closely. */
const cellChars = 128;

/** The cells of the column whose heading `text[from, to)` is in; none where that is no heading. */
export function cellsBelow(view: View, from: number): readonly Cell[] {
  const { column } = view;
  // Several matchers look below the same heading.
  if (column.at === from) return column.cells;
  column.cells = cellsOf(view, from);
  column.at = from;
  return column.cells;
}

function cellsOf(view: View, from: number): readonly Cell[] {
  const start = lineStart(view, from);
  if (start === undefined) return noCells;
  const { column } = view;
  if (column.table?.start !== start) column.table = { start, top: topOf(view.text, start), columns: new Map() };
  const { top, columns } = column.table;
  if (top === undefined || triedOften(view, 'columns', { to: top.stop, at: from })) return noCells;
  const at = top.ends.findIndex((end) => from <= end);
  const heading = (top.ends[at] ?? 0) - (at === 0 ? start : (top.ends[at - 1] ?? 0) + 1);
  if (at < 0 || heading > maxHeading) return noCells;
  let cells = columns.get(at);
  if (cells === undefined) columns.set(at, (cells = cellsIn(top.rows, at)));
  return cells.length === 0 || isSpent(view, cellChars * cells.length, from) ? noCells : cells;
}

const noCells: readonly Cell[] = [];

/** A line that may hold headings, and what stands below it. */
export interface Top {
  readonly stop: number;
  /** Where each of its cells ends. */
  readonly ends: readonly number[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly from: number;
  readonly cells: readonly string[];
}

function topOf(text: string, start: number): Top | undefined {
  if (!isTop(text, start)) return undefined;
  const length = text.slice(start, start + maxLine).indexOf('\n');
  if (length < 0) return undefined;
  const stop = start + length;
  const heading = text.slice(start, stop);
  const delimiter = delimiterOf(heading);
  if (delimiter === undefined) return undefined;
  const ends: number[] = [];
  let end = start - 1;
  for (const cell of heading.split(delimiter)) ends.push((end += cell.length + 1));
  return { stop, ends, rows: rowsBelow(text, stop + 1, { delimiter, count: ends.length }) };
}

/** Where the line of an offset begins, unless that is too far. Anchors follow each other: no stretch is searched twice. */
function lineStart(view: View, at: number): number | undefined {
  const { line } = view.column;
  const least = Math.max(0, at - maxHeadings);
  if (at < line.from || at > line.to) {
    const known = at > line.to && line.to > least ? line.to : least;
    const from = afterNewline(view.text, at, known);
    if (from > known || known === least) {
      line.from = from;
      line.isStart = from === 0 || view.text.charCodeAt(from - 1) === newline;
    }
    line.to = at;
  }
  if (!line.isStart && line.from > least) {
    line.from = afterNewline(view.text, line.from, least);
    line.isStart = line.from === 0 || view.text.charCodeAt(line.from - 1) === newline;
  }
  return line.isStart && (line.from > least || line.from === 0) && line.from >= least ? line.from : undefined;
}

const newline = 10;

/** Behind the last newline in `text[least, at)`; `least` where there is none. */
function afterNewline(text: string, at: number, least: number): number {
  let from = at;
  while (from > least && text.charCodeAt(from - 1) !== newline) from--;
  return from;
}

/** A table begins the text, or follows an empty line or a fence. */
function isTop(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 24), start);
  return before === '' || /\n\s*\n$|```\w{0,8}\r?\n$|^\s+$/.test(before);
}

function delimiterOf(heading: string): string | undefined {
  return ['\t', '|', ';', ','].find((sign) => heading.includes(sign));
}

function rowsBelow(
  text: string,
  start: number,
  { delimiter, count }: { delimiter: string; count: number },
): readonly Row[] {
  const rows: Row[] = [];
  const end = Math.min(text.length, start + maxTable);
  for (let from = start; from < end && rows.length < maxRows; ) {
    const next = text.indexOf('\n', from);
    const to = next < 0 ? text.length : next;
    if (to - from > maxLine) break;
    const cells = text.slice(from, to).split(delimiter);
    if (cells.length !== count) break;
    rows.push({ from, cells });
    from = to + 1;
  }
  return rows;
}

function cellsIn(rows: readonly Row[], at: number): readonly Cell[] {
  const found: Cell[] = [];
  for (const { from, cells } of rows) {
    let before = from;
    for (let index = 0; index < at; index++) before += (cells[index] ?? '').length + 1;
    const cell = cells[at] ?? '';
    const inner = /^[\s"'`]*/.exec(cell)?.[0].length ?? 0;
    const plain = cell.trim().replace(/^["'`]|["'`]$/g, '');
    if (plain !== '' && !/^:?-{2,}:?$/.test(plain))
      found.push({ from: before + inner, to: before + inner + plain.length });
  }
  return found;
}
