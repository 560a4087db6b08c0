/** What `data:` URIs hold (RFC 2397): text in any of its charsets, and the words of pictures. */
import { imageTexts } from '../../guardrails/images.ts';
import { isIn } from './alphabet.ts';
import { textIn } from './encoded.ts';

export interface DataUri {
  /** Of what is encoded: cut out, it leaves the head of the URI. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** Words of a picture that could not be read. */
  readonly isPartial: boolean;
}

// Without a flag for case, so that most of a text is skipped; each part has a bound.
const heads = /[dD][aA][tT][aA]:[ ]?([\w.+-]{1,80}\/[\w.+-]{1,80}[ ]?)?((?:;[^,;"<>\r\n]{0,80}){0,8}),/g;
/** UTF-16 code units of one URI. */
const maxPayload = 4_194_304;
/** Nothing is that short. */
const minBytes = 6;

interface Head {
  readonly media: string;
  readonly parameters: readonly string[];
}

export function dataUris(text: string): readonly DataUri[] {
  const all: DataUri[] = [];
  const percentFrom = percentReader(text);
  heads.lastIndex = 0;
  for (let match = heads.exec(text); match !== null; match = heads.exec(text)) {
    const from = heads.lastIndex;
    const [, media = '', parameters = ''] = match;
    const head: Head = {
      media: media.trim().toLowerCase(),
      parameters: parameters.split(';').map((each) => each.trim().toLowerCase()),
    };
    const payload = head.parameters.includes('base64') ? base64From(text, from) : percentFrom(from);
    if (payload === undefined || payload.bytes.length < minBytes) continue;
    const read = wordsOf(payload, head);
    if (read !== undefined) all.push({ from, to: payload.to, ...read });
    heads.lastIndex = payload.to;
  }
  return all;
}

type Decoder = InstanceType<typeof TextDecoder>;

interface Payload {
  readonly to: number;
  readonly bytes: Buffer;
}

function wordsOf({ bytes }: Payload, { media, parameters }: Head): Pick<DataUri, 'text' | 'isPartial'> | undefined {
  const picture = imageTexts(bytes.toString('base64'));
  if (picture !== undefined) return { text: picture.texts.join('\n'), isPartial: picture.isPartial };
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length);
  const wide = wideOf(bytes);
  const named = charset === undefined ? wide : decoderOf(charset.replace(/^["']|["']$/g, ''));
  const text = named?.decode(bytes) ?? (textual.test(media) ? bytes.toString('utf8') : textIn(bytes));
  return text === undefined || text === '' ? undefined : { text, isPartial: false };
}

const textual = /^$|^text\/|[/+](?:json|xml|yaml|javascript|ecmascript|csv|markdown|x-www-form-urlencoded)$/;

/** UTF-16 by its mark, or by the zeros of Latin text. */
function wideOf(bytes: Buffer): Decoder | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return decoderOf('utf-16le');
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? decoderOf('utf-16be') : undefined;
}

function decoderOf(charset: string): Decoder | undefined {
  try {
    return new TextDecoder(charset);
  } catch {
    // A name that no browser knows either: the bytes are read as UTF-8.
    return undefined;
  }
}

/** The signs of base64 and base64url, also as percent escapes. Ends before anything else. */
function runFrom(text: string, from: number, most: number): number {
  let at = from;
  while (at < most) {
    const code = text.charCodeAt(at);
    if (code === percent && escapedSign.test(text.slice(at + 1, at + 3))) at += 3;
    else if (isIn(code, 'B') || isIn(code, 'b')) at++;
    else break;
  }
  return Math.min(at, text.length);
}

const percent = 37;
const escapedSign = /^(?:2[bdf]|3d|5f)$/i;
const gap = /(?:\s|\\[nrt]|%(?:0[9ad]|20)){1,64}/iy;

/** Browsers leave blanks out of base64: the next run belongs to it where it is encoded text as well. */
function base64From(text: string, from: number): Payload | undefined {
  const most = Math.min(text.length, from + maxPayload);
  let to = runFrom(text, from, most);
  if (to === from) return undefined;
  const pieces = [decodeURIComponent(text.slice(from, to))];
  // What does not fill a group of four yet.
  let open = openIn(pieces[0] ?? '');
  while (to < most) {
    gap.lastIndex = to;
    if (!gap.test(text)) break;
    const start = gap.lastIndex;
    const end = runFrom(text, start, most);
    const next = decodeURIComponent(text.slice(start, end));
    if (end === start || !continues(open, next)) break;
    pieces.push(next);
    open = openIn(open + next);
    to = end;
  }
  return { to, bytes: Buffer.from(pieces.join(''), 'base64') };
}

const openIn = (run: string): string => run.slice(run.length - (run.length % 4));

/** Words of a sentence are base64 too: they stand for bytes that no text has, and follow a group that is full. */
function continues(open: string, next: string): boolean {
  if (/^={1,2}$/.test(next)) return open !== '';
  const bytes = Buffer.from(open + next, 'base64');
  let plain = 0;
  for (const byte of bytes) if (byte === 0 || (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13)) plain++;
  return plain >= bytes.length * 0.9 || (next.length >= 24 && textIn(bytes) !== undefined);
}

/**
 * Of what is not base64, only where something is escaped: all else is read as it stands. Asked at offsets that grow; heads
 * that nest in each other have one end, which is looked for once.
 */
function percentReader(text: string): (from: number) => Payload | undefined {
  let end = -1;
  let escape = -1;
  return (from) => {
    if (end < from) {
      ends.lastIndex = from;
      end = ends.exec(text)?.index ?? text.length;
    }
    if (escape < from) escape = text.indexOf('%', from);
    if (escape < 0) escape = text.length;
    if (escape >= end) return undefined;
    const to = Math.min(end, from + maxPayload);
    return { to, bytes: unescapedBytes(Buffer.from(text.slice(from, to))) };
  };
}

const ends = /[\s"`<>)\]}|\\^]/g;

function unescapedBytes(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const high = digitOf(bytes[at + 1]);
    const low = digitOf(bytes[at + 2]);
    const isEscape = bytes[at] === percent && high >= 0 && low >= 0;
    out[length++] = isEscape ? 16 * high + low : (bytes[at] ?? 0);
    if (isEscape) at += 2;
  }
  return out.subarray(0, length);
}

/** Of a hexadecimal digit; -1 for what is none. */
function digitOf(code = 0): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
