/** Takes columns out of comma-separated values (RFC 4180), of which the first line names the columns. */
import type { Pointer } from './fields.ts';

/** Rows between two steps. */
const rowsAtOnce = 256;

/** The text without the columns that end a pointer, in steps; `undefined` where it cannot be read for sure. */
export function* withoutColumns(text: string, pointers: readonly Pointer[]): Generator<undefined, string | undefined> {
  const rows = rowsOf(text);
  const { value: head } = rows.next();
  if (head === undefined) return undefined;
  const names = new Set(pointers.map((pointer) => pointer.at(-1)));
  const kept = [...head.keys()].filter((index) => !names.has('*') && !names.has(head[index]?.trim()));
  // A head that names none of them may be read wrong: other separators, or no head at all.
  if (kept.length === head.length) return undefined;
  const line = (row: readonly string[]): string => `${kept.map((index) => written(row[index] ?? '')).join(',')}\n`;
  const parts: string[] = [];
  let lines = [line(head)];
  for (const row of rows) {
    if (row?.length !== head.length) return undefined;
    if (lines.push(line(row)) < rowsAtOnce) continue;
    parts.push(lines.join(''));
    lines = [];
    yield;
  }
  return parts.join('') + lines.join('');
}

function written(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * One look at each character. A quote within a field that has none around it can be read in two ways, and is refused: the last
 * row is `undefined` then.
 */
function* rowsOf(text: string): Generator<readonly string[] | undefined, undefined> {
  let row: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    if (field === undefined) return yield undefined;
    row.push(field.value);
    at = field.end;
    if (text[at] === ',') {
      at++;
      continue;
    }
    const ended = row;
    row = [];
    if (text.startsWith('\r\n', at)) at += 2;
    else if (text[at] === '\n' || at === text.length) at++;
    else return yield undefined;
    yield ended;
    if (at >= text.length) return undefined;
  }
  return undefined;
}

interface Field {
  readonly value: string;
  readonly end: number;
}

function plainField(text: string, from: number): Field | undefined {
  const pattern = /[",\r\n]/g;
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  if (found?.[0] === '"') return undefined;
  const end = found?.index ?? text.length;
  return { value: text.slice(from, end), end };
}

function quotedField(text: string, from: number): Field | undefined {
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return undefined;
    if (text[quote + 1] !== '"') return { value: text.slice(from + 1, quote).replaceAll('""', '"'), end: quote + 1 };
    at = quote + 2;
  }
}
