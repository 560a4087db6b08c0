/**
 * `openSync` and `readFileSync` of `node:fs` for files of the data folder. What others put in the place of one, such as a
 * FIFO, is refused at once: a thread that waits in the system for it could be ended by nothing, and no process with it.
 */
import fs from 'node:fs';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
const flagsOf = {
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
} as const;

/** Throws what the system says, and EINVAL for what is neither a regular file nor a folder. */
export const openSync: typeof fs.openSync = (path, flags, mode) => {
  const numeric = typeof flags === 'number' ? flags : flagsOf[flags as keyof typeof flagsOf];
  const file = fs.openSync(path, numeric | (fs.constants.O_NONBLOCK ?? 0), mode);
  const info = fs.fstatSync(file);
  if (info.isFile() || info.isDirectory()) return file;
  fs.closeSync(file);
  const text = `EINVAL: is no regular file, open '${String(path)}'`;
  throw Object.assign(new Error(text), { code: 'EINVAL', syscall: 'open', path: String(path) });
};

export function readFileSync(path: string): Buffer;
export function readFileSync(path: string, encoding: 'utf8'): string;
export function readFileSync(path: string, encoding?: 'utf8'): Buffer | string {
  const file = openSync(path, 'r');
  try {
    const bytes = fs.readFileSync(file);
    return encoding === undefined ? bytes : bytes.toString(encoding);
  } finally {
    fs.closeSync(file);
  }
}
