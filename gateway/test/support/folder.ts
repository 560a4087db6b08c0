/** Folders of tests. They are gone when the process of the test file ends, however it ends by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function temporaryFolder(what: string): string {
  const folder = mkdtempSync(join(tmpdir(), `sallyport-${what}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
