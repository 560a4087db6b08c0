/** National identifiers: near a word of their context, or alone where form and check leave chance no room. */
import type { Hit, Matcher } from '../detector.ts';
import { cellsBelow } from '../engine/columns.ts';
import { type Match, nextDigit, type View } from '../engine/view.ts';
import { type Identifier, identifiers } from './national.ts';

const after = 64;
const before = 24;
const edges = { start: String.raw`(?<![\w.+])`, end: String.raw`(?![\w]|[.-]\d)` };

/** Forms that arise by chance less than once in many gigabytes, given their check digits. */
const distinctive: Readonly<Record<string, RegExp>> = {
  'it-cf': /[A-Z]{6}\d{2}[ABCDEHLMPRST]\d{2}[A-Z]\d{3}[A-Z]/,
  'mx-curp': /[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d/,
  'fi-hetu': /\d{6}[-+A]\d{3}[0-9A-FHJ-NPR-Y]/,
  'ch-ahv': /756\.\d{4}\.\d{4}\.\d{2}/,
  'br-cpf': /\d{3}\.\d{3}\.\d{3}-\d{2}/,
  'br-cnpj': /\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}/,
  'be-rrn': /\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}/,
  'cn-id': /[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dX]/,
};

export const byWord: readonly Matcher[] = identifiers.map((identifier) => {
  const form = new RegExp(`${edges.start}(?:${identifier.form.source})${edges.end}`, 'gi');
  return {
    anchors: spelled(identifier.words),
    joins: false,
    find(view, from, to): readonly Hit[] | undefined {
      const { text } = view;
      if (!isWord(text, from, to)) return undefined;
      const cells = cellsBelow(view, from);
      const below = cells.length === 0 ? [] : cells.flatMap((cell) => hits(view, { identifier, form, ...cell }));
      if (below.length > 0) return below;
      // Digits stand in all of them.
      if (nextDigit(view, Math.max(0, from - before)) >= to + after + maxForm) return undefined;
      const near = hits(view, { identifier, form, from: from - before, to: to + after });
      return near.filter((hit) => hit.from >= to || (hit.from < from && from - hit.to <= 3));
    },
  };
});

/** Words with a blank are written with other signs in names: `social_security`. */
function spelled(words: readonly string[]): readonly string[] {
  return words.flatMap((word) =>
    /\w \w/.test(word) ? [word, ...['_', '-', ''].map((sign) => word.replace(/(?<=\w) (?=\w)/g, sign))] : [word],
  );
}

const pieceChars = 1_024;
/** More characters than any form has. */
const maxForm = 32;

interface Sought {
  readonly identifier: Identifier;
  readonly form: RegExp;
}

/** Those that begin in a stretch. Each piece of the text is searched once, however many words stand in it. */
function hits(view: View, { from, to, ...sought }: Sought & { from: number; to: number }): readonly Hit[] {
  const found: Hit[] = [];
  for (let piece = Math.floor(Math.max(0, from) / pieceChars); piece * pieceChars < to; piece++)
    for (const match of validIn(view, piece, sought))
      if (match.from >= from && match.from < to)
        found.push({
          class: sought.identifier.id,
          from: match.from,
          to: match.to,
          confidence: 0.85,
          checksum: 'valid',
        });
  return found;
}

function validIn(view: View, piece: number, { identifier, form }: Sought): readonly Match[] {
  const key = `${identifier.id} ${piece}`;
  const known = view.matches.get(key);
  if (known !== undefined) return known;
  const found: Match[] = [];
  const end = (piece + 1) * pieceChars;
  // The character before, so that what is cut at the edge is not taken for whole.
  const start = Math.max(0, piece * pieceChars - 1);
  const text = view.text.slice(start, end + maxForm);
  form.lastIndex = 0;
  for (let match = form.exec(text); match !== null; match = form.exec(text)) {
    const from = start + match.index;
    const isValid = passes(identifier, match[0]);
    if (isValid && from >= piece * pieceChars && from < end)
      found.push({ word: match[0], from, to: from + match[0].length });
    // What has no check digit may hide one that begins in it.
    if (!isValid) form.lastIndex = match.index + 1;
  }
  view.matches.set(key, found);
  return found;
}

function passes({ check }: Identifier, written: string): boolean {
  return check(written.replace(/[^0-9A-Za-z+]/g, '').toUpperCase());
}

/** Whole words, and parts of names such as `userSSN` and `ssn_last`. */
function isWord(text: string, from: number, to: number): boolean {
  const lower = /[a-z]/;
  const first = text[from] ?? '';
  const starts = !/[A-Za-z]/.test(text[from - 1] ?? '') || (lower.test(text[from - 1] ?? '') && /[A-Z]/.test(first));
  return to - from >= 8 || (starts && !(/[a-z]/i.test(text[to - 1] ?? '') && lower.test(text[to] ?? '')));
}

/** What can begin in a run of digits: a look at a few characters, as most runs are none of these. */
function mayBe(text: string, from: number, to: number): readonly string[] {
  const length = to - from;
  const before = text.charCodeAt(from - 1);
  if (before >= 65 && before <= 90) return ['it-cf', 'mx-curp'];
  if (text[from + 3] === '.')
    return text[from + 7] === '.' ? (text.startsWith('756.', from) ? ['ch-ahv'] : ['br-cpf']) : ['ch-ahv'];
  if (text[from + 2] === '.') return ['br-cnpj', 'be-rrn'];
  if ('-+A'.includes(text[from + 6] ?? ' ')) return ['fi-hetu'];
  return length === 17 || length === 18 ? ['cn-id'] : [];
}

const singles = new Map(
  Object.entries(distinctive).map(([id, form]) => [
    id,
    {
      identifier: identifiers.find((each) => each.id === id) as Identifier,
      form: new RegExp(`${edges.start}(?:${form.source})${edges.end}`, 'g'),
    },
  ]),
);
const lead = 16;

export const alone: Matcher = {
  shapes: ['number'],
  joins: true,
  find({ text }, from, to): readonly Hit[] | undefined {
    const candidates = mayBe(text, from, to);
    if (candidates.length === 0) return undefined;
    const start = Math.max(0, from - lead);
    const around = text.slice(start, Math.min(text.length, to + 12));
    return candidates.flatMap((id) => {
      const single = singles.get(id);
      if (single === undefined) return [];
      return [...around.matchAll(single.form)]
        .filter((match) => passes(single.identifier, match[0]) && !(start > 0 && match.index === 0))
        .map((match) => ({
          class: id,
          from: start + match.index,
          to: start + match.index + match[0].length,
          confidence: 0.9,
          checksum: 'valid' as const,
        }));
    });
  },
};
