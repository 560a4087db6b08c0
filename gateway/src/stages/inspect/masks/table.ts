/** Takes columns out of comma-separated values (RFC 4180), of which the first line names the columns. */
import type { Pointer } from './fields.ts';

/** The text without the columns that end a pointer; `undefined` where it cannot be read for sure. */
export function withoutColumns(text: string, pointers: readonly Pointer[]): string | undefined {
  const rows = rowsOf(text);
  const [head] = rows ?? [];
  if (rows === undefined || head === undefined || rows.some((row) => row.length !== head.length)) return undefined;
  const names = new Set(pointers.map((pointer) => pointer.at(-1)));
  const kept = [...head.keys()].filter((index) => !names.has('*') && !names.has(head[index]?.trim()));
  // A head that names none of them may be read wrong: other separators, or no head at all.
  if (kept.length === head.length) return undefined;
  return rows.map((row) => `${kept.map((index) => written(row[index] ?? '')).join(',')}\n`).join('');
}

function written(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** One look at each character. A quote within a field that has none around it can be read in two ways, and is refused. */
function rowsOf(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    if (field === undefined) return undefined;
    row.push(field.value);
    at = field.end;
    if (text[at] === ',') {
      at++;
      continue;
    }
    rows.push(row);
    row = [];
    if (text.startsWith('\r\n', at)) at += 2;
    else if (text[at] === '\n' || at === text.length) at++;
    else return undefined;
    if (at >= text.length) break;
  }
  return rows;
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
  let value = '';
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return undefined;
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
