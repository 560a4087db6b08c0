/**
 * Segments: files that only grow, holding records in the groups in which they were made durable, public and private
 * part of each. What is in a segment is what happened; tiles and bundles are made from it and can be made again.
 *
 * A group is its kind, the length of its body, the number of its records, the index of the first one, CRC-32 of the body and
 * of all that, and the body: in `SPG1` public part and private part of each record, each with its length before it; in
 * `SPG2` the public parts together, as one Brotli stream with the lengths of both forms before it, and then the private parts
 * (docs/decisions/0017).
 */
import { brotliCompressSync, brotliDecompressSync, constants, crc32 } from 'node:zlib';
import type { ScratchBuffer } from '../scratch-buffer.ts';

export interface Stored {
  /** The canonical public part: the entry of the log. */
  readonly entry: Buffer;
  /** The sealed private part; empty when there is none. */
  readonly sealed: Buffer;
}

export interface Group {
  readonly first: number;
  readonly records: readonly Stored[];
  /** Offset in the file at which the group ends. */
  readonly end: number;
}

const plainMagic = 0x53504731;
const packedMagic = 0x53504732;
const headerSize = 28;
/** Bounds of one group. The writer ends a group before it would pass them; a reader believes nothing above. */
export const groupRecords = 8_192;
export const groupBytes = 64 * 1024 * 1024;
/** Of one public part, with its length: an entry of the log has 16 bits for its own. */
const entryBytes = 4 + 65_535;
/** Public parts shorter than this together are not compressed: that saves less than it costs. In bytes. */
const minPacked = 4 * 1024;
const packing = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 1,
    [constants.BROTLI_PARAM_LGWIN]: 18,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  },
};

/** The bytes of a group, good for as long as the room they are in. */
export function encodeGroup(first: number, records: readonly Stored[], buffer?: ScratchBuffer): Buffer {
  const take = (size: number): Buffer => buffer?.take(size) ?? Buffer.allocUnsafe(size);
  const publicLength = records.reduce((sum, { entry }) => sum + 4 + entry.length, 0);
  const packed = publicLength < minPacked ? undefined : packedEntries(records, take(publicLength));
  const length = records.reduce(
    (sum, { entry, sealed }) => sum + 4 + sealed.length + (packed === undefined ? 4 + entry.length : 0),
    packed === undefined ? 0 : 8 + packed.length,
  );
  const bytes = take(headerSize + length);
  let at = headerSize;
  if (packed !== undefined) {
    at = bytes.writeUInt32LE(publicLength, at);
    at = bytes.writeUInt32LE(packed.length, at);
    bytes.set(packed, at);
    at += packed.length;
  }
  for (const { entry, sealed } of records) {
    if (packed === undefined) at = writePart(bytes, entry, at);
    at = writePart(bytes, sealed, at);
  }
  bytes.writeUInt32BE(packed === undefined ? plainMagic : packedMagic, 0);
  bytes.writeUInt32LE(length, 4);
  bytes.writeUInt32LE(records.length, 8);
  bytes.writeBigUInt64LE(BigInt(first), 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(headerSize)), 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

/** `undefined` when that is no gain. `room`: for all of them as they are. */
function packedEntries(records: readonly Stored[], room: Buffer): Buffer | undefined {
  let at = 0;
  for (const { entry } of records) at = writePart(room, entry, at);
  const packed = brotliCompressSync(room, packing);
  return packed.length + 8 < room.length ? packed : undefined;
}

function writePart(bytes: Buffer, part: Buffer, at: number): number {
  const begin = bytes.writeUInt32LE(part.length, at);
  bytes.set(part, begin);
  return begin + part.length;
}

/** What is at an offset: a group, nothing more or zeros that wait for one, or bytes that no finished write left there. */
export type Next = Group | 'end' | 'torn';

/** Reads exactly this range, or less where the file ends. */
export type ReadRange = (offset: number, length: number) => Buffer;

/** `sealed`: public parts are not needed, and stay empty where they would have to be decompressed. */
export function readGroup(read: ReadRange, offset: number, wanted: 'whole' | 'sealed' = 'whole'): Next {
  const header = read(offset, headerSize);
  if (header.every((byte) => byte === 0)) return 'end';
  if (header.length < headerSize) return 'torn';
  const magic = header.readUInt32BE(0);
  if (magic !== plainMagic && magic !== packedMagic) return 'torn';
  if (header.readUInt32LE(24) !== crc32(header.subarray(0, 24))) return 'torn';
  const length = header.readUInt32LE(4);
  const count = header.readUInt32LE(8);
  if (length > groupBytes + 16 * 1024 * 1024 || count > groupRecords) return 'torn';
  const body = read(offset + headerSize, length);
  if (body.length < length || crc32(body) !== header.readUInt32LE(20)) return 'torn';
  const records = magic === plainMagic ? plainRecords(body, count) : packedRecords(body, count, wanted);
  return records !== undefined
    ? { first: Number(header.readBigUInt64LE(12)), records, end: offset + headerSize + length }
    : 'torn';
}

function plainRecords(body: Buffer, count: number): Stored[] | undefined {
  const parts = partsOf(body, 2 * count);
  return parts && Array.from({ length: count }, (_, at) => storedOf(parts[2 * at], parts[2 * at + 1]));
}

const storedOf = (entry: Buffer = nothing, sealed: Buffer = nothing): Stored => ({ entry, sealed });

function packedRecords(body: Buffer, count: number, wanted: 'whole' | 'sealed'): Stored[] | undefined {
  if (body.length < 8) return undefined;
  const end = 8 + body.readUInt32LE(4);
  const sealed = partsOf(body.subarray(end), count);
  if (sealed === undefined) return undefined;
  if (wanted === 'sealed') return sealed.map((each) => storedOf(nothing, each));
  const length = body.readUInt32LE(0);
  const whole = length > count * entryBytes ? undefined : unpacked(body.subarray(8, end), length);
  const entries = whole && partsOf(whole, count);
  return entries && sealed.map((each, index) => storedOf(entries[index], each));
}

function unpacked(bytes: Buffer, length: number): Buffer | undefined {
  if (length > groupBytes) return undefined;
  try {
    const whole = brotliDecompressSync(bytes, { maxOutputLength: length });
    return whole.length === length ? whole : undefined;
  } catch {
    // No group was ever written like that.
    return undefined;
  }
}

const nothing = Buffer.alloc(0);

/** Exactly so many parts, each behind its length; `undefined` where the bytes are others than that. */
function partsOf(bytes: Buffer, count: number): Buffer[] | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  while (parts.length < count) {
    const end = at + 4 > bytes.length ? Number.POSITIVE_INFINITY : at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return at === bytes.length ? parts : undefined;
}

/** Segments are named by the index of their first record. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.seg`;
}

export function segmentFirst(name: string): number | undefined {
  const [, digits] = /^(\d{16})\.seg$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
