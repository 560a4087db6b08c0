/** Reads a log while another process may write it, up to the checkpoint that was published last. Never writes. */
import { closeSync, existsSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { openSync, readFileSync } from '../../../stores/own-files.ts';
import { type Checkpoint, parseCheckpoint, parseNote } from '../log/note.ts';
import { rangeReader, segmentsOf } from '../log/recovery.ts';
import { readGroup, type Stored, segmentName } from '../log/segment.ts';
import { decodeBundle, tilePath, tileWidth } from '../log/tiles.ts';

export interface LoggedRecord {
  readonly seq: number;
  readonly entry: Buffer;
}

export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
}

/** A log is published twice a second, so that a reader that needs more looks does not run at all. */
const maxLooks = 16;
/** Segments held in memory at one time. */
const maxSegments = 2;

export class LogReader {
  readonly folder: string;
  readonly #segments = new Map<number, Segment>();
  #bundle: { readonly index: number; readonly entries: readonly Buffer[] } | undefined;
  #firsts: readonly number[] | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** `undefined` before the first one is published. */
  checkpoint(): SignedCheckpoint | undefined {
    // With more records there may be more segments.
    this.#firsts = undefined;
    const path = join(this.folder, 'checkpoint');
    if (!existsSync(path)) return undefined;
    const note = readFileSync(path, 'utf8');
    const parsed = parseNote(note);
    const checkpoint = parsed === undefined ? undefined : parseCheckpoint(parsed.body);
    if (checkpoint === undefined) throw new Error(`${path} is not a checkpoint`);
    return { ...checkpoint, note };
  }

  /** The public part; `undefined` when retention dropped it. */
  entry(seq: number, size: number): Buffer | undefined {
    return this.#entries(Math.floor(seq / tileWidth), size)?.[seq % tileWidth];
  }

  /** Public parts in order, or backwards. What retention dropped is left out. */
  *entries(from: number, to: number, size: number): Generator<LoggedRecord> {
    for (let seq = from; seq < to; seq++) {
      const entry = this.entry(seq, size);
      if (entry !== undefined) yield { seq, entry };
      else seq += tileWidth - 1 - (seq % tileWidth);
    }
  }

  /** The sealed private part. Empty when there is none, or none any more. */
  sealed(seq: number): Buffer {
    return this.#stored(seq)?.sealed ?? Buffer.alloc(0);
  }

  /** Lets go of what was read so far. A reader that goes on from here reads on; for what came before it reads again. */
  release(): void {
    for (const segment of this.#segments.values()) {
      segment.records.clear();
      segment.released = segment.last + 1;
    }
    this.#bundle = undefined;
  }

  #entries(index: number, size: number): readonly Buffer[] | undefined {
    const width = Math.min(tileWidth, size - index * tileWidth);
    if (this.#bundle?.index === index && this.#bundle.entries.length >= width) return this.#bundle.entries;
    const bytes =
      readIfThere(join(this.folder, tilePath('entries', index, width))) ??
      (width < tileWidth ? this.#wider(index) : undefined);
    if (bytes === undefined) return undefined;
    const entries = decodeBundle(bytes, width);
    if (entries === undefined) throw new Error(`${tilePath('entries', index, width)} is damaged`);
    this.#bundle = { index, entries };
    return entries;
  }

  /**
   * The log has grown since the size that was asked for: a wider bundle begins with the same entries. While it grows, a
   * bundle that is not full may be gone again before it is read; retention drops full ones only.
   */
  #wider(index: number): Buffer | undefined {
    let before = -1;
    for (let looks = 0; looks < maxLooks; looks++) {
      const now = this.checkpoint()?.size ?? 0;
      // It did not change since it was not found.
      if (now === before)
        throw new Error(`${tilePath('entries', index, Math.min(tileWidth, now - index * tileWidth))} is missing`);
      before = now;
      const width = Math.min(tileWidth, now - index * tileWidth);
      if (width <= 0) return undefined;
      const bytes = readIfThere(join(this.folder, tilePath('entries', index, width)));
      if (bytes !== undefined || width === tileWidth) return bytes;
    }
    throw new Error(`${tilePath('entries', index)} changes faster than it can be read`);
  }

  #stored(seq: number): Pick<Stored, 'sealed'> | undefined {
    this.#firsts ??= segmentsOf(this.folder);
    const first = this.#firsts.findLast((each) => each <= seq);
    if (first === undefined) return undefined;
    let segment = this.#segments.get(first);
    if (segment === undefined || segment.released > seq) {
      if (this.#segments.size >= maxSegments) this.#segments.clear();
      segment = { records: new Map(), file: '', end: 0, released: 0, last: -1 };
      this.#segments.set(first, segment);
    }
    if (!segment.records.has(seq) && !readOn(segment, join(this.folder, 'segments', segmentName(first)))) {
      // Retention took it since the segments were listed.
      this.#segments.delete(first);
      this.#firsts = undefined;
    }
    return segment.records.get(seq);
  }
}

interface Segment {
  /** What stands behind the first record of the next segment does not count, and is not asked for here. */
  readonly records: Map<number, Pick<Stored, 'sealed'>>;
  /** Which file it is: retention puts another one, without what it drops, in its place. Numbers of files are used again. */
  file: string;
  /** Offset up to which the file was read: it only grows. */
  end: number;
  /** Records before this one are held no more, and the last one that was read. */
  released: number;
  last: number;
}

/** False where there is no such file any more. */
function readOn(segment: Segment, path: string): boolean {
  const file = openIfThere(path);
  if (file === undefined) return false;
  try {
    const { ino, birthtimeMs } = fstatSync(file);
    const which = `${ino} ${birthtimeMs}`;
    if (segment.file !== which) segment.end = 0;
    segment.file = which;
    const read = rangeReader(file);
    for (;;) {
      const group = readGroup(read, segment.end, 'sealed');
      if (group === 'end' || group === 'torn') return true;
      for (const [index, stored] of group.records.entries()) segment.records.set(group.first + index, stored);
      segment.last = group.first + group.records.length - 1;
      segment.end = group.end;
    }
  } finally {
    closeSync(file);
  }
}

const openIfThere = (path: string): number | undefined => ifThere(() => openSync(path, 'r'));
const readIfThere = (path: string): Buffer | undefined => ifThere(() => readFileSync(path));

function ifThere<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
