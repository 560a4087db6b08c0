/**
 * Slows down failing authentication with growing pauses, by source and by claimed identity. Credentials that are known
 * to be good pass all the same, so failures of others cannot lock out a caller that is already in.
 */
import type { Count, CounterName, Counters } from '../../state/contract/counters.ts';
import type { Local } from '../../state/contract/later.ts';
import { MemoryCounters } from '../../state/memory/counters.ts';

const firstPauseMs = 250;
/** Milliseconds. Short for identities: a false claim must not shut out the caller to which the identity belongs. */
const maxPauseMs = { source: 60_000, identity: 5_000 };
/** Without a failure for so long, everything is forgotten. */
const memoryMs = 600_000;
/** Sources, and identities, that are remembered at the same time. */
export const maxTracked = 10_000;

export class Throttle {
  readonly #failures: Local<Counters> = new MemoryCounters({ maxOfOwner: maxTracked, idleMs: memoryMs });

  /** Sources and identities that are remembered. */
  get size(): number {
    return this.#failures.size(Date.now());
  }

  /** Milliseconds to wait; 0 when there is no reason to. The first `free` failures cost nothing. */
  pause(source: string | undefined, identity: string | undefined, now: number, free: number): number {
    return Math.max(0, ...named(source, identity).map((name) => left(name, this.#failures.read(name, now), now, free)));
  }

  /** Counts a failure. Returns how long the source has to wait when it begins to, for the record. */
  failed(source: string | undefined, identity: string | undefined, now: number, free: number): number {
    const names = named(source, identity);
    const [first] = names;
    const [count] = this.#failures.add(names, now);
    return first?.owner === 'source' ? left(first, count, now, free) : 0;
  }
}

type Name = CounterName & { readonly owner: keyof typeof maxPauseMs };

function named(source: string | undefined, identity: string | undefined): readonly Name[] {
  return [
    ...(source === undefined ? [] : [{ owner: 'source', key: source } as const]),
    ...(identity === undefined ? [] : [{ owner: 'identity', key: identity } as const]),
  ];
}

/** Each failure beyond the free ones doubles the pause, which begins with it. */
function left({ owner }: Name, count: Count | undefined, now: number, free: number): number {
  const beyond = (count?.value ?? 0) - free;
  if (count === undefined || beyond <= 0) return 0;
  return count.changedAt + Math.min(firstPauseMs * 2 ** Math.min(beyond - 1, 20), maxPauseMs[owner]) - now;
}
