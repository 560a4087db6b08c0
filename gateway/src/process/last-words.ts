/**
 * What a process that ends badly leaves behind for its next start: a file beside the log, as the log itself can no longer
 * be trusted to take a record then. The next start makes a record of it.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../stores/own-files.ts';
import { writeWhole } from '../stores/whole-file.ts';

/** `stall`: the event loop stood still. `crash`: an error that nothing caught. */
export interface LastWords {
  readonly kind: 'stall' | 'crash';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly pid: number;
  /** For the operator: the error, or the stack of the main thread, one line for each frame. */
  readonly stack: string;
  /** Correlation ids of the exchanges that were open. */
  readonly open: readonly string[];
}

const maxFiles = 16;
const maxBytes = 64 * 1024;
const name = /^(?:stall|crash)-\d{1,15}-\d{1,10}\.json$/;

function folderOf(data: string): string {
  return join(data, 'last-words');
}

/** Best effort: the process is ending, whether or not this can be written. */
export function leaveLastWords(data: string, words: LastWords): void {
  try {
    const folder = folderOf(data);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (readdirSync(folder).length >= maxFiles) return;
    writeWhole(join(folder, `${words.kind}-${words.at}-${words.pid}.json`), JSON.stringify(words).slice(0, maxBytes));
  } catch {
    // The standard error has them as well.
  }
}

/** Takes what earlier processes left. What cannot be read is dropped: it only tells of the past. */
export function takeLastWords(data: string): readonly LastWords[] {
  const folder = folderOf(data);
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((each) => name.test(each));
  } catch {
    return [];
  }
  return names.slice(0, maxFiles).flatMap((each) => {
    const file = join(folder, each);
    try {
      const words = JSON.parse(readFileSync(file, 'utf8').slice(0, maxBytes)) as Partial<LastWords>;
      rmSync(file, { force: true });
      if (words.kind !== 'stall' && words.kind !== 'crash') return [];
      const { kind, at = 0, pid = 0, stack = '', open = [] } = words;
      return [{ kind, at, pid, stack, open: open.slice(0, 100) }];
    } catch {
      rmSync(file, { force: true, recursive: true });
      return [];
    }
  });
}
