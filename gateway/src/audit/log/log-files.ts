/**
 * One log in one folder: durable groups in segments, tiles and bundles made from them, and signed checkpoints over both.
 * The one writer of that folder. Synchronous, because it has a thread of its own.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Room } from '../room.ts';
import { type Disk, replaceFile, syncFolder, writeAll } from './disk.ts';
import { type NoteSigner, signCheckpoint } from './note.ts';
import { openSegments, type Recovery } from './recovery.ts';
import { encodeGroup, groupBytes, groupRecords, type Stored, segmentName } from './segment.ts';
import { tileWidth } from './tiles.ts';
import { TreeFiles } from './tree-files.ts';

/** A segment ends at the first group that passes one of these. */
const segmentRecords = 16_384;
const segmentBytes = 64 * 1024 * 1024;
/** Records after which tiles are synced, so that opening never makes more of them again than this and what came since. */
export const settleEvery = 32_768;
/** Milliseconds between two files that are synced in the background. */
const settlePause = 4;

export interface LogFilesOptions {
  readonly folder: string;
  readonly disk: Disk;
  readonly origin: string;
  /** Told of every record that is read again at opening, oldest first. */
  readonly onReplay: (index: number, entry: Buffer) => void;
}

/** Of the files that wait to be written, one in so many is written after each group: one, where groups are small. */
const tidyShare = 8;

export class LogFiles {
  readonly recovery: Recovery;
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #origin: string;
  readonly #tree: TreeFiles;
  /** Of the group that is being written. */
  readonly #room = new Room();
  #file: number | undefined;
  #fileEnd = 0;
  #fileFirst = 0;
  #partial: string[] = [];
  #lastPublished: number;
  #lastHistory = 0;
  #settled: number;
  #settling: Promise<void> | undefined;
  #closing = false;

