/** How many requests and streams one caller has under way. */
import type { Demand, Lease, Limit } from '../../../pipeline/contracts/limit.ts';
import { type Outcome, pass, refuse } from '../../../pipeline/refusal.ts';
import type { Holds } from '../../../state/contract/counters.ts';
import type { Local } from '../../../state/contract/later.ts';
import { MemoryHolds } from '../../../state/memory/holds.ts';

/** Callers that have requests under way at the same time, each counted twice at most: requests and streams. */
const maxKeys = 200_000;

export class Concurrency implements Limit {
  readonly #holds: Local<Holds> = new MemoryHolds({ maxKeys });

  /** The lease is what the caller holds: it costs an exchange no object of its own. */
  admit({ caller, operation, bounds }: Demand): Outcome<Lease> {
    const isStream = operation === 'stream';
    const limit = isStream ? bounds.streams : bounds.concurrency;
    const hold = this.#holds.hold(isStream ? `stream ${caller.key}` : caller.key, limit, Date.now());
    return hold === undefined
      ? refuse({ reason: isStream ? 'too-many-streams' : 'too-many-requests', limit })
      : pass(hold);
  }
}
