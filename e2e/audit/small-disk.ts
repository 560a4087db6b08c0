/** A disk that is really full. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder whose `data` is a disk of so many MiB; `undefined` where mounting is not permitted. */
export async function smallDisk(context: TestContext, mebibytes = 4): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-disk-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'tmpfs', data], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  context.after(async () => {
    execFileSync('umount', ['-l', data]);
    await rm(folder, { recursive: true });
  });
  return folder;
}

/** Writes until nothing fits any more. */
export function fill(path: string): void {
  for (const size of [65_536, 4_096, 1])
    try {
      // More than the disk has.
      for (let written = 0; written <= 8 * 1_048_576; written += size) appendFileSync(path, Buffer.alloc(size));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
}
