/** Removes what processes that were killed while they wrote left beside the files that they wrote (`whole-file.ts`). */
import { lstatSync, opendirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const draftName = /\.\d{1,10}\.[0-9a-f]{12}\.new$/;
/** Milliseconds after which nothing writes any more. A draft lives for a fraction of a second. */
const maxDraftAgeMs = 3_600_000;
/** Entries of a folder that are looked at. */
const maxEntries = 100_000;

/** Never throws: what cannot be looked at or removed is in the way of nothing. */
export function removeLeftDrafts(folders: readonly string[], now: number): void {
  for (const folder of folders)
    try {
      removeIn(folder, now);
    } catch {
      // There is no such folder, or it cannot be read: whatever needs it says so.
    }
}

function removeIn(folder: string, now: number): void {
  using entries = opendirSync(folder);
  for (let count = 0; count < maxEntries; count++) {
    const entry = entries.readSync();
    if (entry === null) return;
    if (!entry.isFile() || !draftName.test(entry.name)) continue;
    const path = join(folder, entry.name);
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info !== undefined && now - info.mtimeMs > maxDraftAgeMs) rmSync(path, { force: true });
  }
}
