/** How many requests and streams one caller has under way. */
import type { Demand, Lease, Limit } from '../../../pipeline/contracts/limit.ts';
import { type Outcome, pass, refuse } from '../../../pipeline/refusal.ts';

/** Callers without anything under way that are remembered: forgetting each at once would cost more than it saves. */
const maxIdle = 10_000;

/** What one caller has under way of one kind. */
class Count implements Lease {
  under = 0;

  settle(): void {
    this.under--;
  }
}

export class Concurrency implements Limit {
  readonly #counts = new Map<string, Count>();

  /** The lease of each exchange of a caller is its count, which each gives back once. */
  admit({ caller, operation, bounds }: Demand): Outcome<Lease> {
    const isStream = operation === 'stream';
    const limit = isStream ? bounds.streams : bounds.concurrency;
    const count = this.#countOf(isStream ? `stream ${caller.key}` : caller.key);
    if (count.under >= limit) return refuse({ reason: isStream ? 'too-many-streams' : 'too-many-requests', limit });
    count.under++;
    return pass(count);
  }

  #countOf(key: string): Count {
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    if (this.#counts.size >= maxIdle) this.#forget();
    const count = new Count();
    this.#counts.set(key, count);
    return count;
  }

  #forget(): void {
    for (const [key, { under }] of this.#counts) if (under === 0) this.#counts.delete(key);
  }
}
