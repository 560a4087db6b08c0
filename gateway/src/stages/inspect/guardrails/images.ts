/**
 * Words that pictures carry beside what they show: comments, descriptions, EXIF and XMP of PNG, JPEG, WebP and GIF. Only the heads of
 * their pieces are decoded, and those pieces that hold words.
 */
import { inflateSync } from 'node:zlib';

export interface ImageTexts {
  readonly texts: readonly string[];
  /** Some of the words could not be read. */
  readonly isPartial: boolean;
  /** The same picture without any of them, in base64. */
  readonly stripped: () => string;
}

/** Pieces of one picture, bytes of words in it, and characters that one piece may hold packed. */
const maxPieces = 20_000;
const maxTextBytes = 262_144;
const maxInflated = 262_144;

interface Piece {
  /** Bytes, with head and checksum. */
  readonly from: number;
  readonly to: number;
  /** Bytes of what it holds, and how that is written; absent for what holds no words. */
  readonly words?: { readonly from: number; readonly to: number; readonly kind: Kind };
}

type Kind = 'text' | 'packed' | 'international' | 'binary' | 'blocks';

/** Base64 of which any piece can be read alone. */
class Bytes {
  readonly #text: string;
  readonly length: number;

  constructor(text: string) {
    this.#text = text;
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    this.length = Math.floor((text.length * 3) / 4) - padding;
  }

  slice(from: number, to: number): Buffer {
    const first = Math.floor(from / 3);
    const last = Math.ceil(Math.min(to, this.length) / 3);
    const bytes = Buffer.from(this.#text.slice(first * 4, last * 4), 'base64');
    return bytes.subarray(from - first * 3, Math.max(from - first * 3, Math.min(to, this.length) - first * 3));
  }
}

/** `undefined` for what is no picture of these formats. */
export function imageTexts(value: string): ImageTexts | undefined {
  const format = formats.find(({ begins }) => value.startsWith(begins));
  if (format === undefined) return undefined;
  const bytes = new Bytes(/\s/.test(value.slice(0, 200)) ? value.replace(/\s+/g, '') : value);
  const pieces: Piece[] = [];
  let isPartial = false;
  for (const piece of format.pieces(bytes)) {
    pieces.push(piece);
    if (pieces.length < maxPieces) continue;
    isPartial = true;
    break;
  }
  const texts: string[] = [];
  let left = maxTextBytes;
  for (const { words } of pieces) {
    if (words === undefined) continue;
    const size = words.to - words.from;
    const read = size > left ? undefined : wordsIn(bytes.slice(words.from, words.to), words.kind);
    left -= size;
    if (read === undefined) isPartial = true;
    else texts.push(...read);
  }
  return { texts, isPartial, stripped: () => format.without(bytes, pieces) };
}

/** `undefined` where it cannot be unpacked within the bounds. */
function wordsIn(bytes: Buffer, kind: Kind): readonly string[] | undefined {
  switch (kind) {
    case 'text':
      return [bytes.toString('latin1'), bytes.toString('utf8')].filter((text, at, all) => all.indexOf(text) === at);
    case 'packed':
      return unpacked(bytes, bytes.indexOf(0) + 2);
    case 'international': {
      const keyword = bytes.indexOf(0);
      if (keyword < 0) return [bytes.toString('utf8')];
      if (bytes[keyword + 1] === 0) return [bytes.toString('utf8')];
      const language = bytes.indexOf(0, keyword + 3);
      const translated = language < 0 ? -1 : bytes.indexOf(0, language + 1);
      return translated < 0 ? undefined : unpacked(bytes, translated + 1);
    }
    case 'binary':
      return printed(bytes);
    case 'blocks':
      return [joined(bytes), ...printed(bytes)];
  }
}

function unpacked(bytes: Buffer, from: number): readonly string[] | undefined {
  try {
    const words = inflateSync(bytes.subarray(from), { maxOutputLength: maxInflated }).toString('utf8');
    return [bytes.subarray(0, Math.max(0, from)).toString('latin1'), words];
  } catch {
    // Damaged, or larger than any words of a picture.
    return undefined;
  }
}

/** Runs of printed characters, of one byte each, or of two. */
function printed(bytes: Buffer): readonly string[] {
  const plain = bytes.toString('utf8').match(/[\x20-\x7e\u00a0-\ufffc]{6,}/g) ?? [];
  const wide = bytes.toString('utf16le').match(/[\x20-\x7e]{6,}/g) ?? [];
  const shifted =
    bytes
      .subarray(1)
      .toString('utf16le')
      .match(/[\x20-\x7e]{6,}/g) ?? [];
  return [...plain, ...wide, ...shifted];
}

/** What blocks of GIF hold together, each behind its length. */
function joined(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at] ?? 0;
    if (size === 0) break;
    parts.push(bytes.subarray(at + 1, at + 1 + size));
    at += 1 + size;
  }
  return Buffer.concat(parts).toString('utf8');
}

const pngWords: Readonly<Record<string, Kind>> = {
  tEXt: 'text',
  zTXt: 'packed',
  iTXt: 'international',
  eXIf: 'binary',
};

