/** A disk on which chosen operations fail until they are let through again. */
import { type Disk, realDisk } from '../../src/stages/record/log/disk.ts';

export function failingDisk(): Disk & { fail: (operation: 'write' | 'sync' | undefined, after?: number) => void } {
  let failing: 'write' | 'sync' | undefined;
  let left = 0;
  const error = (code: string) => Object.assign(new Error(`${code}: made up`), { code });
  const check = (operation: 'write' | 'sync', code: string): void => {
    if (failing === operation && left-- <= 0) throw error(code);
  };
  return {
    ...realDisk,
    writeSync: ((...args: Parameters<typeof realDisk.writeSync>) => {
      check('write', 'ENOSPC');
      return realDisk.writeSync(...args);
    }) as typeof realDisk.writeSync,
    fdatasyncSync: (file) => {
      check('sync', 'EIO');
      realDisk.fdatasyncSync(file);
    },
    fail: (operation, after = 0) => {
      failing = operation;
      left = after;
    },
  };
}
