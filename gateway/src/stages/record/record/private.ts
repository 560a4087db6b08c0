/**
 * The private part of a record: three texts, encrypted under the key of its subject. Each text has a commitment in the
 * public part under a key of its own, so that one can be shown without showing the others.
 *
 * Version 3 (docs/decisions/0017): AES-256-CTR, then SHA-256 under another key (encrypt-then-MAC). One keystream of a subject serves many records, each of which says where its bytes stand in it. Read and no longer written:
 * version 2 (docs/decisions/0014), with HMAC-SHA-256, and version 1, AES-256-GCM.
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  type Decipheriv,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type ByteText, sha256Base64, sha256Text, together } from '../hash.ts';
import type { SubjectKeys } from '../keys/subjects.ts';
import type { ScratchBuffer } from '../scratch-buffer.ts';
import { hmacText } from './hmac.ts';

/** `about`: who, from where, and what only the operator may know. */
export const partNames = ['about', 'arguments', 'result'] as const;
export type PartName = (typeof partNames)[number];
export type PrivateParts = Readonly<Record<PartName, string>>;

/** Before the ciphertext: how the texts are written, the nonce of the keystream, and the place in it (big-endian). */
const nonceSize = 12;
const headSize = 1 + nonceSize + 4;
const tagSize = 16;
const blockSize = 16;
const asItIs = 0;
const zstd = 1;
const brotli = 2;

/** Texts shorter than this are not compressed: it saves less than it costs. */
const minCompressed = 1_024;
/** Shorter ones than this by Brotli, whose compressor is made in a third of the time; longer ones by Zstandard. */
const minZstd = 16_384;
/** Of texts that are compressed, and of what is decompressed, in bytes. */
const maxPlain = 64 * 1024 * 1024;
/** Bytes of one keystream; then another nonce begins another one. */
const maxStream = 2 ** 30;

/** The key of one commitment of one record: 32 bytes. Showing it reveals nothing about any other. */
export function commitmentKey(keys: SubjectKeys, { seq, version }: Numbered, part: PartName): ByteText {
  // What is hashed has one form, which no extension of another has, so that one hash does what takes an HMAC elsewhere.
  return version >= 3
    ? sha256Text(together(keys.commitmentRoot, `${part} ${seq}`))
    : hmacText(keys.commitment, `${part} ${seq}`);
}

/** What the public part of a record of version 3 says of a text, by its `commitmentKey`: base64url. */
export function commitment(key: ByteText, text: Uint8Array): string {
  return sha256Base64(together(key, text));
}

/** A keystream of a subject. Its bytes are used once, in their order. */
interface Stream {
  readonly cipher: Cipheriv;
  readonly nonce: Buffer;
  used: number;
}

/** Goes with the keys: an erased subject leaves none behind. */
const streams = new WeakMap<SubjectKeys, Stream>();

function streamFor(keys: SubjectKeys, length: number): Stream {
  const open = streams.get(keys);
  if (open !== undefined && open.used + length <= maxStream) return open;
  const nonce = randomBytes(nonceSize);
  const stream: Stream = { cipher: createCipheriv('aes-256-ctr', keys.stream, counter(nonce, 0)), nonce, used: 0 };
  streams.set(keys, stream);
  return stream;
}

/** The block of the keystream in which a place is. */
function counter(nonce: Uint8Array, place: number): Buffer {
  const block = Buffer.alloc(blockSize);
  block.set(nonce);
  block.writeUInt32BE(Math.floor(place / blockSize), nonceSize);
  return block;
}

interface Where {
  readonly origin: string;
  readonly seq: number;
}

interface Numbered {
  readonly seq: number;
  /** Of the record. */
  readonly version: number;
}

/** Binds a private part to its record. What is hashed begins with its length, so that none is the beginning of another. */
function tagOf({ sealKey }: SubjectKeys, { origin, seq }: Where, sealed: Uint8Array): ByteText {
  const place = `sallyport private part v3\n${origin}\n${seq}\n${sealed.length}\n`;
  return sha256Text(together(sealKey, place, sealed)).slice(0, tagSize);
}

/** The same in version 2. */
function tagOfSecond({ inner, outer }: SubjectKeys['seal'], { origin, seq }: Where, sealed: Uint8Array): ByteText {
  const place = `sallyport private part v2\n${origin}\n${seq}\n`;
  return sha256Text(together(outer, sha256Text(together(inner, place, sealed)))).slice(0, tagSize);
}

/** Where the record stands in which log, and what the bytes are made in. */
export interface Sealing {
  readonly where: Where;
  readonly buffer: ScratchBuffer;
}

/** The parts, encrypted: head, ciphertext, tag. Good for as long as the room. */
export function sealParts(parts: readonly Uint8Array[], keys: SubjectKeys, { where, buffer }: Sealing): Buffer {
  const whole = joined(parts, buffer);
  const form = formFor(whole.length);
  const small = form === asItIs ? whole : compressed(whole, form);
  const packed = small.length < whole.length ? small : whole;
  const stream = streamFor(keys, packed.length);
  const sealed = buffer.take(headSize + packed.length + tagSize);
  sealed[0] = packed === whole ? asItIs : form;
  sealed.set(stream.nonce, 1);
  sealed.writeUInt32BE(stream.used, 1 + nonceSize);
  sealed.set(stream.cipher.update(packed), headSize);
  stream.used += packed.length;
  const end = headSize + packed.length;
  sealed.write(tagOf(keys, where, sealed.subarray(0, end)), end, 'latin1');
  return sealed;
}

