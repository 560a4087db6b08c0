/** What is old enough to go: private parts by tier and age, and whole bundles later. */
import { segmentsOf } from '../log/recovery.ts';
import { tileWidth } from '../log/tiles.ts';
import { LogReader } from '../read/log-reader.ts';
import type { RetentionSettings, Tier } from '../settings.ts';
import { type Dropped, tiers } from './dropped.ts';

export interface PlanWork {
  readonly folder: string;
  /** Records whose tiles are durable: what comes after them is needed to open the log. */
  readonly settled: number;
  readonly ages: RetentionSettings;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What was dropped before. */
  readonly last: Dropped;
}

/** `undefined` when nothing is old enough that was not dropped before. Only whole segments and bundles are. */
export function planRetention({ folder, settled, ages, now, last }: PlanWork): Dropped | undefined {
  const reader = new LogReader(folder);
  const size = reader.checkpoint()?.size ?? 0;
  const ends = segmentsOf(folder)
    .slice(1)
    .filter((first) => first <= settled);
  const times = new Map<number, number | undefined>();
  const writtenBefore = (end: number): number | undefined => {
    if (!times.has(end)) times.set(end, writtenOf(reader.entry(end - 1, size)));
    return times.get(end);
  };
  /** Where records begin that are younger, looked for behind what is gone already. */
  const olderThan = (age: number | undefined, before: number): number => {
    if (age === undefined) return before;
    let found = before;
    for (const end of ends) {
      if (end <= before) continue;
      const written = writtenBefore(end);
      if (written !== undefined && written > now - age) break;
      found = end;
    }
    return found;
  };
  const due: Partial<Record<Tier, number>> = {};
  let changed = false;
  for (const tier of tiers) {
    const before = last.tiers[tier] ?? 0;
    const index = olderThan(ages[tier], before);
    if (index > 0) due[tier] = index;
    changed ||= index > before;
  }
  const aged = olderThan(ages.records, last.entries);
  const entries = Math.max(aged - (aged % tileWidth), last.entries);
  changed ||= entries > last.entries;
  // What has no public part any more has no private part either.
  for (const tier of tiers) if (entries > (due[tier] ?? 0)) due[tier] = entries;
  return changed ? { tiers: due, entries } : undefined;
}

function writtenOf(entry: Buffer | undefined): number | undefined {
  return entry === undefined ? undefined : (JSON.parse(entry.toString('utf8')) as { written: number }).written;
}
