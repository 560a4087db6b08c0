/** Private keys: PEM in any layout, PuTTY, JWK, and DER in base64. */
import type { Matcher } from '../detector.ts';
import { isIn, runEnd } from '../engine/alphabet.ts';
import { triedOften } from '../engine/view.ts';
import { entropy, isPlaceholder } from './plausible.ts';

const maxLabel = 48;
/** Of a key of 16,384 bits, with line ends escaped twice. */
const maxBody = 16_384;
const label = /[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
/** Where another key begins this one has ended: each piece of a text is the body of one, however many begin. */
const another = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
// Letters of escapes such as \n are letters of base64 too: the body is judged without them.
const layout = /\\+[nrt]|[\s"'+,\\|>]|&#10;|<br ?\/?>|%0[aAdD]/g;

export const pem: Matcher = {
  anchors: ['-----begin '],
  joins: true,
  find({ text }, from, to) {
    label.lastIndex = to;
    if (label.exec(text) === null || label.lastIndex > to + maxLabel + 16) return undefined;
    const start = label.lastIndex;
    const longest = text.slice(start, start + maxBody);
    const next = longest.search(another);
    const stop = start + (next < 0 ? longest.length : next);
    const close = text.slice(start, stop).indexOf('-----END');
    const bodyEnd = close < 0 ? bodyTo(text, start, stop) : start + close;
    const body = text
      .slice(start, bodyEnd)
      .replace(/^(?:\\+n|\s)*(?:[A-Za-z-]+: [^\n\\]*(?:\\+n|\s))*/, '')
      .replace(layout, '');
    const other = body.replace(/[A-Za-z0-9+/=]/g, '').length;
    if (other > body.length * 0.05) return undefined;
    const random = body.match(/[A-Za-z0-9+/=]{40,}/)?.[0] ?? '';
    if (random === '' || entropy(random.slice(0, 256)) < 4 || isPlaceholder(random.slice(24, 64))) return undefined;
    return { class: 'private-key', from, to: close < 0 ? bodyEnd : endOf(text, bodyEnd), confidence: 0.99 };
  },
};

function bodyTo(text: string, start: number, stop: number): number {
  let at = start;
  while (at < stop && (isIn(text.charCodeAt(at), 'B') || ' \r\n\\"\'+,'.includes(text[at] ?? ''))) at++;
  return at;
}

function endOf(text: string, from: number): number {
  const close = text.slice(from + 8, from + 8 + maxLabel + 16).indexOf('-----');
  return close < 0 ? from + 8 : from + 8 + close + 5;
}

export const putty: Matcher = {
  anchors: ['private-lines: '],
  joins: true,
  find(view, from, to) {
    const body = /\d{1,3}(?:\r?\n|\\n)/y;
    body.lastIndex = to;
    if (body.exec(view.text) === null) return undefined;
    const end = bodyTo(view.text, body.lastIndex, Math.min(view.text.length, body.lastIndex + maxBody));
    return end - body.lastIndex < 40 ? undefined : { class: 'private-key', from, to: end, confidence: 0.95 };
  },
};

/** The member `d` of a JSON Web Key (RFC 7518, sections 6.2.2 and 6.3.2), or `k` of a symmetric one. */
export const jwk: Matcher = {
  anchors: ['"kty"', '\\"kty\\"'],
  joins: true,
  find(view, from, to) {
    if (triedOften(view, 'jwk', { to: Math.floor(from / 512), at: from })) return undefined;
    const start = Math.max(0, from - 2_048);
    const around = view.text.slice(start, to + 2_048);
    const member = /\\?"[dk]\\?"\s{0,4}:\s{0,4}\\?"/.exec(around);
    if (member === null) return undefined;
    const value = start + member.index + member[0].length;
    const end = runEnd(view, 'b', value);
    if (end - value < 40 || entropy(view.text.slice(value, value + 256)) < 4) return undefined;
    return { class: 'private-key', from: value, to: end, confidence: 0.95 };
  },
};

/** The first bytes of PKCS #1, PKCS #8 and OpenSSH keys, in base64. */
export const der: Matcher = {
  anchors: [
    'MIIEvQIBADAN',
    'MIIEvAIBADAN',
    'MIIEvgIBADAN',
    'MIIEpAIBAAKC',
    'MIIEowIBAAKC',
    'MIIEogIBAAKC',
    'MIIJQgIBADAN',
    'MIIJKQIBAAKC',
    'MIIJKAIBAAKC',
    'MC4CAQAwBQYDK2Vw',
    'MIGHAgEAMBMGByqG',
    'MHcCAQEEI',
    'b3BlbnNzaC1rZXktdjE',
  ],
  joins: true,
  find(view, from) {
    const end = runEnd(view, 'B', from);
    if (end - from < 60 || entropy(view.text.slice(from, from + 256)) < 4) return undefined;
    return { class: 'private-key', from, to: end, confidence: 0.9 };
  },
};
