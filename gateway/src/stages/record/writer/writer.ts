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
import { doneBeside, doneNow, type Steps } from '../log/steps.ts';
import type { Message, NoteHead } from '../record/message.ts';
import type { Packing } from '../record/packed.ts';
import type { DropPlan, Dropped } from '../retention/dropped.ts';
import { Group, type RecordSource } from './group.ts';
import { Queue } from './queue.ts';
import { type KeyRecord, type OpenState, Replay, type RetentionState } from './replay.ts';
import { rotation } from './rotation.ts';

export interface WriterOptions {
  readonly folder: string;
  readonly disk: Disk;
  readonly origin: string;
  readonly subjects: Subjects;
  readonly signingKey: KeyObject;
  readonly now: () => number;
}

/** What the records about keys may be long together, in characters of JSON: some 150 of them. */
const maxKeysLength = 60_000;

export class Writer {
  readonly #log: LogFiles;
  readonly #origin: string;
  readonly #subjects: Subjects;
  readonly #now: () => number;
  /** Told of accepted messages that are durable, whatever caused the commit. */
  onDone: (messages: number) => void = () => {};
  /** Told of what fails beside the writing of records. */
  onTrouble: (problem: string) => void = () => {};
  #signer: NoteSigner;
  /** Built, and not durable yet. A group that could not be written stays here, as it is. */
  readonly #group: Group;
  /** What `accept` was given. */
  readonly #queue = new Queue();
  #source: RecordSource | undefined;
  /** What must follow once a record is durable, whichever commit makes it so. */
  #following: { readonly seq: number; readonly act: () => void } | undefined;
  #keys: readonly KeyRecord[];
  #retention: RetentionState;

  constructor({ folder, disk, origin, subjects, signingKey, now }: WriterOptions) {
    this.#origin = origin;
    this.#subjects = subjects;
    this.#now = now;
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
    const { keys, retention, ...continued } = replay.continued(before);
    const size = () => this.#log.size;
    this.#group = new Group(
      { origin, subjects, now, size, onTrouble: (problem) => this.onTrouble(problem) },
      continued,
    );
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

  /** Bytes that were made durable in segments since the log was opened. */
  get bytes(): number {
    return this.#log.bytes;
  }

  get signer(): NoteSigner {
    return this.#signer;
  }

  get lastWritten(): number {
    return this.#group.written;
  }

  /** When a gateway wrote last, in milliseconds since the epoch; 0: never. */
  get served(): number {
    return this.#group.served;
  }

  /** Is there something that `commit` would write? */
  get busy(): boolean {
    return this.#queue.isWaiting || this.#source?.isWaiting === true || this.#group.length > 0 || this.#due;
  }

  accept(messages: readonly Message[]): void {
    this.#queue.add(messages);
  }

  acceptPacked(packings: readonly Packing[]): void {
    this.#queue.addPacked(packings);
  }

  /** Takes records from there as well, after those of `accept`. */
  takeFrom(source: RecordSource): void {
    this.#source = source;
  }

  /** Writes one group. Returns how many accepted messages it held. Throws when the disk does; then call it again. */
  commit(): number {
    this.#follow();
    if (this.#group.length === 0) this.#build();
    if (this.#group.length === 0) return 0;
    this.#subjects.sync();
    const records = this.#group.take();
    this.#log.append(records);
    const done = this.#group.isDurable(records);
    if (done > 0) this.onDone(done);
    // No caller waits for the rest.
    this.#log.integrate();
    this.#group.clear();
    return done;
  }

  #build(): void {
    this.#group.build(this.#queue);
    if (this.#source !== undefined) this.#group.build(this.#source);
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
    return this.#group.note(note);
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
        this.#group.forget(subject);
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
    this.#group.step();
    const seq = this.#group.next;
    const detail = rotation({ origin: this.#origin, seq, from: this.#signer, to: next });
    this.#noteAndDo({ kind: 'log-key', at: this.#group.written, detail }, () => {
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
  sayDropped({ tiers, entries, because }: DropPlan): void {
    this.drain();
    const keys = this.#keys.map((each) => ({ ...each }));
    // A record that is too long loses its details, and then it would not say what was dropped.
    if (JSON.stringify(keys).length > maxKeysLength) throw new Error('the log has had too many keys to drop records');
    const note: NoteHead = { kind: 'retention', at: this.#now(), detail: { tiers, entries, because, keys } };
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
      this.#group.giveUp();
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
    const unknown = this.#group.openIntents;
    const clean = closed || this.#group.kind === '' || this.#group.kind === 'stop';
    if (loggedKey === undefined) {
      const detail = { event: 'created', key: this.#signer.verifierKey } as const;
      this.#keys = [{ ...detail, seq: this.note({ kind: 'log-key', at: now, detail }) }];
    } else if (loggedKey !== this.#signer.verifierKey)
      throw new Error(`the signing key is not the one that the log names last (${loggedKey.split('+', 2).join('+')})`);
    if (clean && unknown === 0 && cut === 0) return;
    this.note({ kind: 'recovered', at: now, detail: { replayed, cut, unknown } });
    this.#group.giveUp();
  }

  #openState(): OpenState {
    return { ...this.#group.openState(), keys: this.#keys, retention: this.#retention };
  }
}
