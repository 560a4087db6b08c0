/**
 * A long JSON text, read in pieces: `JSON.parse` alone holds the loop for 20 ms where a server lists ten thousand tools on one
 * page. What makes such texts long is an array, so that one is found and cut between its items. Each piece is read as strictly
 * as a whole text, and the bounds hold for all of them together.
 */
import { randomBytes } from 'node:crypto';
import { isObject, type Json, type JsonResult, parseJsonText } from './json.ts';
import { endOfString, type JsonLimits, nothingSpent } from './json-survey.ts';

/** Characters from which a text is long: reading it takes some milliseconds. */
export const longText = 512 * 1024;

/** Characters of one piece, and between two looks for a cut. An item is never cut. */
const pieceLength = 64 * 1024;
/** Deepest nesting of an array that is cut: rows of a table in the structured content of a result are the fourth. */
const maxCutDepth = 5;

/** Stands for the items of the array while the rest is read. Random, so that no foreign text can hold it. */
const holder = randomBytes(16).toString('hex');

const quote = 34;
const comma = 44;
const openArray = 91;
const closeArray = 93;
const openObject = 123;
const closeObject = 125;

interface Container {
  readonly isArray: boolean;
  /** Of the first character inside. */
  readonly from: number;
  readonly cuts: number[];
}

interface Wide {
  readonly depth: number;
  /** Where each piece begins, and the end of the last: commas between items, but for the two brackets. */
  readonly edges: readonly number[];
}

/** As `parseJsonText`, for texts that are long: yields between pieces. */
export function* readingLongJson(
  text: string,
  limits: JsonLimits,
  minPieceLength = pieceLength,
): Generator<undefined, JsonResult> {
  const wide = yield* widestArray(text, minPieceLength);
  if (wide === undefined) return parseJsonText(text, limits);
  // One array is counted with each of its pieces but without its commas there, and the holder is no string of the text.
  const spent = { ...nothingSpent(limits), values: -1, strings: -1 };
  const { depth, edges } = wide;
  const items: Json[] = [];
  const inner = { ...limits, depth: limits.depth - depth + 1, member: '' };
  let rawNumbers = false;
  for (let piece = 1; piece < edges.length; piece++) {
    const source = `[${text.slice((edges[piece - 1] ?? 0) + 1, edges[piece])}]`;
    const read = parseJsonText(source, inner, spent);
    if (!read.ok) return read;
    const { length } = read.value as readonly Json[];
    // `[1,,2]` and `[1,]` are no JSON.
    if (length === 0) return { ok: false, fault: 'syntax' };
    for (const item of read.value as readonly Json[]) items.push(item);
    rawNumbers ||= read.rawNumbers;
    yield;
  }
  const [from = 0, to = 0] = [edges[0], edges.at(-1)];
  const rest = parseJsonText(`${text.slice(0, from + 1)}"${holder}"${text.slice(to)}`, limits, spent);
  if (!rest.ok) return rest;
  if (!fill(rest.value, items, depth)) return { ok: false, fault: 'syntax' };
  const { memberText, ...result } = { ...rest, rawNumbers: rawNumbers || rest.rawNumbers };
  if (memberText === undefined) return result;
  const at = memberText.indexOf(`"${holder}"`);
  if (at === -1) return { ...result, memberText };
  const inside = text.slice(from + 1, to);
  if (/[\n\r]/.test(inside)) return result;
  return { ...result, memberText: memberText.slice(0, at) + inside + memberText.slice(at + holder.length + 2) };
}

/** The array near the outside that has the most cuts. Assumes nothing about validity: what was cut wrongly is no JSON either. */
function* widestArray(text: string, minPieceLength: number): Generator<undefined, Wide | undefined> {
  const open: Container[] = [];
  let best: Wide | undefined;
  let depth = 0;
  let pause = pieceLength;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      const end = endOfString(text, index);
      if (end === -1) return undefined;
      index = end;
    } else if (code === openArray || code === openObject) {
      if (depth < maxCutDepth) open[depth] = { isArray: code === openArray, from: index, cuts: [] };
      depth++;
    } else if (code === closeArray || code === closeObject) {
      depth--;
      if (depth < 0) return undefined;
      const closed = depth < maxCutDepth ? open[depth] : undefined;
      if (closed?.isArray === true && closed.cuts.length > (best?.edges.length ?? 2) - 2)
        best = { depth: depth + 1, edges: [closed.from, ...closed.cuts, index] };
    } else if (code === comma && depth > 0 && depth <= maxCutDepth) {
      const within = open[depth - 1];
      if (within?.isArray === true && index - (within.cuts.at(-1) ?? within.from) > minPieceLength)
        within.cuts.push(index);
    }
    if (index > pause) {
      pause = index + pieceLength;
      yield;
    }
  }
  return best;
}

/** Puts the items where they belong: the value was made a moment ago, and nothing else holds it. */
function fill(value: Json, items: Json[], depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    if (value.length === 1 && value[0] === holder) {
      (value as Json[]).length = 0;
      for (const item of items) (value as Json[]).push(item);
      return true;
    }
    return depth > 1 && value.some((item: Json) => fill(item, items, depth - 1));
  }
  return isObject(value) && depth > 1 && Object.values(value).some((member) => fill(member, items, depth - 1));
}
