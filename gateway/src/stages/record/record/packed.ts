/**
 * A record on its way from the data plane to the writer, as bytes: numbers that say how long everything is, and the texts in
 * UTF-8. Written once by the one side, read in place by the other.
 */

import type { Capture } from '../settings.ts';
import type { Message } from './message.ts';
import { type Members, membersLength } from './public.ts';
import { redacted } from './redact.ts';

/** Memory that holds packed records, one after the other, each at a multiple of four bytes. */
export interface Packing {
  readonly bytes: Buffer;
  /** The same memory. */
  readonly words: Uint32Array;
}

export function packingOf(memory: ArrayBufferLike): Packing {
  return { bytes: Buffer.from(memory as ArrayBuffer), words: new Uint32Array(memory) };
}

/** Words before the texts: of the whole in bytes, number of the record, flags, limit, and the lengths of ten texts. */
const headWords = 14;
const headBytes = 4 * headWords;
const lengthsAt = 4;
/** In place of a record that is too large: it comes in a message of its own. */
const elsewhere = 0xff;
const captures: readonly Capture[] = ['full', 'redacted', 'digest'];

/** UTF-16 code units of all texts of a record. */
export function lengthOf(message: Message): number {
  const { kind, id, tier, method, server, outcome, subject, members, about, args, result } = message;
  const named = kind.length + id.length + tier.length + method.length + server.length + outcome.length + 6;
  return named + subject.length + membersLength(members) + about.length + args.length + result.length;
}

/** Bytes that a record of this length takes at most: no UTF-16 code unit takes more than three. */
export function packedBound(length: number): number {
  return headBytes + 3 * length + 4;
}

/** The same without what is not needed: to clear memory for a record of megabytes takes longer than to count its bytes. */
function packedBytes(message: Message): number {
  const { about, args, result } = message;
  const long = [about, args, result];
  const rest = long.reduce((left, text) => left - text.length, lengthOf(message));
  return long.reduce((bytes, text) => bytes + Buffer.byteLength(text), packedBound(rest));
}

/** The offset of a record in its memory, and its number among those that were handed over. */
export interface Spot {
  readonly at: number;
  readonly number: number;
}

/** Writes a record at an offset, where `packedBound` bytes are free. Returns the offset behind it. */
export function pack(message: Message, { bytes, words }: Packing, { at, number }: Spot): number {
  const { members, about, args, result, capture, limit } = message;
  const word = at >>> 2;
  const name = `${message.kind}\n${message.id}\n${message.tier}\n${message.method}\n${message.server}\n${message.outcome}\n${message.subject}`;
  let end = packNamed(name, members, bytes, words, at);
  end += words[word + lengthsAt + 7] = about === '' ? 0 : bytes.write(about, end);
  end += words[word + lengthsAt + 8] = args === '' ? 0 : bytes.write(args, end);
  end += words[word + lengthsAt + 9] = result === '' ? 0 : bytes.write(result, end);
  words[word + 2] = captures.indexOf(capture);
  words[word + 3] = limit;
  return finish(words, at, end, number);
}

/** Mostly there is nothing but ASCII, so that one write is enough to know all lengths. */
function packNamed(name: string, members: Members, bytes: Buffer, words: Uint32Array, at: number): number {
  const lengths = (at >>> 2) + lengthsAt;
  const [a, b, c, d, e, f] = members;
  const all = name + a + b + c + d + e + f;
  const begin = at + headBytes;
  const written = bytes.write(all, begin);
  const texts = [name, a, b, c, d, e, f];
  let end = begin;
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] ?? '';
    const length = written === all.length ? text.length : bytes.write(text, end);
    words[lengths + index] = length;
    end += length;
  }
  return end;
}

/** Says that the next record comes in a message. Needs `markBytes`. */
export function packMark({ words }: Packing, at: number, number: number): number {
  words[(at >>> 2) + 2] = elsewhere;
  return finish(words, at, at + headBytes, number);
}

export function isMark({ words }: Packing, at: number): boolean {
  return words[(at >>> 2) + 2] === elsewhere;
}

export const markBytes = headBytes + 4;

function aligned(offset: number): number {
  return (offset + 3) & ~3;
}

