/** For threads whose work can wait. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** On Linux priorities belong to threads: where cores are few, calls and their records come first. */
export function stepBack(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10);
  } catch {
    // Elsewhere this thread has the priority of everything else.
  }
}
