/** Texts behind percent, entity, `\u` and `\x` escapes, and tag characters: decoded around the escapes only. */
import { type Mapped, type MappedCopy, mappedCopy } from './mapped.ts';

const escapes =
  /(?:%[0-9a-f]{2})+|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|\\x[0-9a-f]{2}|[\u{e0020}-\u{e007e}]/giu;
const mayEscape = /[%&\\\u{e0020}-\u{e007e}]/u;
const names: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  commat: '@',
  colon: ':',
  equals: '=',
  sol: '/',
  period: '.',
  lowbar: '_',
  num: '#',
  hyphen: '-',
  dash: '-',
  lpar: '(',
  rpar: ')',
  excl: '!',
  Tab: '\t',
  NewLine: '\n',
};
/** Escapes that are further apart than this are in texts of their own. */
const reach = 256;

/** The neighbourhoods of escapes, with each escape as what it stands for. */
export function unescaped(text: string): readonly Mapped[] {
  if (!mayEscape.test(text)) return [];
  const all: Mapped[] = [];
  let building: Building | undefined;
  escapes.lastIndex = 0;
  for (let match = escapes.exec(text); match !== null; match = escapes.exec(text)) {
    const value = valueOf(match[0]);
    if (value === undefined) continue;
    if (building === undefined || match.index > building.at + 2 * reach) {
      if (building !== undefined) all.push(finished(text, building));
      building = { copy: mappedCopy(), at: Math.max(building?.at ?? 0, match.index - reach) };
    }
    building.copy.slice(text, building.at, match.index);
    building.copy.put(value, match.index, value.length === match[0].length / 3 ? 3 : 0);
    building.at = match.index + match[0].length;
  }
  if (building !== undefined) all.push(finished(text, building));
  return all;
}

interface Building {
  readonly copy: MappedCopy;
  at: number;
}

function finished(text: string, building: Building): Mapped {
  const end = Math.max(building.at, Math.min(text.length, building.at + reach));
  building.copy.slice(text, building.at, end);
  building.at = end;
  return building.copy.done(end);
}

/** What an escape stands for; `undefined` for one that stands for nothing. */
function valueOf(escape: string): string | undefined {
  if (escape.startsWith('%')) return asciiOf(escape) ?? Buffer.from(escape.replaceAll('%', ''), 'hex').toString('utf8');
  if (escape.startsWith('\\')) return fromCode(Number.parseInt(escape.slice(2).replace(/[{}]/g, ''), 16));
  if (escape.startsWith('&#x') || escape.startsWith('&#X')) return fromCode(Number.parseInt(escape.slice(3), 16));
  if (escape.startsWith('&#')) return fromCode(Number.parseInt(escape.slice(2), 10));
  if (escape.startsWith('&')) return names[escape.slice(1, -1)];
  return fromCode((escape.codePointAt(0) ?? 0) - 0xe0000);
}

/** Of percent escapes that are all ASCII. */
function asciiOf(escape: string): string | undefined {
  let text = '';
  for (let at = 1; at < escape.length; at += 3) {
    const code = 16 * digitOf(escape.charCodeAt(at)) + digitOf(escape.charCodeAt(at + 1));
    if (code >= 128) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

const digitOf = (code: number): number => (code <= 57 ? code - 48 : (code | 32) - 87);

function fromCode(code: number): string | undefined {
  return code > 0x10_ffff ? undefined : String.fromCodePoint(code);
}
