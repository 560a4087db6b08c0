/** Links and images that carry data out, in their query, path, fragment or host. */
import type { Hit, Matcher } from '../detector.ts';
import { triedTwice, type View } from '../engine/view.ts';
import { entropy } from '../secrets/plausible.ts';

const anchors = [
  '](http',
  '](//',
  '](<http',
  '<img',
  ']: http',
  ']:http',
  'src="http',
  "src='http",
  'href="http',
  'url(http',
  "url('http",
  'url("http',
  '![',
  'srcset="http',
  'background="http',
  'poster="http',
  'data-src="http',
];
const maxUrl = 2_048;
/** How far from its anchor a URL may begin, in the same line. */
const reach = 300;
const address = /(?:https?:)?\/\/(?:\[[A-Za-z_ ]{3,40}\]|<[A-Za-z_ ]{3,40}>|[^\s)>"'\]]){4,2048}/gi;
const chunk = 2_048;
/** Of a link beside its URL, in characters that are looked at closely. */
const linkChars = 32;
const slots =
  /\{\{?\s?[\w. -]{2,40}\}?\}|\$\{[\w.]{2,40}\}|<[A-Za-z_ ]{3,40}>|\[[A-Z_ ]{4,40}\]|%7B[\w%]{2,60}%7D|\b(?:YOUR|USER|SECRET|CONVERSATION|CHAT|DATA|API)_[A-Z_]{2,30}\b|INSERT[_+-]|\*\*\w+\*\*/;
const telling =
  /^(?:\w{1,20}[_-])?(?:data|d|q|payload|content|info|c|msg|message|text|log|s|secret|leak|exfil|x|p|body|h|history|chat|conversation|prompt|context|summary|output|result|creds?|env|key|b64|base64|dump|notes?|v|value|u|user|m|t|z|e)$/i;
const carriers = /[?&#;]([\w.-]{1,40})=([^&#\s]{1,1600})/g;

export const exfiltrationLinks: Matcher = {
  anchors,
  joins: true,
  isClose: true,
  find(view, from, to): Hit | undefined {
    const { text } = view;
    const place = addressFrom(view, from);
    if (place === undefined || place.at > from + reach || text.slice(from, place.at).includes('\n')) return undefined;
    const url = text.slice(place.at, place.end);
    if (triedTwice(view, 'link', { at: from, size: 64, chars: linkChars + url.length })) return undefined;
    const isImage =
      text[from] === '!' ||
      text[from - 1] === '!' ||
      /^(?:<img|src|url|background|poster|data-src)/i.test(text.slice(from, to)) ||
      /!\[[^\]\n]{0,200}$/.test(text.slice(Math.max(0, from - 200), from + 1));
    const confidence = weigh(url, isImage);
    return confidence === 0
      ? undefined
      : { class: isImage ? 'exfiltration-image' : 'exfiltration-link', from: place.at, to: place.end, confidence };
  },
};

/** The first URL that begins at an offset or after it: anchors that crowd before one have it looked for once. */
function addressFrom(view: View, from: number): { readonly at: number; readonly end: number } | undefined {
  const known = view.places.get('link');
  if (known !== undefined && from >= known.from && from <= known.at && (known.end > 0 || from + reach <= known.to))
    return known.end > 0 ? known : undefined;
  // URLs that nest in each other are as long as they are together.
  const isNested = known !== undefined && from > known.at && from < known.end;
  if (isNested && triedTwice(view, 'nested link', { at: from, size: 512 })) return undefined;
  const to = from + chunk;
  address.lastIndex = 0;
  const match = address.exec(view.text.slice(from, to + maxUrl));
  const found = match !== null && match.index < chunk ? match : undefined;
  const at = found === undefined ? to : from + found.index;
  const place = { from, to, at, end: found === undefined ? 0 : at + found[0].length };
  view.places.set('link', place);
  return found === undefined ? undefined : place;
}

function weigh(url: string, isImage: boolean): number {
  const host = /^(?:https?:)?\/\/([^/?#]{1,255})/i.exec(url)?.[1] ?? '';
  const rest = url.slice(url.indexOf(host) + host.length);
  if (
    host
      .split('.')
      .some(
        (label) =>
          label.length >= 30 && entropy(label) >= 3.3 && /\d/.test(label) && !/^[a-z]+(?:-[a-z0-9]+){2,}$/i.test(label),
      )
  )
    return 0.7;
  for (const [, name = '', value = ''] of rest.matchAll(carriers)) {
    if (slots.test(value) && (isImage || telling.test(name))) return isImage ? 0.85 : 0.6;
    if (carriesText(value)) return 0.85;
    if (isImage && telling.test(name) && value.length >= 32 && entropy(value) >= 3.6) return 0.7;
    if (
      isImage &&
      telling.test(name) &&
      /(?:\+|%20|%0A)\S*(?:\+|%20|%0A)\S*(?:\+|%20|%0A)/i.test(value) &&
      value.length >= 40
    )
      return 0.6;
  }
  return rest.split(/[/?#]/).some((piece) => piece.length >= 28 && carriesText(piece)) ? 0.75 : 0;
}

const encoded = /^[A-Za-z0-9+/_-]{24,}={0,2}$/;

/** Base64 or hexadecimal digits that are readable text. */
function carriesText(value: string): boolean {
  const plain = value.replaceAll('%3D', '=').replaceAll('%2B', '+').replaceAll('%2F', '/');
  if (!encoded.test(plain)) return false;
  const isHex = /^[0-9a-f]+$/i.test(plain);
  const text = Buffer.from(plain, isHex ? 'hex' : 'base64').toString('latin1');
  // Words with spaces or members, not the internals of an identifier.
  return (
    // oxlint-disable-next-line no-control-regex -- text has line ends
    /^[\x09\x0a\x0d\x20-\x7e]+$/.test(text) &&
    /[A-Za-z]{2,}/.test(text) &&
    /[\s:="{,@]/.test(text) &&
    !/^\w+:\w+$/.test(text)
  );
}