function joined(parts: readonly Uint8Array[], buffer: ScratchBuffer): Buffer {
  let length = 0;
  for (const part of parts) length += 4 + part.length;
  const whole = buffer.take(length);
  let at = 0;
  for (const part of parts) {
    at = whole.writeUInt32LE(part.length, at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

type Form = typeof asItIs | typeof zstd | typeof brotli;

function formFor(length: number): Form {
  if (length < minCompressed || length > maxPlain) return asItIs;
  return length < minZstd ? brotli : zstd;
}

const quickBrotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 14 } };
const quickZstd = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** A frame of its own for each record: what one text is like must not show in the length of another subject's. */
function compressed(whole: Buffer, form: typeof zstd | typeof brotli): Buffer {
  return form === zstd ? zstdCompressSync(whole, quickZstd) : brotliCompressSync(whole, quickBrotli);
}

interface Versioned extends Where, Numbered {}

/** `undefined` when these bytes are not what was sealed for this record under this key. `version`: of the record. */
export function openParts(
  keys: SubjectKeys,
  { version, ...where }: Versioned,
  sealed: Buffer,
): PrivateParts | undefined {
  const plain = openBytes(keys, { version, ...where }, sealed);
  if (plain === undefined) return undefined;
  const texts: string[] = [];
  for (let at = 0; at < plain.length; ) {
    const end = at + 4 + plain.readUInt32LE(at);
    texts.push(plain.toString('utf8', at + 4, end));
    at = end;
  }
  const [about = '', args = '', result = ''] = texts;
  return { about, arguments: args, result };
}

/** The first of the parts, for a reader that needs no other. */
export function openAbout(keys: SubjectKeys, where: Versioned, sealed: Buffer): string | undefined {
  const plain = openBytes(keys, where, sealed);
  return plain === undefined || plain.length < 4
    ? plain?.toString()
    : plain.toString('utf8', 4, 4 + plain.readUInt32LE(0));
}

function openBytes(keys: SubjectKeys, where: Versioned, sealed: Buffer): Buffer | undefined {
  return where.version === 1 ? openFirst(keys, where, sealed) : openSealed(keys, where, sealed);
}

/** A keystream that is read: mostly the next record goes on where the one before it ended, or soon after. */
interface Reading {
  readonly decipher: Decipheriv;
  readonly nonce: string;
  place: number;
}

const readings = new WeakMap<SubjectKeys, Reading>();
/** Bytes of the keystream that are passed over before it is begun anew. */
const skipped = Buffer.alloc(4_096);

function readingAt(keys: SubjectKeys, nonce: Buffer, place: number): Decipheriv {
  const name = nonce.toString('latin1');
  const open = readings.get(keys);
  const ahead = open === undefined || open.nonce !== name ? -1 : place - open.place;
  if (open !== undefined && ahead >= 0 && ahead <= skipped.length) {
    if (ahead > 0) open.decipher.update(skipped.subarray(0, ahead));
    open.place = place;
    return open.decipher;
  }
  const decipher = createDecipheriv('aes-256-ctr', keys.stream, counter(nonce, place));
  decipher.update(skipped.subarray(0, place % blockSize));
  readings.set(keys, { decipher, nonce: name, place });
  return decipher;
}

function openSealed(keys: SubjectKeys, where: Versioned, sealed: Buffer): Buffer | undefined {
  const end = sealed.length - tagSize;
  if (end < headSize) return undefined;
  const body = sealed.subarray(0, end);
  const tag = where.version === 2 ? tagOfSecond(keys.seal, where, body) : tagOf(keys, where, body);
  if (!timingSafeEqual(Buffer.from(tag, 'latin1'), sealed.subarray(end))) return undefined;
  const place = sealed.readUInt32BE(1 + nonceSize);
  const packed = readingAt(keys, sealed.subarray(1, 1 + nonceSize), place).update(sealed.subarray(headSize, end));
  const reading = readings.get(keys);
  if (reading !== undefined) reading.place += packed.length;
  return decompressed(packed, sealed[0]);
}

function decompressed(packed: Buffer, form: number | undefined): Buffer | undefined {
  if (form === asItIs) return packed;
  try {
    if (form === zstd) return zstdDecompressSync(packed, { maxOutputLength: maxPlain });
    return form === brotli ? brotliDecompressSync(packed, { maxOutputLength: maxPlain }) : undefined;
  } catch {
    // Nothing that was sealed here is like that.
    return undefined;
  }
}

function openFirst(keys: SubjectKeys, { origin, seq }: Where, sealed: Buffer): Buffer | undefined {
  if (sealed.length < nonceSize + tagSize) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.encryption, sealed.subarray(0, nonceSize));
    const place = `sallyport private part v1\n${origin}\n${seq}\n`;
    decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(sealed.length - tagSize));
    return Buffer.concat([decipher.update(sealed.subarray(nonceSize, sealed.length - tagSize)), decipher.final()]);
  } catch {
    return undefined;
  }
}
