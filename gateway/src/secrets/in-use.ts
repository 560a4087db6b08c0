/**
 * Which edition of each secret the running gateways work with, so that a rotation can be waited for. Each process has a
 * file of its own. It is a note beside the work: a gateway goes on without it.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';

/** Bytes: some hundred for each secret. */
const maxNoteBytes = 4 * 1024 ** 2;
const noteName = /^\.in-use-(\d{1,10})$/;
const leaving = new Set<string>();

/** Never throws; `onTrouble` hears why it cannot be written. */
export function writeInUse(
  data: string,
  editions: ReadonlyMap<string, string>,
  onTrouble: (error: unknown) => void = () => {},
): void {
  const folder = join(data, 'secrets');
  const path = join(folder, `.in-use-${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeWhole(path, JSON.stringify({ editions: Object.fromEntries(editions) }), { durability: 'soon' });
    removeAtEnd(path);
    for (const pid of notedIn(folder)) if (!isRunning(pid)) remove(join(folder, `.in-use-${pid}`));
  } catch (error) {
    onTrouble(error);
  }
}

/** The editions that running gateways use: none when none runs, or when they use no such secret. */
export function editionsInUse(data: string, name: string): readonly string[] {
  const folder = join(data, 'secrets');
  return notedIn(folder)
    .filter(isRunning)
    .flatMap((pid) => {
      const edition = editionIn(join(folder, `.in-use-${pid}`), name);
      return edition === undefined ? [] : [edition];
    });
}

function notedIn(folder: string): readonly number[] {
  try {
    return readdirSync(folder).flatMap((file) => {
      const [, pid] = noteName.exec(file) ?? [];
      return pid === undefined ? [] : [Number(pid)];
    });
  } catch {
    // No folder of secrets, or one that may not be looked into: no gateway is known to run.
    return [];
  }
}

function editionIn(path: string, name: string): string | undefined {
  const read = readRegularSync(path, maxNoteBytes);
  if (!read.ok) return undefined;
  try {
    const { editions } = JSON.parse(read.bytes.toString('utf8')) as { editions?: Readonly<Record<string, unknown>> };
    const edition = editions !== undefined && Object.hasOwn(editions, name) ? editions[name] : undefined;
    return typeof edition === 'string' ? edition : undefined;
  } catch {
    // Damaged: its gateway writes it anew at the next reload.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process runs as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function removeAtEnd(path: string): void {
  if (leaving.has(path)) return;
  leaving.add(path);
  process.once('exit', () => remove(path));
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It names a process that is gone, and is not believed.
  }
}
