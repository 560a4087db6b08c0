/** A text as a model reads it: compatibility forms resolved, hidden characters gone, look-alike letters made Latin. */
import type { Mapped } from './view.ts';

/** What a reader does not see. Shared with the detector of hidden text. */
export const hidden =
  // oxlint-disable-next-line no-misleading-character-class -- each of them is meant by itself
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/u;
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
/** What `plain` texts are made of has one reading. */
export const unusual = /[^\t\n\r\x20-\x7e]/;

const lookalikes = new Map<string, string>(
  Object.entries({
    а: 'a',
    е: 'e',
    о: 'o',
    р: 'p',
    с: 'c',
    у: 'y',
    х: 'x',
    ѕ: 's',
    і: 'i',
    ј: 'j',
    ԁ: 'd',
    һ: 'h',
    ӏ: 'l',
    ԛ: 'q',
    ԝ: 'w',
    А: 'A',
    В: 'B',
    Е: 'E',
    К: 'K',
    М: 'M',
    Н: 'H',
    О: 'O',
    Р: 'P',
    С: 'C',
    Т: 'T',
    Х: 'X',
    Ѕ: 'S',
    І: 'I',
    Ј: 'J',
    ο: 'o',
    α: 'a',
    ν: 'v',
    ρ: 'p',
    ι: 'i',
    κ: 'k',
    υ: 'u',
    Α: 'A',
    Β: 'B',
    Ε: 'E',
    Η: 'H',
    Ι: 'I',
    Κ: 'K',
    Μ: 'M',
    Ν: 'N',
    Ο: 'O',
    Ρ: 'P',
    Τ: 'T',
    Υ: 'Y',
    Χ: 'X',
    Ζ: 'Z',
    ı: 'i',
    ɡ: 'g',
    ɑ: 'a',
    ո: 'n',
    ս: 'u',
    օ: 'o',
  }),
);

const forms = new Map<string, string>();
const maxForms = 20_000;

function formOf(sign: string): string {
  const known = forms.get(sign);
  if (known !== undefined) return known;
  const form = hidden.test(sign) || control.test(sign) ? '' : sign.normalize('NFKC');
  if (forms.size < maxForms) forms.set(sign, form);
  return form;
}

const latin = /[a-z]/i;
const mark = /^[\u0300-\u036f]$/;
const escapeCode = 0x1b;
// A sequence ends at its final byte; longer ones than any terminal takes are text.
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const ansi = /\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\))/y;

/** By code unit: 1 for what is its own form wherever it stands, 2 for all others, 0 for what was not looked at. */
const kinds = new Uint8Array(0x1_0000);

function isPlain(code: number): boolean {
  if (code >= 0x20 && code < 0x7f) return true;
  const known = kinds[code] as number;
  if (known !== 0) return known === 1;
  const sign = String.fromCharCode(code);
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  const plain =
    !isSurrogate && code !== escapeCode && !lookalikes.has(sign) && !mark.test(sign) && formOf(sign) === sign;
  kinds[code] = plain ? 1 : 2;
  return plain;
}

/** `undefined` where nothing changes. */
export function normalised(text: string): Mapped | undefined {
  if (!unusual.test(text)) return undefined;
  const start = firstChange(text);
  if (start < 0) return undefined;
  const pieces = start === 0 ? [] : [text.slice(0, start)];
  let offsets = new Int32Array(text.length + 64);
  let length = 0;
  const place = (at: number): void => {
    if (length === offsets.length) {
      const wider = new Int32Array(2 * length);
      wider.set(offsets);
      offsets = wider;
    }
    offsets[length++] = at;
  };
  for (let at = 0; at < start; at++) place(at);
  for (let at = start; at < text.length; ) {
    let end = at;
    while (end < text.length && isPlain(text.charCodeAt(end))) end++;
    if (end > at) {
      pieces.push(text.slice(at, end));
      while (at < end) place(at++);
      continue;
    }
    const sign = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const form = composed(pieces, letterOf(text, at, sign));
    if (form !== '') pieces.push(form);
    for (let unit = 0; unit < form.length; unit++) place(at);
    at += lengthAt(text, at, sign);
  }
  place(text.length);
  return { text: pieces.join(''), offsets: offsets.slice(0, length) };
}

/** A mark may join the letter before it: from there on nothing is sure. */
function firstChange(text: string): number {
  for (let at = 0; at < text.length; ) {
    if (isPlain(text.charCodeAt(at))) {
      at++;
      continue;
    }
    const sign = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const length = lengthAt(text, at, sign);
    if (mark.test(sign) || length !== sign.length || letterOf(text, at, sign) !== sign) return at;
    at += length;
  }
  return -1;
}

function lengthAt(text: string, at: number, sign: string): number {
  return text.charCodeAt(at) === escapeCode ? sequenceAt(text, at) : sign.length;
}

function sequenceAt(text: string, at: number): number {
  ansi.lastIndex = at;
  return ansi.exec(text)?.[0].length ?? 1;
}

/** Look-alikes count beside a Latin letter only: a word in Cyrillic or Greek is what it is. */
function letterOf(text: string, at: number, sign: string): string {
  const twin = lookalikes.get(sign);
  if (twin === undefined) return formOf(sign);
  return latin.test(text[at - 1] ?? '') || latin.test(text[at + 1] ?? '') ? twin : sign;
}

/** A combining mark joins the letter before it where Unicode has one character for both. */
function composed(pieces: string[], form: string): string {
  if (!mark.test(form)) return form;
  const before = pieces.at(-1) ?? '';
  const last = before.slice(-1);
  const joined = (last + form).normalize('NFC');
  if (last === '' || joined.length !== 1) return form;
  pieces[pieces.length - 1] = before.slice(0, -1) + joined;
  return '';
}
