/** The pepper of API keys: 256 random bits in a file that only its owner can read, made at the first start. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../stores/whole-file.ts';
import { refuseSharedFolder } from './data-folder.ts';

export type PepperResult =
  | { readonly ok: true; readonly pepper: Buffer }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Reads `<folder>/keys/pepper`, or makes it. Without it stolen HMACs cannot be tried out, and no key works any more. */
export function openPepper(folder: string): PepperResult {
  const shared = refuseSharedFolder(folder);
  if (shared !== undefined) return { ok: false, ...shared };
  const keys = join(folder, 'keys');
  const path = join(keys, 'pepper');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  try {
    // A process that starts at the same time never reads half of it.
    writeWhole(path, `${randomBytes(32).toString('base64url')}\n`, { when: 'absent' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const { mode } = statSync(path);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    return { ok: false, problem: `others can read ${path}`, remedy: `Run: chmod 600 ${path}` };
  const pepper = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url');
  if (pepper.length !== 32)
    return {
      ok: false,
      problem: `${path} is damaged`,
      remedy: 'Restore it from a backup, or remove it and make new keys.',
    };
  return { ok: true, pepper };
}
