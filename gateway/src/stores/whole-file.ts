/**
 * Writes a file as a whole or not at all. Everything that is kept in a file of its own goes through here: secrets,
 * accounts, keys, pins, status files, exports. What was there before is touched only when the new content has been read
 * back from the disk, so that a full disk, a short write or the end of the process never costs what was good.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { openRegular } from './regular-file.ts';

/** The operations that it takes, so that a test can put a failing disk in their place. */
export type WriteDisk = Pick<
  typeof fs,
  'openSync' | 'closeSync' | 'writeSync' | 'fsyncSync' | 'renameSync' | 'linkSync' | 'rmSync'
>;

export interface WholeOptions {
  /** Of a file that is new; one that is replaced keeps its own. */
  readonly mode?: number;
  /** `absent`: fails with EEXIST when the file is there. Of several that write at once, one succeeds. */
  readonly when?: 'replace' | 'absent';
  /** `soon`: not synced to the disk, for what is made anew after a loss of power. */
  readonly durability?: 'durable' | 'soon';
  readonly disk?: WriteDisk;
}

export interface WholeFile {
  write(content: string | Uint8Array): void;
  /** The file has its new content, durably, when this returns. */
  commit(): void;
  /** Leaves everything as it was before. Does nothing after `commit`. */
  abandon(): void;
}

/** Throws what the system says, and leaves the file as it was then. */
export function writeWhole(path: string, content: string | Uint8Array, options: WholeOptions = {}): void {
  const file = openWhole(path, options);
  try {
    file.write(content);
    file.commit();
  } finally {
    file.abandon();
  }
}

/**
 * Adds one line to a file of lines that tolerates a lost one. Never waits: what is no regular file is refused, as a FIFO
 * would be waited for without end.
 */
export function appendLine(path: string, line: string): void {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = fs.constants;
  const file = fs.openSync(path, O_WRONLY | O_APPEND | O_CREAT | (O_NONBLOCK ?? 0), 0o600);
  try {
    if (!fs.fstatSync(file).isFile()) throw failure('EINVAL', `is no regular file, open '${path}'`);
    fs.writeSync(file, `${line}\n`);
  } finally {
    fs.closeSync(file);
  }
}

/** For content that comes piece by piece. */
export function openWhole(path: string, options: WholeOptions = {}): WholeFile {
  const { mode = 0o600, when = 'replace', durability = 'durable', disk = fs } = options;
  const target = when === 'replace' ? behindLinks(path) : path;
  const before = fs.statSync(target, { throwIfNoEntry: false });
  if (before?.isDirectory() === true) throw failure('EISDIR', `is a folder, open '${target}'`);
  if (before !== undefined && when === 'absent') throw failure('EEXIST', `file already exists, open '${target}'`);
  // A name of its own for each writer: two that write the same file are not in each other's way.
  const draft = `${target}.${process.pid}.${randomBytes(6).toString('hex')}.new`;
  let file: number | undefined = disk.openSync(draft, 'wx', before === undefined ? mode : before.mode & 0o777);
  let size = 0;
  let sum = 0;
  const close = (): void => {
    const open = file;
    file = undefined;
    if (open !== undefined) disk.closeSync(open);
  };
  const draftFile = file;
  keepOwner(draftFile, before ?? fs.statSync(dirname(target)));
  if (before !== undefined) fs.fchmodSync(draftFile, before.mode & 0o777);
  let done = false;
  return {
    write(content) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      writeAll(disk, bytes, { file: draftFile, position: size });
      sum = crc32(bytes, sum);
      size += bytes.length;
    },
    commit() {
      if (durability === 'durable') disk.fsyncSync(draftFile);
      close();
      if (!isWritten(draft, size, sum)) throw failure('EIO', `what was written does not read back, write '${target}'`);
      if (when === 'absent') linkNew(disk, draft, target);
      else disk.renameSync(draft, target);
      done = true;
      if (durability === 'durable') syncFolder(disk, dirname(target));
    },
    abandon() {
      close();
      if (!done) disk.rmSync(draft, { force: true });
    },
  };
}

/** Writes all of it, however many calls that takes. */
export function writeAll(
  disk: Pick<WriteDisk, 'writeSync'>,
  bytes: Uint8Array,
  { file, position }: { readonly file: number; readonly position: number },
): void {
  for (let at = 0; at < bytes.length; ) {
    const written = disk.writeSync(file, bytes, at, bytes.length - at, position + at);
    if (written === 0) throw failure('ENOSPC', 'no space left on device, write');
    at += written;
  }
}

/** Makes new names in a folder survive a power failure. */
export function syncFolder(disk: Pick<WriteDisk, 'openSync' | 'fsyncSync' | 'closeSync'>, folder: string): void {
  const file = disk.openSync(folder, 'r');
  try {
    disk.fsyncSync(file);
  } finally {
    disk.closeSync(file);
  }
}

/** Read back before it takes the place of what was good: some file systems find out only then. */
function isWritten(draft: string, size: number, sum: number): boolean {
  const opened = openRegular(draft);
  if (!opened.ok) return false;
  const piece = Buffer.allocUnsafe(Math.min(Math.max(size, 1), 1024 ** 2));
  try {
    let at = 0;
    let found = 0;
    for (let read = -1; read !== 0 && at <= size; at += read) {
      read = fs.readSync(opened.file, piece, 0, piece.length, at);
      found = crc32(piece.subarray(0, read), found);
    }
    return at === size && found === sum;
  } finally {
    fs.closeSync(opened.file);
  }
}

/** A name that nothing has yet. Never takes the place of another file, unlike a rename. */
function linkNew(disk: WriteDisk, draft: string, target: string): void {
  try {
    disk.linkSync(draft, target);
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    // A file system without hard links: the name is taken by an empty file first, which is ours to replace.
    disk.closeSync(disk.openSync(target, 'wx', 0o600));
    disk.renameSync(draft, target);
    return;
  }
  disk.rmSync(draft, { force: true });
}

/** What a command of root writes stays readable for the user that the gateway runs as. */
function keepOwner(file: number, like: fs.Stats): void {
  if (process.getuid?.() !== 0 || (like.uid === 0 && like.gid === 0)) return;
  try {
    fs.fchownSync(file, like.uid, like.gid);
  } catch {
    // A file system without owners: there is nothing to keep.
  }
}

/** A link stays one: what it leads to is replaced. */
function behindLinks(path: string): string {
  const link = fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return link && fs.existsSync(path) ? fs.realpathSync(path) : path;
}

function failure(code: string, text: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}`), { code, syscall: text.split(' ').at(-2) ?? 'write' });
}
