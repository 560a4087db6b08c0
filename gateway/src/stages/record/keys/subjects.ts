/**
 * The keys of subjects: one data key for each person, agent or application that records are about, wrapped, in slots of
 * one size in one file. Erasing a subject overwrites its slot; what was encrypted under it is noise from then on.
 *
 * A slot: state (0 free, 1 in use, 2 erased), the name as a keyed hash so that it can be found, the pseudonym that
 * records bear, the time, the wrapped key.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, statSync } from 'node:fs';
import { openSync } from '../../../stores/own-files.ts';
import { readRegularSync } from '../../../stores/regular-file.ts';
import { type Disk, writeAll } from '../log/disk.ts';
import { rangeReader } from '../log/recovery.ts';
import { type HmacKey, hmacKey } from '../record/hmac.ts';
import { unwrapKey, wrapKey } from './key-service.ts';

export interface SubjectKeys {
  readonly slot: number;
  /** What stands for the subject in public parts: random, hex. */
  readonly pseudonym: string;
  readonly createdAt: number;
  /** Of private parts of version 1. */
  readonly encryption: KeyObject;
  /** Of later ones: what encrypts. */
  readonly stream: KeyObject;
  /** Of records of version 1 and 2: what binds private parts to their record, and what commitments are made with. */
  readonly seal: HmacKey;
  readonly commitment: HmacKey;
  /** Of later ones: the same two. */
  readonly sealKey: Buffer;
  readonly commitmentRoot: Buffer;
}

const slotSize = 128;
const inUse = 1;
const erased = 2;
/** Subjects in one log: 128 MiB of slots. Beyond it, new callers share one key. */
export const maxSubjects = 1_048_576;
/** The subject that stands for them. */
export const sharedKey = 'overflow';
/** Its slot is beyond. Slots of damaged ones count as well. */
const maxBytes = (maxSubjects + 1_024) * slotSize;
/** The greatest that a `Date` can be. */
const lastTime = 8.64e15;
/** Opened keys held in memory. */
const maxOpened = 10_000;

const none = [] as const;

interface Slot {
  readonly slot: number;
  readonly lookup: string;
  readonly pseudonym: string;
  readonly createdAt: number;
  readonly wrapped: Buffer;
}

/** A slot that does not open any more. What was encrypted under its key is lost; what comes has another. */
export interface Replaced {
  readonly slot: number;
  readonly pseudonym: string;
}

export class Subjects {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #key: Buffer;
  readonly #lookupKey: Buffer;
  /** Of one subject: the slot in use last, after those that were damaged. */
  readonly #byLookup = new Map<string, readonly Slot[]>();
  readonly #byPseudonym = new Map<string, Slot>();
  readonly #opened = new Map<string, SubjectKeys>();
  readonly #byName = new Map<string, SubjectKeys>();
  #slots = 0;
  #replaced: Replaced[] = [];
  #unsynced = false;

  constructor(path: string, disk: Disk, wrappingKey: Buffer) {
    this.#path = path;
    this.#disk = disk;
    this.#key = wrappingKey;
    this.#lookupKey = derived(wrappingKey, 'sallyport subject lookup');
    this.reload();
  }

