/** What retention has dropped, as the record of it says. */
import type { Tier } from '../settings.ts';

export const tiers: readonly Tier[] = ['read', 'write', 'destructive'];

/** Records before these indexes have lost their private part, by tier, and their public part. */
export interface Dropped {
  readonly tiers: Readonly<Partial<Record<Tier, number>>>;
  readonly entries: number;
}

/** Why: it was old enough, the log too large, or the disk too full. */
export type DropReason = 'age' | 'size' | 'reserve';

/** What is to be dropped next. */
export interface DropPlan extends Dropped {
  readonly because: readonly DropReason[];
}

export const nothingDropped: Dropped = { tiers: {}, entries: 0 };

export function sameDropped(one: Dropped, other: Dropped): boolean {
  return one.entries === other.entries && tiers.every((tier) => one.tiers[tier] === other.tiers[tier]);
}