function finish(words: Uint32Array, at: number, end: number, number: number): number {
  const next = aligned(end);
  words[at >>> 2] = next - at;
  words[(at >>> 2) + 1] = number;
  return next;
}

/** A record in memory of its own, for one that is handed over alone. */
export function packedAlone(message: Message, number: number): Packing {
  const packing = packingOf(new ArrayBuffer((packedBytes(message) + 3) & ~3));
  pack(message, packing, { at: 0, number });
  return packing;
}

/** A record where it was packed. Good for as long as that memory is. */
export interface Packed {
  readonly packing: Packing;
  readonly at: number;
  readonly size: number;
  readonly isElsewhere: boolean;
}

/**
 * The record at an offset. Throws when it is not the one with this number, or not whole within `end`: then memory was
 * damaged, and no record may be made of it.
 */
export function packedAt(packing: Packing, { at, number }: Spot, end = packing.bytes.length): Packed {
  const { bytes, words } = packing;
  const word = at >>> 2;
  const size = words[word] ?? 0;
  if (end > bytes.length || at + headBytes > end || size < headBytes || at + size > end || words[word + 1] !== number)
    throw new Error('what the data plane handed over is damaged');
  const isElsewhere = isMark(packing, at);
  let length = headBytes;
  if (!isElsewhere) for (let index = 0; index < 10; index++) length += words[word + lengthsAt + index] ?? 0;
  if (aligned(length) !== size) throw new Error('what the data plane handed over is damaged');
  return { packing, at, size, isElsewhere };
}

/** A record taken apart. Texts of names and members are UTF-8 with a character for each byte ("latin1"). */
export interface Unpacked {
  readonly kind: string;
  readonly id: string;
  readonly tier: string;
  readonly method: string;
  readonly server: string;
  readonly outcome: string;
  readonly subject: string;
  readonly members: Members;
  readonly about: Buffer;
  readonly args: Buffer;
  readonly result: Buffer;
  /** What of them is kept. */
  readonly kept: { readonly args: Buffer; readonly result: Buffer };
}

const nothing = Buffer.alloc(0);

/** Throws for a text that is not what it must be to be redacted. */
export function unpack({ packing: { bytes, words }, at }: Packed): Unpacked {
  const word = at >>> 2;
  const length = (index: number): number => words[word + lengthsAt + index] ?? 0;
  const begin = at + headBytes;
  let end = begin;
  for (let index = 0; index < 7; index++) end += length(index);
  const texts = bytes.toString('latin1', begin, end);
  let from = length(0);
  const next = (index: number): string => texts.slice(from, (from += length(index)));
  const names = texts.slice(0, from);
  const members: Members = [next(1), next(2), next(3), next(4), next(5), next(6)];
  const part = (index: number): Buffer => bytes.subarray(end, (end += length(index)));
  const about = part(7);
  const args = part(8);
  const result = part(9);
  const capture = captures[words[word + 2] ?? 0] ?? 'digest';
  const limit = words[word + 3] ?? 0;
  const [kind = '', id = '', tier = '', method = '', server = '', outcome = '', ...subject] = names.split('\n');
  return {
    kind,
    id,
    tier,
    method,
    server,
    outcome,
    subject: subject.length === 1 ? (subject[0] ?? '') : subject.join('\n'),
    members,
    about,
    args,
    result,
    kept: { args: kept(args, capture, limit), result: kept(result, capture, limit) },
  };
}

function kept(bytes: Buffer, capture: Capture, limit: number): Buffer {
  if (capture === 'digest' || bytes.length === 0) return nothing;
  if (capture === 'full' && bytes.length <= limit) return bytes;
  const text = bytes.toString('utf8');
  const shown = capture === 'redacted' ? redacted(text) : text;
  if (shown.length > limit)
    return Buffer.from(`${shown.slice(0, limit)}\n[cut after ${limit} of ${shown.length} characters]`);
  return shown === text ? bytes : Buffer.from(shown);
}

/** From a character for each byte to the text that these bytes are. */
export function decoded(byteText: string): string {
  // oxlint-disable-next-line no-control-regex -- what is not ASCII
  return /^[\0-\x7f]*$/.test(byteText) ? byteText : Buffer.from(byteText, 'latin1').toString('utf8');
}
