/** Payment cards: ISO/IEC 7812, with the ranges and lengths of the schemes and the Luhn digit. */
import type { Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';
import { cellsBelow } from '../engine/columns.ts';
import { luhn } from './checks.ts';

const schemes: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^5[1-5]/, [16]],
  [/^2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)/, [16]],
  [/^3[47]/, [15]],
  [/^(?:6011|64[4-9]|65)/, [16, 19]],
  [/^3(?:0[0-5]|[689])/, [14]],
  [/^35(?:2[89]|[3-8])/, [16]],
  [/^62/, [16, 17, 18, 19]],
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [16, 18, 19]],
  [/^220[0-4]/, [16]],
  [/^(?:60|81|82|508)/, [16]],
];
/** Numbers that schemes and payment services print for tests. */
const printed = new Set(
  '4111111111111111 4242424242424242 4000000000000002 4012888888881881 5555555555554444 5105105105105100 378282246310005 371449635398431 6011111111111117 6011000990139424 30569309025904 38520000023237 3530111333300000 3566002020360505 4222222222222 2223003122003222 5200828282828210 4000056655665556 6200000000000005 4444333322221111 5454545454545454 4917610000000000'.split(
    ' ',
  ),
);
const context =
  /card|visa|master|amex|diners|discover|credit|debit|\bpan\b|\bcc\b|payment|\bpay\b|charge|billing|checkout|carte|karte|kaart|karta|kart\b|kort|tarjeta|cartao|cartão|carta\b|paiement|zahlung|\bpago|cvv|cvc|\bexp\b|expir|карт|оплат|卡|支付|付款|カード|카드|بطاقة/i;

export const card: Matcher = {
  shapes: ['number'],
  joins: true,
  find({ text, kind, isSeam }, from, to) {
    if (to - from < 13 || !/\d/.test(text[from] ?? '')) return undefined;
    const { digits, end } = groupsOf(text, from, to);
    if (digits.length < 13 || digits.length > 19 || printed.has(digits)) return undefined;
    const glued = isGlued(text, from, end);
    if (glued && !(isSeam(from) || isSeam(end))) return undefined;
    const scheme = schemes.find(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));
    if (scheme === undefined || !luhn(digits) || /(\d)\1{6}/.test(digits) || new Set(digits).size < 4) return undefined;
    const grouped = end - from > digits.length;
    const near = context.test(text.slice(Math.max(0, from - 60), from)) || context.test(text.slice(end, end + 30));
    // One number in ten has a Luhn digit by chance: without groups it needs a word, or stands alone.
    if (
      !grouped &&
      (near
        ? isIdentifier(text, from) && !named.test(text.slice(Math.max(0, from - 24), from))
        : !isAlone(text, from, end))
    )
      return undefined;
    if (kind === 'joined' && !near && !grouped) return undefined;
    return { class: 'card', from, to: end, confidence: near ? 0.98 : grouped ? 0.9 : 0.7, checksum: 'valid' };
  },
};

/** A name that ends in a number of a card, though numbers mostly count. */
const named = /card|\bpan\b|karte|tarjeta|cartao|carte/i;

/** All of the text but blanks and quotes. */
function isAlone(text: string, from: number, end: number): boolean {
  return end - from === 16 && text.length < 32 && /^[\s"'`]*$/.test(text.slice(0, from) + text.slice(end));
}

const groups = /^(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{13,19})(?!\d)/;

/** Digits in the groups in which cards are printed, else the first run. */
function groupsOf(text: string, from: number, to: number): { digits: string; end: number } {
  const match = groups.exec(text.slice(from, to + 1));
  if (match === null) return { digits: '', end: to };
  return { digits: match[0].replace(/\D/g, ''), end: from + match[0].length };
}

function isGlued(text: string, from: number, end: number): boolean {
  const before = text.charCodeAt(from - 1);
  return (
    isIn(before, 'w') ||
    isIn(text.charCodeAt(end), 'w') ||
    /(?:[.-]|\d,)$/.test(text.slice(Math.max(0, from - 2), from)) ||
    /^[.-]\d/.test(text.slice(end, end + 2))
  );
}

/** A value of a member whose name says that it counts or identifies, or a time in micro- or nanoseconds. */
function isIdentifier(text: string, from: number): boolean {
  return /(?:id|ids|key|no|num|number|ref|order|time|timestamp|ts|seq|hash|offset|size|count|version|serial|tracking|isbn|ean|gtin|imei|sku)["'\])]{0,2}\s{0,2}[:=#]?\s{0,2}["']?$|[/=_#[,]$/i.test(
    text.slice(Math.max(0, from - 24), from),
  );
}

/** Numbers below a heading such as `card` of a table. */
export const cardColumn: Matcher = {
  anchors: ['card', 'pan,', 'pan;', 'pan\t', 'karte', 'tarjeta', 'carte', 'cartao', 'カード', '卡号'],
  joins: false,
  find(view, from) {
    return cellsBelow(view, from).flatMap((cell) => {
      const digits = view.text.slice(cell.from, cell.to).replace(/[ -]/g, '');
      const isCard =
        /^\d{13,19}$/.test(digits) &&
        luhn(digits) &&
        !printed.has(digits) &&
        new Set(digits).size > 3 &&
        schemes.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));
      return isCard ? [{ class: 'card', ...cell, confidence: 0.95, checksum: 'valid' as const }] : [];
    });
  },
};
