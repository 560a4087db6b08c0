/**
 * One log in one folder: durable groups in segments, tiles and bundles made from them, and signed checkpoints over both.
 * The one writer of that folder. Synchronous, because it has a thread of its own.
 */
import { rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ScratchBuffer } from '../scratch-buffer.ts';
import { type Disk, syncFolder, writeAll } from './disk.ts';
import { Drafts } from './drafts.ts';
import { History } from './history.ts';
import { type NoteSigner, signCheckpoint } from './note.ts';
import { openSegments, type Recovery } from './recovery.ts';
import { encodeGroup, groupBytes, groupRecords, type Stored, segmentName } from './segment.ts';
import { readSettled, writeSettled } from './settled.ts';
import { SpareSegment } from './spare-segment.ts';
import { doneNow, type Steps } from './steps.ts';
import { partialPaths, tileWidth } from './tiles.ts';
import { partialsBetween, TreeFiles } from './tree-files.ts';

/** A segment ends at the first group that passes one of these. */
const segmentRecords = 16_384;
const segmentBytes = 16 * 1024 * 1024;
/** Records after which tiles are synced, so that opening never makes more of them again than this and what came since. */
export const settleEvery = 32_768;
/** Milliseconds between two files that are synced in the background. */
const settlePause = 4;
/** Full tiles and bundles that may wait to be written. An append beyond that writes them first. */
const maxWaitingFiles = 256;

export interface LogFilesOptions {
  readonly folder: string;
  readonly disk: Disk;
  readonly origin: string;
  /** Told of every record that is read again at opening, oldest first. */
  readonly onReplay: (index: number, entry: Buffer) => void;
  /** Told of failures in the background, which delay no record. */
  readonly onTrouble?: (problem: string) => void;
}

interface OpenSegment {
  readonly file: number;
  /** Index of its first record. */
  readonly first: number;
  /** It was made of zeros before. */
  readonly prepared: boolean;
  /** Bytes that are durable. */
  end: number;
}

export class LogFiles {
  readonly recovery: Recovery;
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #origin: string;
  readonly #tree: TreeFiles;
  /** Durable records that the tree does not hold yet. */
  #fresh: readonly Stored[] = [];
  /** Of the group that is being written. */
  readonly #buffer = new ScratchBuffer();
  readonly #spare: SpareSegment;
  #segment: OpenSegment | undefined;
  readonly #drafts: Drafts;
  readonly #onTrouble: (problem: string) => void;
  /** Partial files of the last checkpoint, and others that may be there, with the size of the tree that they were for. */
  #partial: readonly string[] = [];
  readonly #strays: Map<string, number>;
  #lastPublished: number;
  readonly #history: History;
  #settled: number;
  #bytes = 0;
  #settling: Promise<void> | undefined;
  /** A sync of tiles has failed: what reached the disk is unknown, so the next opening makes them again. */
  #distrusted = false;
  #troubled = false;
  #closing = false;

