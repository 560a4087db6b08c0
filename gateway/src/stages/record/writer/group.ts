/**
 * The group of records that is made durable next: built from what was handed over and from what the log itself has to say.
 * What could not be written stays as it is, and is tried again.
 */
import type { Subjects } from '../keys/subjects.ts';
import { groupRecords, type Stored } from '../log/segment.ts';
import { type Message, type NoteHead, noteMessage, unknownOutcome } from '../record/message.ts';
import { decoded, type Packed, packedAlone, packedAt, type Unpacked, unpack } from '../record/packed.ts';
import { unknownSubject } from '../record/subject.ts';
import { ScratchBuffer } from '../scratch-buffer.ts';
import { type OpenIntent, OpenIntents } from './open-intents.ts';
import { isServed, type OpenState } from './replay.ts';
import { store } from './store.ts';

/** What a group may hold before it is written. */
const groupTarget = 16 * 1024 * 1024;
/** Intents without an outcome; beyond it the oldest is given up. */
const maxOpen = 100_000;
/** A step back of the clock that is smoothed over instead of being recorded. */
const smallStep = 1_000;

/** Where records come from. */
export interface RecordSource {
  readonly isWaiting: boolean;
  /** The next record, which stays the next one until `take`. Throws when it is damaged. */
  peek(): Packed | undefined;
  take(): void;
}

interface GroupOptions {
  readonly origin: string;
  readonly subjects: Subjects;
  readonly now: () => number;
  /** Records that are durable. */
  readonly size: () => number;
  readonly onTrouble: (problem: string) => void;
}

type Continued = Pick<OpenState, 'intents' | 'written' | 'kind' | 'served'>;

export class Group {
  readonly #options: GroupOptions;
  readonly #open: OpenIntents;
  #records: readonly Stored[] = [];
  #fresh: Stored[] = [];
  /** How many of them were handed over by a source. */
  #messages = 0;
  readonly #buffer = new ScratchBuffer();
  #written: number;
  #kind: string;
  #served: number;

  constructor(options: GroupOptions, { intents, written, kind, served }: Continued) {
    this.#options = options;
    this.#open = new OpenIntents(intents);
    this.#written = written;
    this.#kind = kind;
    this.#served = served;
  }

  get length(): number {
    return this.#records.length + this.#fresh.length;
  }

  /** The index that the next record will have. */
  get next(): number {
    return this.#options.size() + this.length;
  }

  /** The time that the last record bears. */
  get written(): number {
    return this.#written;
  }

  get served(): number {
    return this.#served;
  }

  get kind(): string {
    return this.#kind;
  }

  get openIntents(): number {
    return this.#open.size;
  }

  /** What goes to the disk now. The log's own records can be more than one write may hold. */
  take(): readonly Stored[] {
    this.#records = this.#records.length === 0 ? this.#fresh : [...this.#records, ...this.#fresh];
    this.#fresh = [];
    return this.#records.length <= groupRecords ? this.#records : this.#records.slice(0, groupRecords);
  }

  /** They are durable. Returns how many records of a source are with them. */
  isDurable(records: readonly Stored[]): number {
    this.#records = this.#records.slice(records.length);
    if (this.length > 0) return 0;
    const done = this.#messages;
    this.#messages = 0;
    return done;
  }

  /** What was built before is needed no more. */
  clear(): void {
    if (this.length === 0) this.#buffer.clear();
  }

  /** Takes what there is, as much as a group may hold. */
  build(source: RecordSource): void {
    this.step();
    let bytes = 0;
    while (this.length < groupRecords - 2 && bytes <= groupTarget) {
      const packed = source.peek();
      if (packed === undefined) return;
      const stored = this.#attempt(packed);
      source.take();
      this.#messages++;
      bytes += stored.entry.length + stored.sealed.length;
    }
  }

  /** A message of which no record can be made is a bug. It must not hold up the others, nor vanish. */
  #attempt(packed: Packed): Stored {
    let record: Unpacked;
    try {
      record = unpack(packed);
    } catch (error) {
      const detail = { records: 1, problem: error instanceof Error ? error.message : String(error) };
      return this.#own(noteMessage({ kind: 'lost', at: this.#written, detail }));
    }
    return this.#add(record);
  }

  /** Adds a record of the log's own. Returns its index. */
  note(note: NoteHead): number {
    this.step();
    this.#own(noteMessage(note));
    return this.next - 1;
  }

  /** Gives every open intent the outcome `unknown`. */
  giveUp(): void {
    for (let oldest = this.#open.shift(); oldest !== undefined; oldest = this.#open.shift()) {
      this.step();
      this.#giveUpOne(...oldest);
    }
  }

  #giveUpOne(id: string, intent: OpenIntent): void {
    this.#own(unknownOutcome({ id, ...intent }, this.#written), intent);
  }

  /** An erased subject: what its calls lead to is not kept. */
  forget(subject: string): void {
    this.#open.forget(subject);
  }

  openState(): Continued {
    return {
      // Files beside the log hold no names, so intents that are still open then lose their subject.
      intents: [...this.#open].map(([id, intent]) => [id, { ...intent, subject: unknownSubject }]),
      written: this.#written,
      kind: this.#kind,
      served: this.#served,
    };
  }

  /** The time that records of this moment bear. Going back is a record of its own. */
  step(): void {
    const now = this.#options.now();
    if (now >= this.#written) this.#written = now;
    else if (this.#written - now > smallStep) {
      const from = this.#written;
      this.#written = now;
      this.#own(noteMessage({ kind: 'clock', at: now, detail: { from, to: now } }));
    }
  }

  #own(message: Message, intent?: OpenIntent): Stored {
    const packing = packedAlone(message, 0);
    return this.#add(unpack(packedAt(packing, { at: 0, number: 0 })), intent);
  }

  #add(record: Unpacked, given?: OpenIntent): Stored {
    const { origin, subjects, onTrouble } = this.#options;
    const { kind, id, outcome } = record;
    const isOutcome = kind === 'outcome';
    const intent = isOutcome ? (given ?? this.#open.get(id)) : undefined;
    const subject = isOutcome ? (intent?.subject ?? unknownSubject) : decoded(record.subject);
    const seq = this.next;
    const keys = subjects.get(subject, this.#written);
    const stored = store(record, { seq, origin, written: this.#written, keys, intent }, this.#buffer);
    this.#fresh.push(stored);
    for (const { slot, pseudonym } of subjects.takeReplaced()) {
      // One damaged slot costs what was encrypted under it, and nothing that comes.
      this.#own(noteMessage({ kind: 'subject-key-replaced', at: this.#written, detail: { subject: pseudonym, slot } }));
      onTrouble(`slot ${slot} of the keys of subjects was damaged: what it had encrypted can be read no more`);
    }
    this.#kind = kind;
    if (isServed(kind, outcome)) this.#served = this.#written;
    if (isOutcome) this.#open.delete(id);
    else if (kind === 'intent') this.#remember(seq, subject, record);
    return stored;
  }

  #remember(seq: number, subject: string, { id, server, method, tier }: Unpacked): void {
    this.#open.add(id, {
      seq,
      subject,
      server: server === '' ? undefined : decoded(server),
      method: decoded(method),
      tier: tier === '' ? undefined : (tier as NonNullable<OpenIntent['tier']>),
    });
    const oldest = this.#open.size > maxOpen ? this.#open.shift() : undefined;
    if (oldest !== undefined) this.#giveUpOne(...oldest);
  }
}
