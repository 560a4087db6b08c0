/**
 * The writer: takes messages in their order, makes records of them, and makes those durable in groups. Knows nothing of
 * threads; its owner calls `commit` when there is something to write, and again when that has failed.
 */
import type { KeyObject } from 'node:crypto';
import { signerOf } from '../keys/signing-key.ts';
import type { Subjects } from '../keys/subjects.ts';
import type { Disk } from '../log/disk.ts';
import { LogFiles } from '../log/log-files.ts';
import type { NoteSigner } from '../log/note.ts';
import { groupRecords, type Stored } from '../log/segment.ts';
import { doneBeside, doneNow, type Steps } from '../log/steps.ts';
import {
  type CaptureRule,
  type Draft,
  draftOf,
  type OpenIntent,
  unknownOutcome,
  unknownSubject,
} from '../record/build.ts';
import { type Message, type NoteHead, noteMessage } from '../record/message.ts';
import type { Dropped } from '../retention/dropped.ts';
import { Room } from '../room.ts';
import { type CaptureSettings, captureOf } from '../settings.ts';
import { OpenIntents } from './open-intents.ts';
import {
  intentOf,
  isServed,
  type KeyRecord,
  type OpenState,
  Replay,
  type Replayed,
  type RetentionState,
} from './replay.ts';
import { rotation } from './rotation.ts';
import { store } from './store.ts';

export interface WriterOptions {
  readonly folder: string;
  readonly disk: Disk;
  readonly origin: string;
  readonly subjects: Subjects;
  readonly signingKey: KeyObject;
  readonly capture: CaptureSettings;
  readonly now: () => number;
}

/** What a group may hold before it is written. */
const groupTarget = 16 * 1024 * 1024;
/** Intents without an outcome; beyond it the oldest is given up. */
const maxOpen = 100_000;
/** What the records about keys may be long together, in characters of JSON: some 150 of them. */
const maxKeysLength = 60_000;
/** A step back of the clock that is smoothed over instead of being recorded. */
const smallStep = 1_000;

export class Writer {
  readonly #log: LogFiles;
  readonly #origin: string;
  readonly #subjects: Subjects;
  readonly #now: () => number;
  readonly #open: OpenIntents;
  /** Told of accepted messages that are durable, whatever caused the commit. */
  onDone: (messages: number) => void = () => {};
  /** Told of what fails beside the writing of records. */
  onTrouble: (problem: string) => void = () => {};
  #signer: NoteSigner;
  #capture: CaptureSettings;
  #queue: Message[] = [];
  /** Built, and not durable yet. A group that could not be written stays here, as it is. */
  #group: Stored[] = [];
  /** Of the records in the group. */
  readonly #room = new Room();
  #groupMessages = 0;
  /** What must follow once a record is durable, whichever commit makes it so. */
  #following: { readonly seq: number; readonly act: () => void } | undefined;
  #written: number;
  #lastKind: string;
  #served: number;
  #keys: readonly KeyRecord[];
  #retention: RetentionState;