  /** Throws `LogDamage` when what is there is not a log that this gateway may go on writing. */
  constructor({ folder, disk, origin, onReplay, onTrouble = () => {} }: LogFilesOptions) {
    this.#folder = folder;
    this.#disk = disk;
    this.#origin = origin;
    this.#onTrouble = onTrouble;
    const segments = join(folder, 'segments');
    disk.mkdirSync(segments, { recursive: true, mode: 0o700 });
    this.#spare = new SpareSegment(segments, disk, segmentBytes);
    disk.mkdirSync(join(folder, 'tile'), { recursive: true, mode: 0o700 });
    this.#history = new History(folder, disk);
    this.#settled = readSettled(folder).size;
    this.#drafts = new Drafts(folder, disk);
    this.#tree = new TreeFiles(folder, disk, this.#drafts, this.#settled);
    this.recovery = openSegments(folder, { disk, tree: this.#tree }, onReplay);
    this.#lastPublished = this.recovery.published;
    const { size } = this.#tree;
    this.#strays = new Map(partialsBetween(folder, this.#settled, size).map((path) => [path, size]));
  }

  /** Records that are durable. */
  get size(): number {
    return this.#tree.size + this.#fresh.length;
  }

  /** Records whose tiles are known to be on disk: opening needs no segment before that. */
  get settled(): number {
    return this.#settled;
  }

  get published(): number {
    return this.#lastPublished;
  }

  /** Bytes that `append` has made durable. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Makes records durable: one write, one fdatasync. When either fails, nothing of them counts and they go to a new
   * segment next time: what the old file holds after a failed sync is unknown. Their bytes are needed until
   * `integrate`.
   */
  append(records: readonly Stored[]): void {
    if (records.length === 0) return;
    this.integrate();
    if (records.length > groupRecords) throw new RangeError('too many records for one group');
    while (this.#tree.waiting > maxWaitingFiles) this.#tree.writeFirst();
    this.#buffer.clear();
    const bytes = encodeGroup(this.#tree.size, records, this.#buffer);
    if (bytes.length > groupBytes + 16 * 1024 * 1024) throw new RangeError('too many bytes for one group');
    const segment = this.#segmentFor(bytes.length);
    try {
      writeAll(this.#disk, bytes, { file: segment.file, position: segment.end });
      this.#disk.fdatasyncSync(segment.file);
    } catch (error) {
      // The name of the next one says where this one ends.
      this.#closeSegment();
      throw error;
    }
    segment.end += bytes.length;
    this.#bytes += bytes.length;
    this.#fresh = records;
    const share = Math.max(segment.end / segmentBytes, (this.size - segment.first) / segmentRecords);
    if (share >= 1) this.#closeSegment();
    else if (share >= 0.5) this.#spare.prepare();
  }

  /** Takes the records of the last group into the tree. No caller waits for it. */
  integrate(): void {
    const records = this.#fresh;
    this.#fresh = [];
    for (const { entry } of records) this.#tree.add(entry);
    this.#tree.writeSoon();
  }

  /**
   * Writes tiles, and a checkpoint over everything durable. One file a step, so that records can be made durable in
   * between; those come with the next checkpoint. Returns it, or `undefined` when there is nothing new, or when a
   * publish in one step has covered as much meanwhile.
   */
  *publishing(signer: NoteSigner, now: number): Steps<string | undefined> {
    this.integrate();
    const { size } = this.#tree;
    if (size === this.#lastPublished) return undefined;
    const root = this.#tree.root();
    const note = signCheckpoint({ origin: this.#origin, size, root }, signer);
    const draft = this.#drafts.name();
    const partial = partialPaths(size);
    for (const path of partial) if (!this.#partial.includes(path)) this.#strays.set(path, size);
    yield* this.#tree.publishing(this.#partial);
    // Durable before it has the name: an empty file of that name would be taken for damage.
    yield {
      now: () => this.#drafts.writeNow(draft, note, 'durable'),
      beside: () => this.#drafts.writeBeside(draft, note, 'durable'),
    };
    if (size <= this.#lastPublished) {
      yield* this.#removing(partial.filter((path) => !this.#partial.includes(path)));
      rmSync(draft, { force: true });
      return undefined;
    }
    this.#disk.renameSync(draft, join(this.#folder, 'checkpoint'));
    this.#lastPublished = size;
    // What was for a larger tree, and failed, may be written again while these are removed.
    const strays = [...this.#strays].flatMap(([path, its]) => (its <= size ? [path] : []));
    for (const path of strays) this.#strays.delete(path);
    const old = [...this.#partial, ...strays].filter((path) => !partial.includes(path));
    this.#partial = partial;
    yield* this.#removing(old);
    this.#history.remember(note, now);
    return note;
  }

  *#removing(paths: readonly string[]): Steps<void> {
    for (const path of paths.map((each) => join(this.#folder, each)))
      yield { now: () => rmSync(path, { force: true }), beside: () => rm(path, { force: true }) };
  }

  publish(signer: NoteSigner, now: number): string | undefined {
    return doneNow(this.publishing(signer, now));
  }

  /** Syncs tiles in the background when so many records wait for it. `state`: what the next opening must know. */
  settle(state: () => unknown, records = settleEvery): void {
    const target = this.#lastPublished - (this.#lastPublished % tileWidth);
    if (this.#settling !== undefined || this.#closing || target - this.#settled < records) return;
    this.#settling = this.#settleTo(target, state())
      .then(
        () => {
          this.#troubled = false;
        },
        (error: unknown) => this.#troubledBy(error),
      )
      .finally(() => {
        this.#settling = undefined;
      });
  }

  #troubledBy(error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    this.#onTrouble(`tiles of the log cannot be synced: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** Resolves when nothing is being synced in the background. */
  async settling(): Promise<void> {
    await this.#settling;
  }

  /** The next record begins a segment. Retention drops what is old a segment at a time. */
  endSegment(): void {
    if ((this.#segment?.end ?? 0) > 0) this.#closeSegment();
  }

  /** What `settle` was given last. */
  readOpen(): unknown {
    return readSettled(this.#folder).open;
  }

  /** Ends what happens in the background. Nothing is written after that. */
  async rest(): Promise<void> {
    this.#closing = true;
    await this.#settling;
    this.#closeSegment();
    await this.#spare.close();
    await this.#tree.idle();
  }

  /** The log must be published. */
  async close(state: () => unknown): Promise<void> {
    await this.rest();
    await this.#settleTo(this.#lastPublished - (this.#lastPublished % tileWidth), state());
  }

  async #settleTo(target: number, state: unknown): Promise<void> {
    await this.#tree.idle();
    const paths = this.#tree.takeUnsettled();
    if (this.#distrusted) return;
    try {
      await this.#syncFiles(paths);
    } catch (error) {
      this.#tree.giveBack(paths);
      throw error;
    }
    writeSettled(this.#folder, this.#disk, { size: target, open: state });
    this.#settled = target;
  }

  async #syncFiles(paths: readonly string[]): Promise<void> {
    const folders = new Set(paths.map((path) => dirname(path)));
    for (const path of [...paths, ...folders, 'tile']) {
      // Records that are waited for go first: one sync of ours at most is ever in their way.
      if (!this.#closing) await pause(settlePause);
      const file = await open(join(this.#folder, path), 'r');
      try {
        await file.sync();
      } catch (error) {
        this.#distrusted = true;
        throw error;
      } finally {
        await file.close();
      }
    }
  }

  /** The file for so many bytes. */
  #segmentFor(length: number): OpenSegment {
    const current = this.#segment;
    // A group stands in the place of zeros as a whole, and a file that grows is left as soon as there are zeros.
    if (current?.prepared === true ? current.end + length > segmentBytes : this.#spare.ready) this.#closeSegment();
    return (this.#segment ??= this.#openSegment());
  }

  #openSegment(): OpenSegment {
    const first = this.#tree.size;
    const folder = join(this.#folder, 'segments');
    const path = join(folder, segmentName(first));
    const zeros = this.#spare.take(path);
    const file = zeros ?? this.#disk.openSync(path, 'w', 0o600);
    try {
      syncFolder(this.#disk, folder);
    } catch (error) {
      this.#disk.closeSync(file);
      throw error;
    }
    return { file, first, prepared: zeros !== undefined, end: 0 };
  }

  /** What is behind the last durable group goes: zeros, or what a failed write left. */
  #closeSegment(): void {
    if (this.#segment === undefined) return;
    const { file, end } = this.#segment;
    this.#segment = undefined;
    try {
      this.#disk.ftruncateSync(file, end);
    } catch {
      // A courtesy: readers know where the records end.
    }
    this.#disk.closeSync(file);
  }
}
