/**
 * Opening a log: what the segments hold beyond the settled tiles is read again, a torn end is cut off, and the result
 * must agree with the checkpoint that was published last.
 */
import { closeSync, existsSync, fstatSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { openSync, readFileSync } from '../../../stores/own-files.ts';
import { type Disk, syncFolder } from './disk.ts';
import { parseCheckpoint, parseNote } from './note.ts';
import { type ReadRange, readGroup, segmentFirst, segmentName } from './segment.ts';
import type { TreeFiles } from './tree-files.ts';

/** Not a log that may be continued. `message` says what is wrong and where, `remedy` what to do. */
export class LogDamage extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'LogDamage';
    this.remedy = remedy;
  }
}

export interface Recovery {
  /** Records that were read again. */
  readonly replayed: number;
  /** Bytes at the end that no finished write had left there, without the zeros of a segment that was prepared. */
  readonly cut: number;
  /** Size of the last published checkpoint. */
  readonly published: number;
}

const restore = 'Restore the folder from a copy, or move it away to begin a new log; keep it as evidence.';

export function openSegments(
  folder: string,
  { disk, tree }: { readonly disk: Disk; readonly tree: TreeFiles },
  onReplay: (index: number, entry: Buffer) => void,
): Recovery {
  const settled = tree.size;
  const checkpoint = publishedCheckpoint(folder);
  const firsts = segmentsOf(folder);
  const start = firsts.findLastIndex((first) => first <= settled);
  const check = (): void => {
    if (checkpoint?.size === tree.size && !checkpoint.root.equals(tree.root()))
      throw new LogDamage(
        `${folder}: the records do not match the checkpoint over ${checkpoint.size} records`,
        restore,
      );
  };
  check();
  let tail: Tail | undefined;
  for (const [index, first] of firsts.entries()) {
    if (index < start) continue;
    const next = firsts[index + 1];
    const path = join(folder, 'segments', segmentName(first));
    const file = openSync(path, 'r');
    try {
      const read = rangeReader(file);
      let offset = 0;
      for (;;) {
        const group = readGroup(read, offset);
        if (group === 'end' || group === 'torn') {
          if (next === undefined) tail = { path, end: offset };
          break;
        }
        // A group that the next segment begins with again was never acknowledged.
        if ((next !== undefined && group.first >= next) || group.first > tree.size) break;
        for (const [place, { entry }] of group.records.entries()) {
          const at = group.first + place;
          if (at < tree.size) continue;
          tree.add(Buffer.from(entry));
          onReplay(at, entry);
          if (checkpoint?.size === tree.size) check();
        }
        offset = group.end;
      }
    } finally {
      closeSync(file);
    }
    if (next !== undefined && tree.size < next)
      throw new LogDamage(`${path}: records ${tree.size} to ${next - 1} are missing or damaged`, restore);
  }
  if (checkpoint !== undefined && checkpoint.size > tree.size)
    throw new LogDamage(
      `${folder}: the checkpoint covers ${checkpoint.size} records, and only ${tree.size} are there`,
      restore,
    );
  // Not before this: what is cut away could have been evidence.
  const cut = tail === undefined ? 0 : endAt(tail, disk);
  if (firsts.length > 0) syncFolder(disk, join(folder, 'segments'));
  return { replayed: tree.size - settled, cut, published: checkpoint?.size ?? 0 };
}

/** Where the records of the last segment end. */
interface Tail {
  readonly path: string;
  readonly end: number;
}

/**
 * Ends the file there. Returns how many bytes it loses, zeros at its very end not counted. What was read is synced: the
 * process that wrote it may have ended before it did that, and from now on records, checkpoints and tiles rely on it.
 */
function endAt({ path, end }: Tail, disk: Disk): number {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    const cut = writtenLength(rangeReader(file), end, size);
    if (size > end) disk.ftruncateSync(file, end);
    disk.fdatasyncSync(file);
    return cut;
  } finally {
    closeSync(file);
  }
}

/** How many bytes from here on are more than the zeros of a segment that was prepared. */
function writtenLength(read: ReadRange, offset: number, size: number): number {
  const step = 1024 * 1024;
  let last = offset;
  for (let at = offset; at < size; at += step) {
    const index = read(at, Math.min(step, size - at)).findLastIndex((byte) => byte !== 0);
    if (index >= 0) last = at + index + 1;
  }
  return last - offset;
}

/** Indexes of the first records of all segments, in order. */
export function segmentsOf(folder: string): number[] {
  return readdirSync(join(folder, 'segments'))
    .map(segmentFirst)
    .filter((first) => first !== undefined)
    .toSorted((a, b) => a - b);
}

export function rangeReader(file: number): (offset: number, length: number) => Buffer {
  return (offset, length) => {
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    while (at < length) {
      const read = readSync(file, bytes, at, length - at, offset + at);
      if (read === 0) break;
      at += read;
    }
    return bytes.subarray(0, at);
  };
}

function publishedCheckpoint(folder: string) {
  const path = join(folder, 'checkpoint');
  if (!existsSync(path)) return undefined;
  const note = parseNote(readFileSync(path, 'utf8'));
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.body);
  if (checkpoint === undefined) throw new LogDamage(`${path} is not a checkpoint`, restore);
  return checkpoint;
}
