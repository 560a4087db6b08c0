/** The pepper of API keys: 256 random bits in a file that only its owner can read, made at the first start. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type PepperResult =
  | { readonly ok: true; readonly pepper: Buffer }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Reads `<folder>/keys/pepper`, or makes it. Without it stolen HMACs cannot be tried out, and no key works any more. */
export function openPepper(folder: string): PepperResult {
  const keys = join(folder, 'keys');
  const path = join(keys, 'pepper');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    // Written in full under another name first: a process that starts at the same time never reads half of it.
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
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
