/**
 * What is to go: private parts by tier and age, whole bundles later, and the oldest private parts of all tiers when the log
 * is too large or its disk too full.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { segmentsOf } from '../log/recovery.ts';
import { segmentName } from '../log/segment.ts';
import { tileWidth } from '../log/tiles.ts';
import { LogReader } from '../read/log-reader.ts';
import type { RetentionSettings, Tier } from '../settings.ts';
import { type DropPlan, type Dropped, type DropReason, tiers } from './dropped.ts';
import { excessOf, spaceOf } from './space.ts';

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

/** `undefined` when nothing has to go that was not dropped before. Only whole segments and bundles do. */
export function planRetention({ folder, settled, ages, now, last }: PlanWork): DropPlan | undefined {
  const reader = new LogReader(folder);
  const size = reader.checkpoint()?.size ?? 0;
  const firsts = segmentsOf(folder);
  const ends = firsts.slice(1).filter((first) => first <= settled);
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
  const because = new Set<DropReason>();
  for (const tier of tiers) {
    const before = last.tiers[tier] ?? 0;
    const index = olderThan(ages[tier], before);
    if (index > 0) due[tier] = index;
    if (index > before) because.add('age');
  }
  const aged = olderThan(ages.records, last.entries);
  const entries = Math.max(aged - (aged % tileWidth), last.entries);
  if (entries > last.entries) because.add('age');
  // What has no public part any more has no private part either.
  for (const tier of tiers) if (entries > (due[tier] ?? 0)) due[tier] = entries;
  const excess = excessOf(spaceOf(folder), ages);
  for (const reason of ['size', 'reserve'] as const) {
    const end = roomFor(excess[reason], { folder, firsts, ends, due });
    const added = tiers.filter((tier) => end > (due[tier] ?? 0));
    for (const tier of added) due[tier] = end;
    if (added.length > 0) because.add(reason);
  }
  return because.size > 0 ? { tiers: due, entries, because: [...because] } : undefined;
}

interface Segments {
  readonly folder: string;
  /** Where segments begin, and where those end that may go. */
  readonly firsts: readonly number[];
  readonly ends: readonly number[];
  readonly due: Readonly<Partial<Record<Tier, number>>>;
}

/** Before which record private parts must go so that so many bytes become free. All of it, should that be too little. */
function roomFor(bytes: number, { folder, firsts, ends, due }: Segments): number {
  const dropped = Math.min(...tiers.map((tier) => due[tier] ?? 0));
  let left = bytes;
  let found = 0;
  for (const [index, end] of ends.entries()) {
    if (left <= 0) break;
    // A segment without any private part goes as a whole. What goes by age makes room as well.
    const path = join(folder, 'segments', segmentName(firsts[index] ?? 0));
    left -= statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (end > dropped) found = end;
  }
  return found;
}

function writtenOf(entry: Buffer | undefined): number | undefined {
  return entry === undefined ? undefined : (JSON.parse(entry.toString('utf8')) as { written: number }).written;
}