  /** Reads what another process may have written. */
  reload(): void {
    this.#byLookup.clear();
    this.#byPseudonym.clear();
    this.#opened.clear();
    this.#byName.clear();
    const read = readRegularSync(this.#path, maxBytes);
    if (!read.ok && read.why !== 'missing') throw new Error(`${this.#path} cannot be read: ${read.problem}`);
    const bytes = read.ok ? read.bytes : Buffer.alloc(0);
    // A slot that is not whole was being written when the process ended: no record uses it.
    this.#slots = Math.floor(bytes.length / slotSize);
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = bytes.subarray(slot * slotSize, (slot + 1) * slotSize);
      if (at[0] !== inUse) continue;
      this.#remember({
        slot,
        lookup: at.toString('hex', 4, 20),
        pseudonym: at.toString('hex', 20, 36),
        createdAt: Math.min(Number(at.readBigUInt64LE(36)), lastTime),
        wrapped: Buffer.from(at.subarray(44, 104)),
      });
    }
  }

  get size(): number {
    return this.#byLookup.size;
  }

  /** `undefined` as well when its slot is damaged. */
  find(subject: string): SubjectKeys | undefined {
    const slot = this.#slotsOf(subject).at(-1);
    return slot === undefined ? undefined : this.#tryOpen(slot);
  }

  /** What stands for a subject in records: the last one in those of now, the others in those before a slot was damaged. */
  pseudonymsOf(subject: string): readonly string[] {
    return this.#slotsOf(subject).map(({ pseudonym }) => pseudonym);
  }

  /** Slots that `get` has replaced since it was asked last. */
  takeReplaced(): readonly Replaced[] {
    if (this.#replaced.length === 0) return none;
    const replaced = this.#replaced;
    this.#replaced = [];
    return replaced;
  }

  #slotsOf(subject: string): readonly Slot[] {
    return this.#byLookup.get(this.#lookup(subject)) ?? none;
  }

  /** `undefined` as well when the slot is damaged: the reader can report it and go on with the others. */
  byPseudonym(pseudonym: string): SubjectKeys | undefined {
    const opened = this.#opened.get(pseudonym);
    if (opened !== undefined) return opened;
    // Another process may have made it since this one read the file.
    if (!this.#byPseudonym.has(pseudonym) && this.#onDisk() > this.#slots) this.reload();
    const slot = this.#byPseudonym.get(pseudonym);
    return slot === undefined ? undefined : this.#tryOpen(slot);
  }

  #onDisk(): number {
    return Math.floor((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) / slotSize);
  }

  /** The keys of a subject, new ones if there are none. `sync` must come before anything encrypted is made durable. */
  get(subject: string, now: number): SubjectKeys {
    const known = this.#byName.get(subject);
    if (known !== undefined) return known;
    const keys = this.find(subject) ?? this.#make(subject, now, this.#slotsOf(subject).at(-1));
    if (this.#byName.size >= maxOpened) this.#byName.clear();
    this.#byName.set(subject, keys);
    return keys;
  }

  /** `damaged`: the slot that it had. It stays where it is, as an erasure must reach it. */
  #make(subject: string, now: number, damaged: Slot | undefined): SubjectKeys {
    if (this.#slots >= maxSubjects && subject !== sharedKey) return this.get(sharedKey, now);
    const pseudonym = randomBytes(16).toString('hex');
    const wrapped = wrapKey(this.#key, randomBytes(32), context(pseudonym));
    const slot: Slot = { slot: this.#slots, lookup: this.#lookup(subject), pseudonym, createdAt: now, wrapped };
    const bytes = Buffer.alloc(slotSize);
    bytes[0] = inUse;
    bytes.set(Buffer.from(slot.lookup, 'hex'), 4);
    bytes.set(Buffer.from(pseudonym, 'hex'), 20);
    bytes.writeBigUInt64LE(BigInt(now), 36);
    bytes.set(wrapped, 44);
    this.#write(slot.slot, bytes);
    this.#slots++;
    this.#unsynced = true;
    this.#remember(slot);
    if (damaged !== undefined) this.#replaced.push({ slot: damaged.slot, pseudonym: damaged.pseudonym });
    const keys = this.#tryOpen(slot);
    if (keys === undefined) throw new Error('a key that was wrapped a moment ago does not open');
    return keys;
  }

  /** Makes new keys durable. Costs nothing when there are none. */
  sync(): void {
    if (!this.#unsynced) return;
    this.#withFile((file) => this.#disk.fdatasyncSync(file));
    this.#unsynced = false;
  }

  /** Overwrites its slot, durably. */
  eraseByPseudonym(pseudonym: string): void {
    const slot = this.#byPseudonym.get(pseudonym);
    if (slot !== undefined) this.#eraseSlot(slot);
  }

  #eraseSlot(slot: Slot): void {
    const bytes = randomBytes(slotSize);
    bytes[0] = erased;
    this.#write(slot.slot, bytes);
    this.#withFile((file) => this.#disk.fsyncSync(file));
    const opened = this.#opened.get(slot.pseudonym);
    if (opened !== undefined) forgetKeys(opened);
    this.#opened.delete(slot.pseudonym);
    this.#byName.clear();
    const others = (this.#byLookup.get(slot.lookup) ?? none).filter((each) => each !== slot);
    if (others.length === 0) this.#byLookup.delete(slot.lookup);
    else this.#byLookup.set(slot.lookup, others);
    this.#byPseudonym.delete(slot.pseudonym);
  }

  #lookup(subject: string): string {
    return createHmac('sha256', this.#lookupKey).update(subject).digest('hex').slice(0, 32);
  }

  #remember(slot: Slot): void {
    this.#byLookup.set(slot.lookup, [...(this.#byLookup.get(slot.lookup) ?? none), slot]);
    this.#byPseudonym.set(slot.pseudonym, slot);
  }

  #tryOpen(slot: Slot): SubjectKeys | undefined {
    const known = this.#opened.get(slot.pseudonym);
    if (known !== undefined) return known;
    const key = unwrapKey(this.#key, slot.wrapped, context(slot.pseudonym));
    if (key === undefined) return undefined;
    const keys = {
      slot: slot.slot,
      pseudonym: slot.pseudonym,
      createdAt: slot.createdAt,
      encryption: createSecretKey(derived(key, 'sallyport private part')),
      stream: createSecretKey(derived(key, 'sallyport private part v2')),
      seal: hmacKey(derived(key, 'sallyport private part v2 seal')),
      commitment: hmacKey(derived(key, 'sallyport commitment')),
      sealKey: derived(key, 'sallyport private part v3 seal'),
      commitmentRoot: derived(key, 'sallyport commitment v3'),
    };
    if (this.#opened.size >= maxOpened) this.#opened.clear();
    this.#opened.set(slot.pseudonym, keys);
    return keys;
  }

  #write(slot: number, bytes: Buffer): void {
    this.#withFile((file) => writeAll(this.#disk, bytes, { file, position: slot * slotSize }));
  }

  #withFile(work: (file: number) => void): void {
    const file = this.#disk.openSync(this.#path, existsSync(this.#path) ? 'r+' : 'w+', 0o600);
    try {
      work(file);
    } finally {
      this.#disk.closeSync(file);
    }
  }
}

/** What is elsewhere in memory of a key that is erased. */
function forgetKeys({ commitment, seal, sealKey, commitmentRoot }: SubjectKeys): void {
  for (const bytes of [commitment.inner, commitment.outer, seal.inner, seal.outer, sealKey, commitmentRoot])
    bytes.fill(0);
}

/** Reads one slot again from the disk, to show that it is gone. */
export function isErased(path: string, slot: number): boolean {
  const file = openSync(path, 'r');
  try {
    return slot * slotSize < fstatSync(file).size && rangeReader(file)(slot * slotSize, 1)[0] === erased;
  } finally {
    closeSync(file);
  }
}

function derived(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', purpose, 32));
}

function context(pseudonym: string): string {
  return `subject ${pseudonym}`;
}