function* pngPieces(bytes: Bytes): Generator<Piece> {
  for (let at = 8; at + 8 <= bytes.length; ) {
    const head = bytes.slice(at, at + 8);
    const size = head.readUInt32BE(0);
    const kind = pngWords[head.toString('latin1', 4)];
    const to = at + 12 + size;
    yield { from: at, to, ...(kind !== undefined && { words: { from: at + 8, to: at + 8 + size, kind } }) };
    at = to;
  }
}

/** Up to the picture itself: what comes behind its head is data. */
function* jpegPieces(bytes: Bytes): Generator<Piece> {
  for (let at = 2; at + 4 <= bytes.length; ) {
    const head = bytes.slice(at, at + 4);
    const marker = head[1] ?? 0;
    if (head[0] !== 0xff || marker === 0xda || marker === 0xd9) return;
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const to = at + 2 + head.readUInt16BE(2);
    const isWords = marker === 0xfe || marker === 0xe1 || marker === 0xed;
    const kind = marker === 0xfe ? ('text' as const) : ('binary' as const);
    yield { from: at, to, ...(isWords && { words: { from: at + 4, to, kind } }) };
    at = to;
  }
}

function* webpPieces(bytes: Bytes): Generator<Piece> {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const head = bytes.slice(at, at + 8);
    const size = head.readUInt32LE(4);
    const name = head.toString('latin1', 0, 4);
    const to = at + 8 + size + (size % 2);
    const isWords = name === 'EXIF' || name === 'XMP ';
    yield { from: at, to, ...(isWords && { words: { from: at + 8, to: at + 8 + size, kind: 'binary' as const } }) };
    at = to;
  }
}

/** Extensions with words: plain text, comments, and those of programs, of which XMP is one. */
const gifWords: ReadonlySet<number> = new Set([0x01, 0xfe, 0xff]);
/** Blocks of data in one piece: they are many, and small. */
const blocksOfPiece = 256;
const gifWindow = 4_096;

function* gifPieces(bytes: Bytes): Generator<Piece> {
  let window = { from: 0, bytes: bytes.slice(0, gifWindow) };
  const byteAt = (at: number): number => {
    if (at < window.from || at >= window.from + window.bytes.length)
      window = { from: at, bytes: bytes.slice(at, at + gifWindow) };
    return window.bytes[at - window.from] ?? 0;
  };
  const tableAfter = (at: number): number => ((byteAt(at) & 0x80) === 0 ? 0 : 3 * 2 ** ((byteAt(at) & 7) + 1));
  /** Behind the blocks that begin at `from`; at most so many of them. */
  const behind = (from: number, most: number): { readonly at: number; readonly isEnd: boolean } => {
    let at = from;
    for (let count = 0; at < bytes.length && count < most; count++) {
      const size = byteAt(at);
      at += 1 + size;
      if (size === 0) return { at, isEnd: true };
    }
    return { at, isEnd: at >= bytes.length };
  };
  for (let at = 13 + tableAfter(10); at < bytes.length; ) {
    const sign = byteAt(at);
    if (sign === 0x21) {
      const isWords = gifWords.has(byteAt(at + 1));
      const end = behind(at + 2, Number.POSITIVE_INFINITY);
      const to = Math.min(end.at, bytes.length);
      yield { from: at, to, ...(isWords && { words: { from: at + 2, to, kind: 'blocks' as const } }) };
      at = end.at;
    } else if (sign === 0x2c) {
      let end = { at: at + 11 + tableAfter(at + 9), isEnd: false };
      while (!end.isEnd) {
        end = behind(end.at, blocksOfPiece);
        yield { from: at, to: end.at };
        at = end.at;
      }
    } else return;
  }
}

/** All bytes but those of pieces with words. */
function without(bytes: Bytes, pieces: readonly Piece[]): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  for (const { from, to, words } of pieces) {
    if (words === undefined) continue;
    kept.push(bytes.slice(at, from));
    at = to;
  }
  kept.push(bytes.slice(at, bytes.length));
  return Buffer.concat(kept);
}

function riffWithout(bytes: Bytes, pieces: readonly Piece[]): string {
  const left = without(bytes, pieces);
  if (left.length >= 8) left.writeUInt32LE(left.length - 8, 4);
  return left.toString('base64');
}

const plainWithout = (bytes: Bytes, pieces: readonly Piece[]): string => without(bytes, pieces).toString('base64');

interface Format {
  /** How its base64 begins. */
  readonly begins: string;
  readonly pieces: (bytes: Bytes) => Generator<Piece>;
  readonly without: (bytes: Bytes, pieces: readonly Piece[]) => string;
}

const formats: readonly Format[] = [
  { begins: 'iVBORw0KGgo', pieces: pngPieces, without: plainWithout },
  { begins: '/9j/', pieces: jpegPieces, without: plainWithout },
  { begins: 'UklGR', pieces: webpPieces, without: riffWithout },
  { begins: 'R0lGOD', pieces: gifPieces, without: plainWithout },
];
