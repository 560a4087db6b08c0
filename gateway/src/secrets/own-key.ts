/** A key of the gateway itself: a line in a file of the folder `keys` that only its owner can read, made when missing. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../protocol/result.ts';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';
import { type FolderProblem, refuseSharedFolder } from './data-folder.ts';

export type OwnKey =
  | { readonly ok: true; readonly path: string; readonly text: string }
  | ({ readonly ok: false } & FolderProblem);

const maxBytes = 4_096;

/** `make`: the text of a new key. What the system says against it is a value. */
export function readOwnKey(data: string, name: string, make: () => string): OwnKey {
  const path = join(data, 'keys', name);
  try {
    const shared = refuseSharedFolder(data);
    if (shared !== undefined) return { ok: false, ...shared };
    mkdirSync(join(data, 'keys'), { recursive: true, mode: 0o700 });
    makeOnce(path, make);
    const isOpen = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;
    const read = readRegularSync(path, maxBytes);
    if (!read.ok) return refused(path, read.problem);
    if (isOpen) return { ok: false, problem: `others can read ${path}`, remedy: `Run: chmod 600 ${path}` };
    return { ok: true, path, text: read.bytes.toString('utf8').trim() };
  } catch (error) {
    return refused(path, messageOf(error));
  }
}

function refused(path: string, problem: string): OwnKey {
  return {
    ok: false,
    problem: `${path} cannot be used: ${problem}`,
    remedy: 'Restore it from a backup, in a folder that this user can write (data in the configuration).',
  };
}

function makeOnce(path: string, make: () => string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  try {
    // A process that starts at the same time never reads half of it.
    writeWhole(path, `${make()}\n`, { when: 'absent' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
