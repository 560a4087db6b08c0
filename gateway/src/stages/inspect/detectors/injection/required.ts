/**
 * Texts of which one stands in everything that a regular expression matches, read from its source: where none of them is,
 * the expression need not be tried. Of the syntax it knows what the patterns of this folder use, and of all else that it
 * may be anything.
 */

/** One of them is in each match; `undefined` where that cannot be said. */
export type Required = readonly string[] | undefined;

export function requiredBy({ source }: RegExp): Required {
  const reader = { source, at: 0 };
  const found = alternatives(reader);
  return reader.at === source.length ? found.best : undefined;
}

/** What a piece of an expression requires, and the one text that it is, if it is one. */
interface Piece {
  readonly best: Required;
  readonly literal: string | undefined;
}

interface Reader {
  readonly source: string;
  at: number;
}

const anything: Piece = { best: undefined, literal: undefined };
/** An assertion takes nothing, and texts around it are one. */
const nothing: Piece = { best: undefined, literal: '' };
const most = 64;

function alternatives(reader: Reader): Piece {
  const all = [sequence(reader)];
  while (reader.source[reader.at] === '|') {
    reader.at++;
    all.push(sequence(reader));
  }
  if (all.length === 1) return all[0] as Piece;
  const every = all.flatMap(({ best }) => best ?? ['']);
  return { best: every.includes('') || every.length > most ? undefined : every, literal: undefined };
}

function sequence(reader: Reader): Piece {
  const found: Required[] = [];
  let run = '';
  let isOne = true;
  while (reader.at < reader.source.length && !'|)'.includes(reader.source[reader.at] ?? '')) {
    const piece = quantified(reader);
    if (piece.literal !== undefined) {
      run += piece.literal;
      continue;
    }
    isOne = false;
    found.push(piece.best, run === '' ? undefined : [run]);
    run = '';
  }
  if (run !== '') found.push([run]);
  return { best: found.reduce(better, undefined), literal: isOne ? run : undefined };
}

/** The one whose shortest text is longer; of two the one with fewer texts. */
function better(a: Required, b: Required): Required {
  if (a === undefined || b === undefined) return a ?? b;
  const shortest = (each: readonly string[]): number => Math.min(3, ...each.map(({ length }) => length));
  return shortest(b) > shortest(a) || (shortest(b) === shortest(a) && b.length < a.length) ? b : a;
}

const quantifier = /[*+?]\??|\{(\d+)(?:,\d*)?\}\??/y;

function quantified(reader: Reader): Piece {
  const piece = atom(reader);
  quantifier.lastIndex = reader.at;
  const found = quantifier.exec(reader.source);
  if (found === null) return piece;
  reader.at = quantifier.lastIndex;
  const isOptional = found[0].startsWith('*') || found[0].startsWith('?') || found[1] === '0';
  return isOptional ? anything : { best: piece.best ?? requiredIn(piece.literal), literal: undefined };
}

const requiredIn = (literal: string | undefined): Required =>
  literal === undefined || literal === '' ? undefined : [literal];

const assertion = /\(\?<?[=!]/y;

function atom(reader: Reader): Piece {
  const { source } = reader;
  const sign = source[reader.at] as string;
  if (sign === '[') return classOf(reader);
  if (sign === '\\') return escape(reader);
  reader.at++;
  if (sign === '^' || sign === '$') return nothing;
  if (sign === '.') return anything;
  if (sign !== '(') return { best: [sign], literal: sign };
  assertion.lastIndex = reader.at - 1;
  const isAssertion = assertion.test(source);
  reader.at = isAssertion ? assertion.lastIndex : reader.at + (source.startsWith('?:', reader.at) ? 2 : 0);
  const inner = alternatives(reader);
  reader.at++;
  return isAssertion ? nothing : inner;
}

function escape(reader: Reader): Piece {
  const sign = reader.source[reader.at + 1] ?? '';
  reader.at += 2;
  if (sign === 'b' || sign === 'B') return nothing;
  if (sign === 'u') {
    const code = Number.parseInt(reader.source.slice(reader.at, reader.at + 4), 16);
    reader.at += 4;
    return { best: [String.fromCharCode(code)], literal: String.fromCharCode(code) };
  }
  // Classes, line ends and what refers back.
  return /[a-z0-9]/i.test(sign) ? anything : { best: [sign], literal: sign };
}

/** A few signs are as many texts. */
function classOf(reader: Reader): Piece {
  const start = reader.at + 1;
  let end = start;
  while (reader.source[end] !== ']') end += reader.source[end] === '\\' ? 2 : 1;
  reader.at = end + 1;
  const signs = reader.source.slice(start, end);
  return signs.length > 4 || /[\\^-]/.test(signs) ? anything : { best: signs.split(''), literal: undefined };
}
