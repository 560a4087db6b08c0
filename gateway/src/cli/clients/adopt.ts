/** Changes the file of a client, with a backup beside it that `--undo` puts back. */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { readRegularSync } from '../../stores/regular-file.ts';
import { writeWhole } from '../../stores/whole-file.ts';
import { maxClientBytes } from './syntax.ts';

/** Bytes of what the file of a client became. */
const maxMeanwhileBytes = 4 * maxClientBytes;

export type Done = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly problem: string };

export function backupOf(path: string): string {
  return `${path}.before-sallyport`;
}

/** `before`: what was read, so that nothing that was written meanwhile is lost. `path`: of the backup. */
export function adopt(path: string, before: string, after: string): Done {
  const backup = backupOf(path);
  if (existsSync(backup)) return { ok: false, problem: `${backup} is there from an earlier time: undo that first` };
  const now = readRegularSync(path, maxClientBytes);
  if (!now.ok || now.bytes.toString('utf8') !== before)
    return { ok: false, problem: `${path} has changed meanwhile: try again` };
  try {
    // It may hold secrets, so only its owner may read it.
    writeWhole(backup, before, { when: 'absent', mode: 0o600 });
    writeWhole(path, after);
    // A key of the gateway stands in it now.
    chmodSync(path, 0o600);
    return { ok: true, path: backup };
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}

/**
 * The client's file as it was, behind a link as well. What it became meanwhile is kept under another name, which is `path`.
 */
export function undo(path: string): Done {
  const backup = backupOf(path);
  const before = readRegularSync(backup, maxClientBytes);
  if (!before.ok)
    return before.why === 'missing'
      ? { ok: false, problem: `there is no ${backup}: nothing was adopted` }
      : { ok: false, problem: `${backup} cannot be read: ${before.problem}` };
  const now = readRegularSync(path, maxMeanwhileBytes);
  if (!now.ok && now.why !== 'missing') return { ok: false, problem: `${path} cannot be read: ${now.problem}` };
  const aside = `${path}.with-sallyport`;
  try {
    // It holds a key of the gateway, so only its owner may read it.
    if (now.ok) writeWhole(aside, now.bytes, { mode: 0o600 });
    writeWhole(path, before.bytes, { mode: 0o600 });
    rmSync(backup);
    return { ok: true, path: aside };
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}
