/** What the disk does: how long its syncs take, and what a log has written to it. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { rangeReader, segmentsOf } from '../../gateway/src/stages/record/log/recovery.ts';
import { readGroup, segmentName } from '../../gateway/src/stages/record/log/segment.ts';
import { type Quantiles, quantiles } from './row.ts';

/**
 * One write and one sync, again and again, at the end of a file that grows or in the place of zeros: what every other
 * number is compared with.
 */
export function syncTimes(
  folder: string,
  count: number,
  size: number,
  where: 'growing' | 'zeros' = 'growing',
): Quantiles {
  const file = openSync(join(folder, 'sync'), 'w');
  const zeros = Buffer.alloc(size);
  if (where === 'zeros') for (let each = 0; each < count; each++) writeSync(file, zeros, 0, size, each * size);
  fdatasyncSync(file);
  const bytes = Buffer.alloc(size, 1);
  const times = Array.from({ length: count }, (_, each) => {
    writeSync(file, bytes, 0, size, each * size);
    const begin = performance.now();
    fdatasyncSync(file);
    return performance.now() - begin;
  });
  closeSync(file);
  return quantiles(times);
}

/** Records of which the tiles are synced. */
export function settledOf(folder: string): number {
  const path = join(folder, 'settled.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { size: number }).size : 0;
}

/** A group of records is what one sync made durable. */
export function groupsOf(folder: string): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const first of segmentsOf(folder)) {
    const file = openSync(join(folder, 'segments', segmentName(first)), 'r');
    const read = rangeReader(file);
    let offset = 0;
    for (;;) {
      const group = readGroup(read, offset);
      if (typeof group === 'string') break;
      count++;
      offset = group.end;
    }
    bytes += offset;
    closeSync(file);
  }
  return { count, bytes };
}

export function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
