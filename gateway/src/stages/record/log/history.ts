/** Old checkpoints, one a minute at most, so that a history can be compared with what others have kept. */
import { existsSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { type Disk, writeAll } from './disk.ts';

/** The end of a note and the empty line behind it (c2sp.org/signed-note: a signature begins with an em dash). */
const wholeNote = /^\xe2\x80\x94 [^\n]*\n\n/gm;
const every = 60_000;

export class History {
  readonly #folder: string;
  readonly #disk: Disk;
  #last = 0;
  /** The file whose end has been looked at. */
  #known = '';

  constructor(folder: string, disk: Disk) {
    this.#folder = join(folder, 'checkpoints');
    this.#disk = disk;
  }

  /** `now`: milliseconds since the epoch. Throws when the disk does, and leaves what was there. */
  remember(note: string, now: number): void {
    if (now - this.#last < every) return;
    this.#disk.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `${new Date(now).toISOString().slice(0, 10)}.txt`);
    const file = this.#disk.openSync(path, existsSync(path) ? 'r+' : 'w', 0o600);
    try {
      const { size } = fstatSync(file);
      const end = this.#end(path, size);
      if (end < size) this.#disk.ftruncateSync(file, end);
      try {
        writeAll(this.#disk, Buffer.from(`${note}\n`), { file, position: end });
      } catch (error) {
        this.#disk.ftruncateSync(file, end);
        throw error;
      }
    } finally {
      this.#disk.closeSync(file);
    }
    this.#last = now;
  }

  /** What an earlier process left may end within a note. */
  #end(path: string, size: number): number {
    if (this.#known === path || size === 0) return size;
    this.#known = path;
    const bytes = readFileSync(path);
    const [last] = [...bytes.toString('latin1').matchAll(wholeNote)].slice(-1);
    return last === undefined ? 0 : last.index + last[0].length;
  }
}
