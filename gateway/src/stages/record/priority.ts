/** For threads whose work can wait. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Of a thread that takes a turn now and then, and of one that has all its work for whenever nothing else has any. */
const niceness = { late: 10, last: 19 } as const;

/** On Linux priorities belong to threads: where cores are few, calls and their records come first. */
export function stepBack(how: keyof typeof niceness): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), niceness[how]);
  } catch {
    // Elsewhere this thread has the priority of everything else.
  }
}
