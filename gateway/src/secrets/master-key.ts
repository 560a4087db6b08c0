/** Master keys: 32 random bytes in hex, in a file that only its owner can read, or from the configuration. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../stores/whole-file.ts';
import { refuseSharedFolder } from './data-folder.ts';

export type MasterKeyResult =
  | { readonly ok: true; readonly key: Buffer }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Reads `<data>/keys/master`, and makes it at the first start. */
export function openMasterKey(data: string): MasterKeyResult {
  const shared = refuseSharedFolder(data);
  if (shared !== undefined) return { ok: false, ...shared };
  const folder = join(data, 'keys');
  const path = join(folder, 'master');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeWhole(path, `${randomBytes(32).toString('hex')}\n`, { when: 'absent' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if ((statSync(path).mode & 0o077) !== 0)
    return { ok: false, problem: `${path} can be read by others`, remedy: `Run: chmod 600 ${path}` };
  const text = readFileSync(path, 'utf8').trim();
  return /^[0-9a-f]{64}$/.test(text)
    ? { ok: true, key: Buffer.from(text, 'hex') }
    : {
        ok: false,
        problem: `${path} is not a key`,
        remedy: 'Restore it from a backup, or delete it to end all sessions',
      };
}

/** The key that wraps the keys of the log: the one that the configuration gives, else that of this gateway. */
export function openLogMasterKey(data: string, given: string | undefined): MasterKeyResult {
  if (given === undefined) return openMasterKey(data);
  const text = given.trim();
  return /^[0-9a-fA-F]{64}$/.test(text)
    ? { ok: true, key: Buffer.from(text, 'hex') }
    : {
        ok: false,
        problem: 'audit.keys.master is not a key',
        remedy: 'It must be 64 hexadecimal digits (openssl rand -hex 32).',
      };
}
