/** Telephone numbers: E.164 with a plus, the North American form, and national forms behind a word. */
import type { Hit, Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';
import { cellsBelow } from '../engine/columns.ts';
import { type Cell, charge, nextDigit } from '../engine/view.ts';

/** ITU-T E.164 country codes. */
const codes =
  /^(?:1|7|2[07]|3[0123469]|4[013456789]|5[12345678]|6[0123456]|8[1246]|9[0123458]|21[12368]|2[2345]\d|26\d|29[0179]|35\d|37\d|38[0-35-79]|42[013]|50\d|59\d|67\d|68\d|69[0-2]|85[02356]|88[0-8]|96\d|97\d|99[2-68])/;
const words =
  'phone|mobile|cell|cellphone|fax|whatsapp|telefon|telefono|telefone|telephone|tel:|tel.|tel |tel"|tlf|telf|fone|tél|handy|rufnummer|gsm|celular|cel:|cel.|movil|portable|numero de tel|cellulare|telefoon|puhelin|puh.|τηλ|κινητο|телефон|тел.|тел:|моб.|мобильный|电话|手机|電話|携帯|手機|전화|휴대폰|연락처|핸드폰|फोन|मोबाइल|هاتف|جوال|טלפון|נייד|điện thoại|sđt|nomor hp|no. hp|โทร|contact no|contact number|call me|call us|sms to|reach me|text me|dial |ring |call '.split(
    '|',
  );
/** What stands between such a word and its number. */
const fillers = new Set(
  'number numbers no nr num nummer numero num is at me us on to of the my your our his her their for office home work private direct line main desk contact business personal it s ist est es e le la il el o a der die das meine mein mon ma mi mio meu sa nr tel number: en de da del do du em um em or also under unter sur al au jest to номер мой это раб дом моб 号码 號碼 番号 號 号 번호 number is now back please value type mobile phone primary secondary'.split(
    ' ',
  ),
);
const national = /(?:\(\d{2,5}\)|\d)[\d ()./-]{5,18}\d(?![\w%])/g;
const dateLike =
  /^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})|^\d{1,3}(?:\.\d{1,3}){3}$|^\d+\.\d+$/;
const reach = 40;
/** Of a number that is judged, in characters that are looked at closely. */
const numberChars = 128;

/** Numbers for fiction: 555-0100 to 555-0199; Ofcom's and other drama ranges are not many enough to list. */
function isFiction(digits: string): boolean {
  return (
    /^1?(?:\d{3})?55501\d\d$/.test(digits) ||
    /0123456|1234567|9876543|(\d)\1{6}/.test(digits) ||
    /^1?(?:\d{3})?555(?:1212|1234)$/.test(digits)
  );
}

export const international: Matcher = {
  shapes: ['number'],
  joins: false,
  find({ text }, from, to): Hit | undefined {
    if (text[from] === '(') return american(text, from, to);
    if (
      text[from] !== '+' ||
      isIn(text.charCodeAt(from - 1), 'w') ||
      (/[)\]'"]/.test(text[from - 1] ?? '') && /[)\]]/.test(text[from - 1] ?? ''))
    )
      return undefined;
    const match = /^\+\d(?:[ .()/-]{0,2}\d){7,14}(?![\d\w])/.exec(text.slice(from, to + 1));
    if (match === null) return undefined;
    const digits = match[0].replace(/\D/g, '');
    if (!codes.test(digits) || digits.length < 9 || isFiction(digits)) return undefined;
    const plain = digits.length === match[0].length - 1;
    if (plain && digits.length < 10) return undefined;
    return { class: 'phone', from, to: from + match[0].length, confidence: plain ? 0.8 : 0.9 };
  },
};

function american(text: string, from: number, to: number): Hit | undefined {
  const match = /^\([2-9]\d{2}\)[ -]?[2-9]\d{2}[- .]\d{4}(?!\d)/.exec(text.slice(from, to + 1));
  if (match === null || isFiction(match[0].replace(/\D/g, ''))) return undefined;
  return { class: 'phone', from, to: from + match[0].length, confidence: 0.8 };
}

function areFillers(between: string): boolean {
  const all = between.toLowerCase().match(/\p{L}+/gu) ?? [];
  return all.every((word) => fillers.has(word));
}

function inCell(text: string, { from, to }: Cell): readonly Hit[] {
  const value = text.slice(from, to);
  const digits = value.replace(/\D/g, '');
  const isNumber = /^\+?[\d ()./-]{7,24}$/.test(value) && digits.length >= 7 && digits.length <= 15;
  return isNumber && !dateLike.test(value) && !isFiction(digits) ? [{ class: 'phone', from, to, confidence: 0.8 }] : [];
}

const american10 = /^[2-9]\d{2}([-.])[2-9]\d{2}\1\d{4}$/;
const introduces =
  /(?:\b(?:at|on|is|or|call|ring|dial|text|and|contact|to|via|line|desk|office|home|work|cell|me|us|her|him|ph|p|t|m|f|tel|phone)\b[.:]?|^|[(\n|])\s{0,2}$/i;

/** 415-686-2671: three, three and four digits, where nothing says that they are something else. */
export const northAmerican: Matcher = {
  shapes: ['number'],
  joins: false,
  find({ text }, from, to): Hit | undefined {
    if (to - from !== 12 || !american10.test(text.slice(from, to))) return undefined;
    if (/[\w.-]/.test((text[from - 1] ?? ' ') + (text[to] ?? ' ').replace('.', ' '))) return undefined;
    if (isFiction(text.slice(from, to).replace(/\D/g, ''))) return undefined;
    if (!introduces.test(text.slice(Math.max(0, from - 16), from))) return undefined;
    return { class: 'phone', from, to, confidence: 0.6 };
  },
};

export const afterWord: Matcher = {
  anchors: words,
  joins: false,
  find(view, from, to): Hit | readonly Hit[] | undefined {
    const { text } = view;
    if (/[a-z]/.test(text[from - 1] ?? '') && /[a-z]/.test(text[from] ?? '')) return undefined;
    const cells = cellsBelow(view, from);
    const below = cells.length === 0 ? [] : cells.flatMap((cell) => inCell(text, cell));
    if (below.length > 0) return below;
    if (nextDigit(view, to) >= to + reach) return undefined;
    charge(view, numberChars);
    national.lastIndex = 0;
    const match = national.exec(text.slice(to, to + reach));
    if (match === null || dateLike.test(match[0])) return undefined;
    const digits = match[0].replace(/\D/g, '');
    const before = text.slice(to, to + match.index).replace(/^\./, ' ');
    // Another number, a sentence or another member stands between them.
    if (digits.length < 7 || digits.length > 13 || isFiction(digits) || /[\d\n;{}]|[.!?] |","/.test(before))
      return undefined;
    if (!areFillers(before)) return undefined;
    const separated = digits.length < match[0].length || digits.startsWith('0') || /[:"'=]\s{0,2}["']?$/.test(before);
    if (!separated || /(?:\bid|_id|count|size|width|version|total|time|port)\W{0,3}$/i.test(before)) return undefined;
    const start = to + match.index - (before.endsWith('+') ? 1 : 0);
    return { class: 'phone', from: start, to: to + match.index + match[0].length, confidence: 0.75 };
  },
};
