/** Changes the file of a client, with a backup beside it that `--undo` puts back. */
import { chmodSync, existsSync, renameSync } from 'node:fs';
import { readRegularSync } from '../../stores/regular-file.ts';
import { writeWhole } from '../../stores/whole-file.ts';
import { maxClientBytes } from './syntax.ts';

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
    // Secrets may stand in it: for nobody but its owner.
    writeWhole(backup, before, { when: 'absent', mode: 0o600 });
    writeWhole(path, after);
    // A key of the gateway stands in it now.
    chmodSync(path, 0o600);
    return { ok: true, path: backup };
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}

/** The client's file as it was. What it became meanwhile is kept under another name, which is `path`. */
export function undo(path: string): Done {
  const backup = backupOf(path);
  if (!existsSync(backup)) return { ok: false, problem: `there is no ${backup}: nothing was adopted` };
  const aside = `${path}.with-sallyport`;
  try {
    if (existsSync(path)) renameSync(path, aside);
    renameSync(backup, path);
    return { ok: true, path: aside };
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
}
