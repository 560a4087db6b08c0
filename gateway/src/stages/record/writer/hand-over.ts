/**
 * How records get from the data plane to the writer: as bytes in shared memory, in two halves that take turns. While the
 * writer has one, the other one fills. A half changes hands as a whole, by one word that is written after it and wakes the
 * writer, so that no record is ever seen before it is complete. What is durable is answered by another word.
 */
import type { Message } from '../record/message.ts';
import {
  isMark,
  lengthOf,
  markBytes,
  type Packed,
  type Packing,
  pack,
  packedAlone,
  packedAt,
  packedBound,
  packingOf,
  packMark,
} from '../record/packed.ts';
import type { RecordSource } from './group.ts';

/** Bytes of each half. Memory that no record has reached costs nothing. */
const halfBytes = 4 * 1024 * 1024;
/** Before the records of a half: where they end, and how many they are. */
const halfHead = 8;

/** Words of the state. */
const handedAt = 0;
const durableAt = 1;

export interface SharedRecords {
  readonly state: SharedArrayBuffer;
  readonly halves: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

export function sharedRecords(): SharedRecords {
  return {
    state: new SharedArrayBuffer(8),
    halves: [new SharedArrayBuffer(halfBytes), new SharedArrayBuffer(halfBytes)],
  };
}

/** A record that fits in no half, by itself. It is posted before the half that marks its place is handed over. */
export type Posted = ArrayBuffer;

/** The side of the data plane. */
export class HandingOver {
  readonly #state: Int32Array;
  readonly #halves;
  readonly #post: (record: Posted) => void;
  /** The half that fills, how far it is filled, and with how many records. */
  #half = 0;
  #end = halfHead;
  #count = 0;
  #bytes = 0;
  #number = 0;
  /** What did not fit. It goes first when there is room. */
  #rest: Message[] = [];
  #answered = 0;

  constructor({ state, halves }: SharedRecords, post: (record: Posted) => void) {
    this.#state = new Int32Array(state);
    this.#halves = halves.map(packingOf);
    this.#post = post;
  }

  /** Records that have not been handed over. */
  get waiting(): number {
    return this.#count + this.#rest.length;
  }

  /** Returns its length, which is what it counts for. */
  put(message: Message): number {
    const length = lengthOf(message);
    if (this.#rest.length > 0 || !this.#pack(message, length)) this.#rest.push(message);
    return length;
  }

  #pack(message: Message, length: number): boolean {
    const bound = packedBound(length);
    const packing = this.#halves[this.#half];
    if (packing === undefined) return false;
    const isLarge = bound > halfBytes - halfHead;
    if (this.#end + (isLarge ? markBytes : bound) > halfBytes) return false;
    if (isLarge) {
      this.#post(packedAlone(message, this.#number).bytes.buffer as ArrayBuffer);
      this.#end = packMark(packing, this.#end, this.#number);
    } else this.#end = pack(message, packing, { at: this.#end, number: this.#number });
    this.#number = (this.#number + 1) >>> 0;
    this.#bytes += length;
    this.#count++;
    return true;
  }

  /** Hands over what has been put. The writer must have answered for all that it was given before. */
  hand(): { readonly records: number; readonly bytes: number } {
    const handed = { records: this.#count, bytes: this.#bytes };
    if (handed.records === 0) return handed;
    this.#giveHalf();
    const rest = this.#rest;
    this.#rest = [];
    for (const message of rest) this.put(message);
    return handed;
  }

  #giveHalf(): void {
    const words = this.#halves[this.#half]?.words;
    if (words === undefined) return;
    words[0] = this.#end;
    words[1] = this.#count;
    this.#half = 1 - this.#half;
    this.#end = halfHead;
    this.#count = 0;
    this.#bytes = 0;
    Atomics.add(this.#state, handedAt, 1);
    Atomics.notify(this.#state, handedAt);
  }

  /** Hands over the half that fills, whatever the writer has, and returns the records that did not fit. Nothing follows. */
  handLast(): readonly Posted[] {
    if (this.#count > 0) this.#giveHalf();
    return this.#rest.map((message) => packedAlone(message, 0).bytes.buffer as ArrayBuffer);
  }

  /** How many more records are durable than when it was asked last. */
  answered(): number {
    const now = Atomics.load(this.#state, durableAt);
    const records = (now - this.#answered) | 0;
    this.#answered = now;
    return records;
  }

  /** Resolves when there are more. */
  async answer(): Promise<void> {
    const change = Atomics.waitAsync(this.#state, durableAt, this.#answered);
    if (change.async) await change.value;
  }
}

/** The side of the writer. */
export class HandedOver implements RecordSource {
  readonly #state: Int32Array;
  readonly #halves;
  readonly #receive: () => void;
  /** Halves that were taken up, and where the reading of the last one stands. */
  #taken = 0;
  #half: Packing | undefined;
  #at = 0;
  #left = 0;
  #number = 0;
  #seen = 0;
  /** Records that came by themselves. */
  readonly #posted: Posted[] = [];

  /** `receive` calls `posted` with each record that came by itself. */
  constructor({ state, halves }: SharedRecords, receive: () => void) {
    this.#state = new Int32Array(state);
    this.#halves = halves.map(packingOf);
    this.#receive = receive;
  }

  get isWaiting(): boolean {
    return this.#left > 0 || Atomics.load(this.#state, handedAt) !== this.#taken;
  }

  posted(record: Posted): void {
    this.#posted.push(record);
  }

  /** Good until everything that was handed over with it is durable. */
  peek(): Packed | undefined {
    const half = this.#left === 0 ? this.#takeUp() : this.#half;
    if (half === undefined) return undefined;
    const packed = packedAt(half, { at: this.#at, number: this.#number }, half.words[0] ?? 0);
    if (!packed.isElsewhere) return packed;
    if (this.#posted.length === 0) this.#receive();
    const [posted] = this.#posted;
    if (posted === undefined) throw new Error('a record that was announced did not come');
    return packedAt(packingOf(posted), { at: 0, number: this.#number });
  }

  #takeUp(): Packing | undefined {
    if (Atomics.load(this.#state, handedAt) === this.#taken) return undefined;
    this.#half = this.#halves[this.#taken & 1];
    this.#taken = (this.#taken + 1) | 0;
    this.#at = halfHead;
    this.#left = this.#half?.words[1] ?? 0;
    return this.#half;
  }

  take(): void {
    if (this.#half === undefined || this.#left === 0) return;
    if (isMark(this.#half, this.#at)) this.#posted.shift();
    this.#at += this.#half.words[this.#at >>> 2] ?? 0;
    this.#left--;
    this.#number = (this.#number + 1) >>> 0;
  }

  /** So many more records are durable. */
  answer(records: number): void {
    Atomics.add(this.#state, durableAt, records);
    Atomics.notify(this.#state, durableAt);
  }

  /** Resolves when more has been handed over than when it resolved last. */
  async change(): Promise<void> {
    const change = Atomics.waitAsync(this.#state, handedAt, this.#seen);
    if (change.async) await change.value;
    this.#seen = Atomics.load(this.#state, handedAt);
  }
}