  constructor({ folder, disk, origin, subjects, signingKey, capture, now }: WriterOptions) {
    this.#origin = origin;
    this.#subjects = subjects;
    this.#now = now;
    this.#capture = capture;
    this.#signer = signerOf(origin, signingKey);
    const replay = new Replay();
    this.#log = new LogFiles({
      folder,
      disk,
      origin,
      onTrouble: (problem) => this.onTrouble(problem),
      onReplay: (seq, entry) => {
        const erased = replay.read(seq, entry);
        // The process may have ended between the tombstone and the key.
        if (erased !== undefined) subjects.eraseByPseudonym(erased);
      },
    });
    const before = this.#log.readOpen() as OpenState | undefined;
    const { intents, written, kind, served, keys, retention } = replay.continued(before);
    this.#open = new OpenIntents(intents);
    this.#written = written;
    this.#lastKind = kind;
    this.#served = served;
    this.#keys = keys;
    this.#retention = retention;
    this.#begin(before?.closedAt === this.#log.size);
  }

  get size(): number {
    return this.#log.size;
  }

  get published(): number {
    return this.#log.published;
  }

  get signer(): NoteSigner {
    return this.#signer;
  }

  get lastWritten(): number {
    return this.#written;
  }

  /** When a gateway wrote last, in milliseconds since the epoch; 0: never. */
  get served(): number {
    return this.#served;
  }

  /** Is there something that `commit` would write? */
  get busy(): boolean {
    return this.#queue.length > 0 || this.#group.length > 0 || this.#due;
  }

  configure(capture: CaptureSettings): void {
    this.#capture = capture;
  }

  accept(messages: readonly Message[]): void {
    for (const message of messages) this.#queue.push(message);
  }

  /** Writes one group. Returns how many accepted messages it held. Throws when the disk does; then call it again. */
  commit(): number {
    this.#follow();
    if (this.#group.length === 0) this.#build();
    if (this.#group.length === 0) return 0;
    this.#subjects.sync();
    // The log's own records, such as outcomes of what is given up, can be more than a group may hold.
    const rest = this.#group.slice(groupRecords);
    this.#log.append(rest.length === 0 ? this.#group : this.#group.slice(0, groupRecords));
    const done = rest.length === 0 ? this.#groupMessages : 0;
    if (done > 0) this.onDone(done);
    // No caller waits for the rest.
    this.#log.integrate();
    this.#group = rest;
    if (rest.length === 0) {
      this.#groupMessages = 0;
      this.#room.clear();
    }
    return done;
  }

  /** A checkpoint over everything durable, with the tiles that belong to it. `undefined`: nothing new. */
  publish(): string | undefined {
    return doneNow(this.#publishing());
  }

  /** The same beside this thread, which may go on to take messages and to commit. */
  async publishBeside(): Promise<void> {
    await doneBeside(this.#publishing());
  }

  *#publishing(): Steps<string | undefined> {
    const note = yield* this.#log.publishing(this.#signer, this.#now());
    // What the next opening relies on must be durable itself.
    if (this.#group.length === 0) this.#log.settle(() => this.#openState());
    return note;
  }

  /** Adds a record of the log's own. It becomes durable with the next `commit`. Returns its index. */
  note(note: NoteHead): number {
    this.#step();
    this.#add(draftOf(noteMessage(note), () => undefined, this.#rule()));
    return this.#log.size + this.#group.length - 1;
  }

  /** The same, with what it says: should the disk fail now, it is done when it works again, before anything else. */
  #noteAndDo(note: NoteHead, act: () => void): number {
    const seq = this.note(note);
    this.#following = { seq, act };
    this.drain();
    return seq;
  }

  get #due(): boolean {
    return this.#following !== undefined && this.#following.seq < this.#log.size;
  }

  #follow(): void {
    if (!this.#due) return;
    this.#following?.act();
    this.#following = undefined;
  }

  /** Makes everything durable that has been accepted. */
  drain(): number {
    let done = 0;
    while (this.busy) done += this.commit();
    return done;
  }

  /** Erases a subject: first a tombstone that is durable, then the key. Returns what the certificate says. */
  erase(subject: string): { readonly seq: number; readonly pseudonym: string } | undefined {
    // Also what is about it and waits.
    this.drain();
    let last: { readonly seq: number; readonly pseudonym: string } | undefined;
    for (const pseudonym of this.#subjects.pseudonymsOf(subject)) {
      const note: NoteHead = { kind: 'erasure', at: this.#now(), detail: { subject: pseudonym } };
      const seq = this.#noteAndDo(note, () => {
        this.#subjects.eraseByPseudonym(pseudonym);
        this.#open.forget(subject);
      });
      last = { seq, pseudonym };
    }
    return last;
  }

  /** From here on the log is signed with another key. The record of it is signed by both. `taken`: it has begun. */
  rotate(key: KeyObject, taken: () => void = () => {}): string {
    const next = signerOf(this.#origin, key);
    this.drain();
    this.publish();
    // The record of a clock that went back goes before it; both keys sign where it stands.
    this.#step();
    const seq = this.#log.size + this.#group.length;
    const detail = rotation(this.#origin, seq, this.#signer, next);
    this.#noteAndDo({ kind: 'log-key', at: this.#written, detail }, () => {
      this.#signer = next;
      this.#keys = [...this.#keys, { ...detail, seq }];
      taken();
    });
    this.publish();
    return next.verifierKey;
  }

  /** Records whose tiles are durable. */
  get settled(): number {
    return this.#log.settled;
  }

  get retention(): RetentionState {
    return this.#retention;
  }

  /** Makes as many records as can be ready for retention, which touches nothing that is needed to open the log. */
  async settle(): Promise<void> {
    this.publish();
    await this.#log.settling();
    if (this.#group.length === 0) this.#log.settle(() => this.#openState(), 1);
    await this.#log.settling();
  }

  /** The next record begins a segment. */
  endSegment(): void {
    this.#log.endSegment();
  }

  /** Says in a record that this goes, and repeats what the records about keys say, as those may go too. */
  sayDropped({ tiers, entries }: Dropped): void {
    this.drain();
    const keys = this.#keys.map((each) => ({ ...each }));
    // A record that is too long loses its details, and then it would not say what was dropped.
    if (JSON.stringify(keys).length > maxKeysLength) throw new Error('the log has had too many keys to drop records');
    const note: NoteHead = { kind: 'retention', at: this.#now(), detail: { tiers, entries, keys } };
    this.#noteAndDo(note, () => {
      this.#retention = { ...this.#retention, said: { tiers, entries } };
    });
    this.publish();
  }

  /** It is off the disk. */
  isDropped(dropped: Dropped): void {
    this.#retention = { ...this.#retention, done: dropped };
  }

  /** Gives every open intent the outcome `unknown`, publishes and closes. */
  async close(): Promise<void> {
    try {
      this.#giveUp();
      this.drain();
      this.publish();
    } catch (error) {
      // Another process may use the folder after this, so background writes must have ended.
      await this.#log.rest();
      throw error;
    }
    await this.#log.close(() => ({ ...this.#openState(), closedAt: this.size }));
  }

  /** A command closes the log without a `stop`, which is about gateways. */
  #begin(closed: boolean): void {
    const loggedKey = this.#keys.at(-1)?.key;
    const { replayed, cut } = this.#log.recovery;
    const now = this.#now();
    const unknown = this.#open.size;
    const clean = closed || this.#lastKind === '' || this.#lastKind === 'stop';
    if (loggedKey === undefined) {
      const detail = { event: 'created', key: this.#signer.verifierKey } as const;
      this.#keys = [{ ...detail, seq: this.note({ kind: 'log-key', at: now, detail }) }];
    } else if (loggedKey !== this.#signer.verifierKey)
      throw new Error(`the signing key is not the one that the log names last (${loggedKey.split('+', 2).join('+')})`);
    if (clean && unknown === 0 && cut === 0) return;
    this.note({ kind: 'recovered', at: now, detail: { replayed, cut, unknown } });
    this.#giveUp();
  }

  #giveUp(): void {
    for (let oldest = this.#open.shift(); oldest !== undefined; oldest = this.#open.shift())
      this.#own(unknownOutcome(...oldest, this.#now()));
  }

  #openState(): OpenState {
    return {
      // Files beside the log hold no names, so intents that are still open then lose their subject.
      intents: [...this.#open].map(([id, intent]) => [id, { ...intent, subject: unknownSubject }]),
      written: this.#written,
      kind: this.#lastKind,
      served: this.#served,
      keys: this.#keys,
      retention: this.#retention,
    };
  }

  #rule() {
    const capture = this.#capture;
    return {
      limit: capture.limit,
      of: (tier: OpenIntent['tier'], connections: readonly string[]) => captureOf(capture, tier, connections),
    };
  }

  /** Records of the log itself go before what waits. */
  #own(draft: Draft): void {
    this.#step();
    this.#add(draft);
  }

  #build(): void {
    this.#step();
    const rule = this.#rule();
    const find = (id: string) => this.#open.get(id);
    let bytes = 0;
    let taken = 0;
    for (const message of this.#queue) {
      if (this.#group.length >= groupRecords - 2 || bytes > groupTarget) break;
      const stored = this.#attempt(message, find, rule);
      bytes += stored.entry.length + stored.sealed.length;
      taken++;
    }
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    this.#groupMessages = taken;
  }

  /** A message of which no record can be made is a bug. It must not hold up the others, nor vanish. */
  #attempt(message: Message, find: (id: string) => OpenIntent | undefined, rule: CaptureRule): Stored {
    let draft: Draft;
    try {
      draft = draftOf(message, find, rule);
    } catch (error) {
      const detail = { records: 1, problem: error instanceof Error ? error.message : String(error) };
      draft = draftOf(noteMessage({ kind: 'lost', at: this.#written, detail }), find, rule);
    }
    return this.#add(draft);
  }

  /** The time that records of this moment bear. Going back is a record of its own. */
  #step(): void {
    const now = this.#now();
    if (now >= this.#written) this.#written = now;
    else if (this.#written - now > smallStep) {
      const from = this.#written;
      this.#written = now;
      this.#add(
        draftOf(noteMessage({ kind: 'clock', at: now, detail: { from, to: now } }), () => undefined, this.#rule()),
      );
    }
  }

  #add(draft: Draft): Stored {
    const seq = this.#log.size + this.#group.length;
    const keys = this.#subjects.get(draft.subject, this.#written);
    const stored = store(draft, { seq, origin: this.#origin, written: this.#written, keys }, this.#room);
    this.#group.push(stored);
    const { kind, id, outcome } = draft.public;
    for (const { slot, pseudonym } of this.#subjects.takeReplaced()) this.#noteReplaced(slot, pseudonym);
    this.#lastKind = kind;
    if (isServed(kind, outcome)) this.#served = this.#written;
    if (kind === 'intent') this.#remember(id as string, seq, draft);
    else if (kind === 'outcome') this.#open.delete(id as string);
    return stored;
  }

  /** One damaged slot costs what was encrypted under it, and nothing that comes. */
  #noteReplaced(slot: number, pseudonym: string): void {
    const note: NoteHead = { kind: 'subject-key-replaced', at: this.#written, detail: { subject: pseudonym, slot } };
    this.#add(draftOf(noteMessage(note), () => undefined, this.#rule()));
    this.onTrouble(`slot ${slot} of the keys of subjects was damaged: what it had encrypted can be read no more`);
  }

  #remember(id: string, seq: number, draft: Draft): void {
    this.#open.add(id, { ...intentOf(seq, draft.public as unknown as Replayed), subject: draft.subject });
    const oldest = this.#open.size > maxOpen ? this.#open.shift() : undefined;
    if (oldest !== undefined) this.#add(unknownOutcome(...oldest, this.#written));
  }
}
