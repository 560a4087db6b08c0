/**
 * Reads files that others can put something else in the place of. A FIFO would be waited for without end, a device has no
 * end: only regular files are read, and never more of them than asked for.
 */
import fs from 'node:fs';
import { open } from 'node:fs/promises';

export type FileProblem = 'missing' | 'not-regular' | 'too-large' | 'unreadable';

export type RegularResult =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly why: FileProblem; readonly problem: string };

type Failed = RegularResult & { readonly ok: false };
const notRegular: Failed = { ok: false, why: 'not-regular', problem: 'it is not a regular file' };

// Opening a FIFO waits for a writer without this.
const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/** The descriptor of a regular file; the caller closes it. */
export function openRegular(path: string): { readonly ok: true; readonly file: number } | Failed {
  let file: number;
  try {
    file = fs.openSync(path, flags);
  } catch (error) {
    return failed(error);
  }
  if (fs.fstatSync(file).isFile()) return { ok: true, file };
  fs.closeSync(file);
  return notRegular;
}

/** For small files that are ours; what the system says is a value. */
export function readRegularSync(path: string, maxBytes: number): RegularResult {
  const opened = openRegular(path);
  if (!opened.ok) return opened;
  try {
    const bytes = Buffer.allocUnsafe(Math.min(fs.fstatSync(opened.file).size, maxBytes) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = fs.readSync(opened.file, bytes, length, bytes.length - length, length);
    return bounded(bytes, length, maxBytes);
  } catch (error) {
    return failed(error);
  } finally {
    fs.closeSync(opened.file);
  }
}

/** The same beside the event loop, for files of others, which may lie anywhere. `maxMs` bounds the wait. */
export async function readRegular(path: string, maxBytes: number, maxMs: number): Promise<RegularResult> {
  const { promise: late, resolve } = Promise.withResolvers<RegularResult>();
  const problem = `it did not answer within ${maxMs} ms`;
  const timer = setTimeout(() => resolve({ ok: false, why: 'unreadable', problem }), maxMs);
  try {
    return await Promise.race([readBeside(path, maxBytes), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readBeside(path: string, maxBytes: number): Promise<RegularResult> {
  try {
    await using file = await open(path, flags);
    const info = await file.stat();
    if (!info.isFile()) return notRegular;
    const bytes = Buffer.allocUnsafe(Math.min(info.size, maxBytes) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, length));
    return bounded(bytes, length, maxBytes);
  } catch (error) {
    return failed(error);
  }
}

/** There was room for one more byte: a file that fills it is longer, or grew meanwhile. */
function bounded(bytes: Buffer, length: number, maxBytes: number): RegularResult {
  return length > maxBytes
    ? { ok: false, why: 'too-large', problem: `it is larger than ${maxBytes} bytes` }
    : { ok: true, bytes: bytes.subarray(0, length) };
}

function failed(error: unknown): Failed {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { ok: false, why: 'missing', problem: 'it does not exist' };
  // A socket, and a FIFO or device that nothing is behind.
  if (code === 'ENXIO' || code === 'ENODEV') return notRegular;
  return { ok: false, why: 'unreadable', problem: message };
}