  /** Throws `LogDamage` when what is there is not a log that this gateway may go on writing. */
  constructor({ folder, disk, origin, onReplay }: LogFilesOptions) {
    this.#folder = folder;
    this.#disk = disk;
    this.#origin = origin;
    disk.mkdirSync(join(folder, 'segments'), { recursive: true, mode: 0o700 });
    disk.mkdirSync(join(folder, 'tile'), { recursive: true, mode: 0o700 });
    this.#settled = readSettled(folder);
    this.#tree = new TreeFiles(folder, disk, this.#settled);
    this.recovery = openSegments(folder, disk, this.#tree, onReplay);
    this.#lastPublished = this.recovery.published;
  }

  /** Records that are durable. */
  get size(): number {
    return this.#tree.size;
  }

  /** Records whose tiles are known to be on disk: opening needs no segment before that. */
  get settled(): number {
    return this.#settled;
  }

  get published(): number {
    return this.#lastPublished;
  }

  /**
   * Makes records durable: one write, one fdatasync. When either fails, nothing of them counts and they go to a new
   * segment next time: after a failed sync nobody knows what the old file holds.
   */
  append(records: readonly Stored[]): void {
    if (records.length === 0) return;
    if (records.length > groupRecords) throw new RangeError('too many records for one group');
    this.#room.clear();
    const bytes = encodeGroup(this.#tree.size, records, this.#room);
    if (bytes.length > groupBytes + 16 * 1024 * 1024) throw new RangeError('too many bytes for one group');
    const file = this.#segment();
    try {
      writeAll(this.#disk, file, bytes, this.#fileEnd);
      this.#disk.fdatasyncSync(file);
    } catch (error) {
      this.#abandon(file);
      throw error;
    }
    this.#fileEnd += bytes.length;
    for (const { entry } of records) this.#tree.add(entry);
    if (this.#fileEnd >= segmentBytes || this.#tree.size - this.#fileFirst >= segmentRecords) this.#closeSegment();
  }

  /** Writes some of the tiles that are full, so that publishing does not find them all at once. */
  tidy(): void {
    try {
      this.#tree.flush(Math.ceil(this.#tree.waiting / tidyShare));
    } catch {
      // They wait, and whoever publishes is told.
    }
  }

  /**
   * Writes tiles, and a checkpoint over everything durable. One file a step, so that records can be made durable in
   * between; those come with the next checkpoint. Returns it, or `undefined` when there is nothing new.
   */
  *publishing(signer: NoteSigner, now: number): Generator<void, string | undefined> {
    const { size } = this.#tree;
    if (size === this.#lastPublished) return undefined;
    const root = this.#tree.root();
    const partial = yield* this.#tree.publishing();
    const note = signCheckpoint({ origin: this.#origin, size, root }, signer);
    yield;
    replaceFile(this.#disk, join(this.#folder, 'checkpoint'), note, 'soon');
    this.#lastPublished = size;
    for (const path of this.#partial.filter((each) => !partial.includes(each))) {
      yield;
      rmSync(join(this.#folder, path), { force: true });
    }
    this.#partial = partial;
    if (now - this.#lastHistory >= 60_000) {
      this.#remember(note, now);
      this.#lastHistory = now;
    }
    return note;
  }

  publish(signer: NoteSigner, now: number): string | undefined {
    return allOf(this.publishing(signer, now));
  }

  /** Syncs tiles in the background when enough of them wait. `state`: what the next opening must know. */
  settle(state: () => unknown): void {
    const target = this.#lastPublished - (this.#lastPublished % tileWidth);
    if (this.#settling !== undefined || target - this.#settled < settleEvery) return;
    this.#settling = this.#settleTo(target, state()).finally(() => {
      this.#settling = undefined;
    });
    // The next one begins again where this one failed.
    this.#settling.catch(() => {});
  }

  /** What `settle` was given last. */
  readOpen(): unknown {
    return readSettledFile(this.#folder)?.open;
  }

  async close(state: () => unknown): Promise<void> {
    this.#closing = true;
    await this.#settling?.catch(() => {});
    this.#closeSegment();
    await this.#settleTo(this.#lastPublished - (this.#lastPublished % tileWidth), state());
  }

  async #settleTo(target: number, state: unknown): Promise<void> {
    const paths = this.#tree.takeUnsettled();
    const folders = new Set(paths.map((path) => dirname(path)));
    for (const path of [...paths, ...folders, 'tile']) {
      // Records that are waited for go first: one sync of ours at most is ever in their way.
      if (!this.#closing) await pause(settlePause);
      const file = await open(join(this.#folder, path), 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    }
    replaceFile(
      this.#disk,
      join(this.#folder, 'settled.json'),
      `${JSON.stringify({ size: target, open: state })}\n`,
      'durable',
    );
    syncFolder(this.#disk, this.#folder);
    this.#settled = target;
  }

  #segment(): number {
    if (this.#file !== undefined) return this.#file;
    const folder = join(this.#folder, 'segments');
    const path = join(folder, segmentName(this.#tree.size));
    const file = this.#disk.openSync(path, 'w', 0o600);
    try {
      syncFolder(this.#disk, folder);
    } catch (error) {
      this.#disk.closeSync(file);
      throw error;
    }
    this.#file = file;
    this.#fileEnd = 0;
    this.#fileFirst = this.#tree.size;
    return file;
  }

  /** Leaves a segment after a failed write. Cutting it is a courtesy: the name of the next one says where it ends. */
  #abandon(file: number): void {
    try {
      this.#disk.ftruncateSync(file, this.#fileEnd);
    } catch {
      // It may fail for the same reason.
    }
    this.#closeSegment();
  }

  #closeSegment(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    this.#disk.closeSync(file);
  }

  /** Old checkpoints, one a minute at most, so that a history can be compared with what others have kept. */
  #remember(note: string, now: number): void {
    const folder = join(this.#folder, 'checkpoints');
    this.#disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${new Date(now).toISOString().slice(0, 10)}.txt`);
    this.#disk.writeFileSync(path, `${note}\n`, { flag: 'a', mode: 0o600 });
  }
}

/** Takes all steps at once. */
export function allOf<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

interface Settled {
  readonly size: number;
  readonly open: unknown;
}

function readSettledFile(folder: string): Settled | undefined {
  const path = join(folder, 'settled.json');
  if (!existsSync(path)) return undefined;
  const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Settled>;
  return Number.isSafeInteger(value.size) ? { size: value.size as number, open: value.open } : undefined;
}

/** How far tiles are known to be on disk. Without the file everything is made again from the segments. */
function readSettled(folder: string): number {
  return readSettledFile(folder)?.size ?? 0;
}
