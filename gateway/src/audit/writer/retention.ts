/**
 * Retention: private parts go by tier and age, whole bundles later. Tiles stay, so that every proof and every checkpoint
 * keeps its meaning. What may be missing is said in a record before it is missing.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realDisk, syncFolder } from '../log/disk.ts';
import { segmentsOf } from '../log/recovery.ts';
import { encodeGroup, type Group, readGroup, type Stored, segmentName } from '../log/segment.ts';
import { tilePath, tileWidth } from '../log/tiles.ts';
import { LogReader } from '../read/log-reader.ts';
import type { RetentionSettings, Tier } from '../settings.ts';

/** Records before these indexes have lost their private part, by tier, and their public part. */
export interface Dropped {
  readonly tiers: Readonly<Partial<Record<Tier, number>>>;
  readonly entries: number;
}

const tiers: readonly Tier[] = ['read', 'write', 'destructive'];

interface Entry {
  readonly written: number;
  readonly tier?: Tier;
  readonly private?: string;
  readonly detail?: { readonly key?: string; readonly keys?: readonly KeyPeriod[] };
  readonly kind: string;
}

/** `undefined` when nothing is old enough that was not dropped before. Only whole segments and bundles are. */
export function planRetention(
  folder: string,
  settled: number,
  settings: RetentionSettings,
  now: number,
): Dropped | undefined {
  const reader = new LogReader(folder);
  const size = reader.checkpoint()?.size ?? 0;
  const ends = segmentsOf(folder)
    .slice(1)
    .filter((first) => first <= settled);
  const olderThan = (age: number): number => {
    let before = 0;
    for (const end of ends) {
      const entry = reader.entry(end - 1, size);
      if (entry !== undefined && parse(entry).written > now - age) break;
      before = end;
    }
    return before;
  };
  const last = lastRetention(reader, size);
  const before: Partial<Record<Tier, number>> = {};
  let changed = false;
  for (const tier of tiers) {
    const age = settings[tier];
    const index = Math.max(age === undefined ? 0 : olderThan(age), last.tiers[tier] ?? 0);
    if (index > 0) before[tier] = index;
    changed ||= index > (last.tiers[tier] ?? 0);
  }
  const { records } = settings;
  const aged = records === undefined ? 0 : olderThan(records);
  const entries = Math.max(aged - (aged % tileWidth), last.entries);
  changed ||= entries > last.entries;
  // What has no public part any more has no private part either.
  for (const tier of tiers) if (entries > (before[tier] ?? 0)) before[tier] = entries;
  return changed ? { tiers: before, entries } : undefined;
}

/** Can be repeated: what is gone already is skipped. */
export function dropFiles(folder: string, { tiers: before, entries }: Dropped): void {
  // The checkpoint that covers the record of this must be there before anything is not.
  syncFolder(realDisk, folder);
  const firsts = segmentsOf(folder);
  for (const [index, first] of firsts.entries()) {
    const end = firsts[index + 1];
    if (end === undefined) break;
    const path = join(folder, 'segments', segmentName(first));
    if (tiers.every((tier) => end <= (before[tier] ?? 0))) rmSync(path, { force: true });
    else if (tiers.some((tier) => first < (before[tier] ?? 0))) rewrite(path, end, before);
  }
  for (let bundle = 0; (bundle + 1) * tileWidth <= entries; bundle++) {
    const path = join(folder, tilePath('entries', bundle));
    rmSync(path, { force: true });
    // What a checkpoint of long ago held of it, should that have been left.
    rmSync(`${path}.p`, { recursive: true, force: true });
  }
  syncFolder(realDisk, join(folder, 'segments'));
}

/** The same segment without the private parts that are due. */
function rewrite(path: string, end: number, before: Dropped['tiers']): void {
  const bytes = readFileSync(path);
  const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
  const groups: Buffer[] = [];
  for (let offset = 0; ; ) {
    const group = readGroup(read, offset);
    if (group === 'end' || group === 'torn' || group.first >= end) break;
    groups.push(encodeGroup(group.first, without(group, before)));
    offset = group.end;
  }
  writeFileSync(`${path}.new`, Buffer.concat(groups), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function without({ first, records }: Group, before: Dropped['tiers']): Stored[] {
  return records.map(({ entry, sealed }, index) =>
    sealed.length > 0 && first + index < (before[parse(entry).tier ?? 'read'] ?? 0)
      ? { entry, sealed: Buffer.alloc(0) }
      : { entry, sealed },
  );
}

export type KeyPeriod = { readonly from: number; readonly key: string };

/** Every key of the log and the record with which it began, for when those records are gone. */
export function keyHistory(folder: string, current: string): KeyPeriod[] {
  const reader = new LogReader(folder);
  const size = reader.checkpoint()?.size ?? 0;
  let periods: KeyPeriod[] = [];
  for (const { seq, entry } of reader.entries(0, size, size)) {
    // Cheap to rule out; the rest is read properly.
    if (!entry.includes('"kind":"log-key"') && !entry.includes('"kind":"retention"')) continue;
    const { kind, detail } = parse(entry);
    if (kind === 'log-key' && detail?.key !== undefined) periods.push({ from: seq, key: detail.key });
    if (kind === 'retention' && periods.length === 0) periods = [...(detail?.keys ?? [])];
  }
  return periods.length === 0 ? [{ from: 0, key: current }] : periods;
}

function lastRetention(reader: LogReader, size: number): Dropped {
  let last: Dropped = { tiers: {}, entries: 0 };
  for (const { entry } of reader.entries(0, size, size))
    if (entry.includes('"kind":"retention"')) last = (JSON.parse(entry.toString('utf8')) as { detail: Dropped }).detail;
  return last;
}

function parse(entry: Buffer): Entry {
  return JSON.parse(entry.toString('utf8')) as Entry;
}
