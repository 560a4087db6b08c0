/** Takes off the disk what a record says is dropped. Tiles stay, so that every proof and checkpoint keeps its meaning. */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { realDisk, syncFolder, writeInPieces } from '../log/disk.ts';
import { segmentsOf } from '../log/recovery.ts';
import { encodeGroup, type Group, readGroup, type Stored, segmentName } from '../log/segment.ts';
import { tilePath, tileWidth } from '../log/tiles.ts';
import type { Tier } from '../settings.ts';
import { type Dropped, tiers } from './dropped.ts';

export interface DropWork {
  readonly folder: string;
  /** What is known to be gone, and what must be. */
  readonly from: Dropped;
  readonly to: Dropped;
}

/** Can be repeated, and goes on where it was interrupted: what is gone is skipped. */
export async function dropFiles({ folder, from, to }: DropWork): Promise<void> {
  // The checkpoint that covers the record of this must be there before anything is not.
  syncFolder(realDisk, folder);
  await dropPrivate(join(folder, 'segments'), segmentsOf(folder), from, to);
  const changed = new Set<string>();
  for (let bundle = Math.floor(from.entries / tileWidth); (bundle + 1) * tileWidth <= to.entries; bundle++) {
    const path = join(folder, tilePath('entries', bundle));
    rmSync(path, { force: true });
    // What a checkpoint of long ago held of it, should that have been left.
    rmSync(`${path}.p`, { recursive: true, force: true });
    changed.add(dirname(path));
  }
  for (const each of changed) syncFolder(realDisk, each);
}

async function dropPrivate(folder: string, firsts: readonly number[], from: Dropped, to: Dropped): Promise<void> {
  // A copy that was not finished holds what is to go.
  for (const name of readdirSync(folder)) if (name.endsWith('.new')) rmSync(join(folder, name));
  for (const [index, first] of firsts.entries()) {
    const end = firsts[index + 1];
    // The last one is being written.
    if (end === undefined) break;
    const path = join(folder, segmentName(first));
    const isDue = (tier: Tier): boolean => first < (to.tiers[tier] ?? 0) && end > (from.tiers[tier] ?? 0);
    if (tiers.every((tier) => end <= (to.tiers[tier] ?? 0))) rmSync(path, { force: true });
    else if (tiers.some(isDue)) await rewrite(path, end, to);
  }
  syncFolder(realDisk, folder);
}

/** The same segment without the private parts that are due. */
async function rewrite(path: string, end: number, to: Dropped): Promise<void> {
  const bytes = readFileSync(path);
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  const groups: Buffer[] = [];
  for (let offset = 0; ; ) {
    const group = readGroup(read, offset);
    if (group === 'end' || group === 'torn' || group.first >= end) break;
    groups.push(encodeGroup(group.first, without(group, to)));
    offset = group.end;
  }
  const kept = Buffer.concat(groups);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await writeInPieces(file, { size: kept.length, bytes: (at, length) => kept.subarray(at, at + length) });
  } finally {
    await file.close();
  }
  renameSync(`${path}.new`, path);
}

function without({ first, records }: Group, to: Dropped): Stored[] {
  return records.map(({ entry, sealed }, index) =>
    sealed.length > 0 && first + index < (to.tiers[tierOf(entry)] ?? 0)
      ? { entry, sealed: Buffer.alloc(0) }
      : { entry, sealed },
  );
}

function tierOf(entry: Buffer): Tier {
  return (JSON.parse(entry.toString('utf8')) as { readonly tier?: Tier }).tier ?? 'read';
}
