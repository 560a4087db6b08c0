/** What the log takes of its disk, what the disk has left, and how much of it must go. */
import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RetentionSettings } from '../settings.ts';

/** Once a bound is passed, this share of it is made free beyond it, so that not every record is followed by a retention. */
const slack = 1 / 16;
/** Times the reserve at which a warning comes. */
const warnTimes = 4;
/** Of a disk without a reserve, in bytes: what the warning goes by. */
const assumedReserve = 128 * 1024 * 1024;

export interface Space {
  /** Bytes of the log, with the hashes that stay. */
  readonly used: number;
  /** Bytes that the disk has left for this process. */
  readonly free: number;
}

export function spaceOf(folder: string): Space {
  return { used: usedBy(folder), free: freeAt(folder) };
}

/** Files that another process replaces or removes meanwhile do not count. */
function usedBy(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

export function freeAt(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Bytes that must go so that the log has no more than `size`, and the disk no less than `reserve`; 0: none. */
export function excessOf(
  { used, free }: Space,
  { size, reserve }: RetentionSettings,
): { size: number; reserve: number } {
  return {
    size: size === undefined || used <= size ? 0 : Math.ceil(used - size * (1 - slack)),
    reserve: reserve === undefined || free >= reserve ? 0 : Math.ceil(reserve * (1 + slack) - free),
  };
}

/** What an operator is told about a disk that fills, long before it is full; `undefined`: there is enough. */
export function spaceWarning(free: number, { reserve, size }: RetentionSettings): string | undefined {
  if (free >= warnTimes * (reserve ?? assumedReserve)) return undefined;
  const left = `the disk of the log has ${mebibytes(free)} left`;
  if (reserve !== undefined)
    return `${left}: below ${mebibytes(reserve)} (audit.retention.reserve) the oldest arguments and results are dropped`;
  const bound = size === undefined ? 'audit.retention.size or audit.retention.reserve' : 'audit.retention.reserve';
  return `${left}: once it is full, audit.onFailure says what becomes of calls; free some of it, or set ${bound}`;
}

export function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
