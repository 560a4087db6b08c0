/** The few file operations that writing the log needs, so that a test can put a failing disk in their place. */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openSync } from '../../../stores/own-files.ts';
import { writeWhole } from '../../../stores/whole-file.ts';

export { syncFolder, writeAll } from '../../../stores/whole-file.ts';

export type Disk = Pick<
  typeof fs,
  | 'openSync'
  | 'closeSync'
  | 'writeSync'
  | 'fdatasyncSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'renameSync'
  | 'mkdirSync'
  | 'linkSync'
  | 'rmSync'
>;

export const realDisk: Disk = { ...fs, openSync };

/** A file is there with its whole content, durably, or as it was before. */
export function replaceFile(disk: Disk, path: string, content: string): void {
  writeWhole(path, content, { disk });
}

/** Written and synced at one time, in bytes: a record never waits for more than one of these. */
export const pieceSize = 256 * 1024;
/** Milliseconds between two of them. */
const piecePause = 1;

export interface Pieces {
  /** In bytes, of the whole file. */
  readonly size: number;
  readonly bytes: (at: number, length: number) => Uint8Array;
}

/** Makes a large file durable from its beginning on, beside a log that is being written, for as long as `goOn` says so. */
export async function writeInPieces(
  file: FileHandle,
  { size, bytes }: Pieces,
  goOn: () => boolean = () => true,
): Promise<void> {
  for (let at = 0; at < size && goOn(); at += pieceSize) {
    const next = bytes(at, Math.min(pieceSize, size - at));
    for (let done = 0; done < next.length; )
      done += (await file.write(next, done, next.length - done, at + done)).bytesWritten;
    await file.datasync();
    await pause(piecePause);
  }
}
