/**
 * Segments: files that only grow, holding records in the groups in which they were made durable, public and private
 * part of each. What is in a segment is what happened; tiles and bundles are made from it and can be made again.
 *
 * A group is `SPG1`, the length of its body, the number of its records, the index of the first one, CRC-32 of all that,
 * and the body: public part and private part of each record, each with its length before it.
 */
import { crc32 } from 'node:zlib';
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

const magic = 0x53504731;
const headerSize = 28;
/** Bounds of one group. The writer ends a group before it would pass them; a reader believes nothing above. */
export const groupRecords = 8_192;
export const groupBytes = 64 * 1024 * 1024;

/** The bytes of a group, good for as long as the room they are in. */
export function encodeGroup(first: number, records: readonly Stored[], buffer?: ScratchBuffer): Buffer {
  let length = 0;
  for (const { entry, sealed } of records) length += 8 + entry.length + sealed.length;
  const bytes = buffer?.take(headerSize + length) ?? Buffer.allocUnsafe(headerSize + length);
  let at = headerSize;
  for (const { entry, sealed } of records) {
    at = bytes.writeUInt32LE(entry.length, at);
    bytes.set(entry, at);
    at = bytes.writeUInt32LE(sealed.length, at + entry.length);
    bytes.set(sealed, at);
    at += sealed.length;
  }
  bytes.writeUInt32BE(magic, 0);
  bytes.writeUInt32LE(length, 4);
  bytes.writeUInt32LE(records.length, 8);
  bytes.writeBigUInt64LE(BigInt(first), 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(headerSize)), 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 24)), 24);
  return bytes;
}

/** What is at an offset: a group, nothing more or zeros that wait for one, or bytes that no finished write left there. */
export type Next = Group | 'end' | 'torn';

/** Reads exactly this range, or less where the file ends. */
export type ReadRange = (offset: number, length: number) => Buffer;

export function readGroup(read: ReadRange, offset: number): Next {
  const header = read(offset, headerSize);
  if (header.every((byte) => byte === 0)) return 'end';
  if (header.length < headerSize || header.readUInt32BE(0) !== magic) return 'torn';
  if (header.readUInt32LE(24) !== crc32(header.subarray(0, 24))) return 'torn';
  const length = header.readUInt32LE(4);
  const count = header.readUInt32LE(8);
  if (length > groupBytes + 16 * 1024 * 1024 || count > groupRecords) return 'torn';
  const body = read(offset + headerSize, length);
  if (body.length < length || crc32(body) !== header.readUInt32LE(20)) return 'torn';
  const records: Stored[] = [];
  let at = 0;
  while (at < length) {
    const entry = partAt(body, at);
    const sealed = partAt(body, at + 4 + entry.length);
    at += 8 + entry.length + sealed.length;
    records.push({ entry, sealed });
  }
  return records.length === count
    ? { first: Number(header.readBigUInt64LE(12)), records, end: offset + headerSize + length }
    : 'torn';
}

function partAt(body: Buffer, at: number): Buffer {
  return body.subarray(at + 4, at + 4 + body.readUInt32LE(at));
}

/** Segments are named by the index of their first record. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.seg`;
}

export function segmentFirst(name: string): number | undefined {
  const [, digits] = /^(\d{16})\.seg$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
