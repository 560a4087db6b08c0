/** Telephone numbers: E.164 with a plus, the North American form, and national forms behind a word. */
import type { Hit, Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';

/** ITU-T E.164 country codes. */
const codes =
  /^(?:1|7|2[07]|3[0123469]|4[013456789]|5[12345678]|6[0123456]|8[1246]|9[0123458]|21[12368]|2[2345]\d|26\d|29[0179]|35\d|37\d|38[0-35-79]|42[013]|50\d|59\d|67\d|68\d|69[0-2]|85[02356]|88[0-8]|96\d|97\d|99[2-68])/;
const words = [
  'phone',
  'mobile',
  'cell',
  'fax',
  'whatsapp',
  'telefon',
  'telefono',
  'telephone',
  'telefone',
  'tel:',
  'tel.',
  'tel ',
  'tél',
  'handy',
  'rufnummer',
  'celular',
  'móvil',
  'portable',
  'numero de tel',
  'cellulare',
  'telefoon',
  'puhelin',
  'телефон',
  'тел.',
  '电话',
  '手机',
  '電話',
  '携帯',
  '전화',
  '휴대폰',
  'फोन',
  'هاتف',
  'טלפון',
  'call me',
  'sms to',
  'reach me',
];
const national = /(?:\(\d{2,5}\)|\d)[\d ()./-]{5,18}\d(?![\w%])/g;
const dateLike =
  /^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})|^\d{1,3}(?:\.\d{1,3}){3}$|^\d+\.\d+$/;
const reach = 40;

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

export const afterWord: Matcher = {
  anchors: words,
  joins: false,
  find({ text }, from, to): Hit | undefined {
    if (/[a-z]/.test(text[from - 1] ?? '') && /[a-z]/.test(text[from] ?? '')) return undefined;
    national.lastIndex = 0;
    const match = national.exec(text.slice(to, to + reach));
    if (match === null || dateLike.test(match[0])) return undefined;
    const digits = match[0].replace(/\D/g, '');
    const before = text.slice(to, to + match.index);
    // Another number, a sentence or another member stands between them.
    if (digits.length < 7 || digits.length > 13 || isFiction(digits) || /[\d\n;{}]|[.!?] |","/.test(before))
      return undefined;
    const separated = digits.length < match[0].length || digits.startsWith('0') || /[:"'=]\s{0,2}["']?$/.test(before);
    if (!separated || /(?:\bid|_id|count|size|width|version|total|time|port)\W{0,3}$/i.test(before)) return undefined;
    const start = to + match.index - (before.endsWith('+') ? 1 : 0);
    return { class: 'phone', from: start, to: to + match.index + match[0].length, confidence: 0.75 };
  },
};
