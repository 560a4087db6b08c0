/** The few file operations that writing the log needs, so that a test can put a failing disk in their place. */
import fs from 'node:fs';

export type Disk = Pick<
  typeof fs,
  | 'openSync'
  | 'closeSync'
  | 'writeSync'
  | 'fdatasyncSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'writeFileSync'
  | 'renameSync'
  | 'mkdirSync'
>;

export const realDisk: Disk = fs;

/** Writes all of it, however many calls that takes. */
export function writeAll(disk: Disk, file: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += disk.writeSync(file, bytes, at, bytes.length - at, position + at);
}

/** Makes new names in a folder survive a power failure. */
export function syncFolder(disk: Disk, folder: string): void {
  const file = disk.openSync(folder, 'r');
  try {
    disk.fsyncSync(file);
  } finally {
    disk.closeSync(file);
  }
}

/** A file is there with its whole content, or as it was before. */
export function replaceFile(disk: Disk, path: string, content: string | Uint8Array, durable: 'durable' | 'soon'): void {
  const draft = `${path}.new`;
  const file = disk.openSync(draft, 'w', 0o600);
  try {
    writeAll(disk, file, Buffer.from(content), 0);
    if (durable === 'durable') disk.fdatasyncSync(file);
  } finally {
    disk.closeSync(file);
  }
  disk.renameSync(draft, path);
}
