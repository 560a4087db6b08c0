/** A text as a model reads it: compatibility forms resolved, hidden characters gone, look-alike letters made Latin. */
import { type Mapped, mappedCopy } from './mapped.ts';

/** What a reader does not see. Shared with the detector of hidden text. */
export const hidden =
  // oxlint-disable-next-line no-misleading-character-class -- each of them is meant by itself
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/u;
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;
/** What `plain` texts are made of has one reading. */
export const unusual = /[^\t\n\r\x20-\x7e]/;

/** Whether nothing in a text is unusual; asked of very short ones. */
export function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return !unusual.test(text);
  }
  return true;
}

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

const mark = /^[\u0300-\u036f]$/;
const escapeCode = 0x1b;
// A sequence ends at its final byte; longer ones than any terminal takes are text.
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const ansi = /\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,256}(?:\x07|\x1b\\))/y;

/** What becomes of a code unit, wherever it stands. */
const stays = 1;
const goes = 2;
/** It becomes its look-alike beside a Latin letter. */
const twinned = 3;
const other = 4;
/** By code unit; 0 for what was not looked at. */
const kinds = new Uint8Array(0x1_0000);
for (let code = 0x20; code < 0x7f; code++) kinds[code] = stays;

function kindOf(code: number): number {
  const known = kinds[code] as number;
  return known === 0 ? (kinds[code] = kindNow(code)) : known;
}

function kindNow(code: number): number {
  const sign = String.fromCharCode(code);
  if (lookalikes.has(sign)) return twinned;
  if ((code >= 0xd800 && code < 0xe000) || code === escapeCode || mark.test(sign)) return other;
  const form = formOf(sign);
  return form === sign ? stays : form === '' ? goes : other;
}

/** `undefined` where nothing changes. */
export function normalised(text: string): Mapped | undefined {
  if (!unusual.test(text)) return undefined;
  const copy = mappedCopy();
  /** From here on nothing was copied. */
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    const kind = kindOf(code);
    if (kind === stays || (kind === twinned && !isBesideLatin(text, at))) {
      at++;
      continue;
    }
    const sign = kind === other ? String.fromCodePoint(text.codePointAt(at) ?? 0) : (text[at] as string);
    const length = code === escapeCode ? sequenceAt(text, at) : sign.length;
    const form = kind === goes ? '' : kind === twinned ? (lookalikes.get(sign) ?? sign) : formOf(sign);
    if (form !== sign || mark.test(form) || length !== sign.length) {
      copy.slice(text, from, at);
      if (!(mark.test(form) && copy.exchange((last) => composed(last, form)))) copy.put(form, at, 0);
      from = at + length;
    }
    at += length;
  }
  // A mark may stay what it is.
  if (from === 0) return undefined;
  copy.slice(text, from, text.length);
  const made = copy.done(text.length);
  return made.text === text ? undefined : made;
}

/** Look-alikes count beside a Latin letter only: a word in Cyrillic or Greek is what it is. */
function isBesideLatin(text: string, at: number): boolean {
  return isLatin(text.charCodeAt(at - 1)) || isLatin(text.charCodeAt(at + 1));
}

function isLatin(code: number): boolean {
  const letter = code | 0x20;
  return letter >= 97 && letter <= 122 && code < 128;
}

function sequenceAt(text: string, at: number): number {
  ansi.lastIndex = at;
  return ansi.exec(text)?.[0].length ?? 1;
}

/** A combining mark joins the letter before it where Unicode has one character for both. */
function composed(last: string, form: string): string | undefined {
  const joined = (last + form).normalize('NFC');
  return joined.length === 1 ? joined : undefined;
}
