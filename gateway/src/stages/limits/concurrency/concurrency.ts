/** How many requests and streams one caller has under way. */
import type { Demand, Lease, Limit } from '../../../pipeline/contracts/limit.ts';
import { type Outcome, pass, refuse } from '../../../pipeline/refusal.ts';
import type { Holds } from '../../../state/contract/counters.ts';
import type { Local } from '../../../state/contract/later.ts';
import { MemoryHolds } from '../../../state/memory/holds.ts';
import { Both } from '../both.ts';

/** Callers that have requests under way at the same time, each counted three times at most: requests, streams, one server. */
const maxKeys = 300_000;
/** Of what one caller may have under way, one in so many is for other servers than the one that has the most. */
const forOthers = 8;

/** What waits for it gives the place back. */
const placed: { settle(): void } = { settle: () => {} };

export class Concurrency implements Limit {
  readonly #holds: Local<Holds> = new MemoryHolds({ maxKeys });

  /** The lease is what the caller holds: it costs an exchange no object of its own, unless it leads to one server. */
  admit({ caller, operation, server, hasPlace, bounds }: Demand): Outcome<Lease> {
    const isStream = operation === 'stream';
    const limit = isStream ? bounds.streams : bounds.concurrency;
    const now = Date.now();
    const hold = hasPlace ? placed : this.#holds.hold(isStream ? `stream ${caller.key}` : caller.key, limit, now);
    if (hold === undefined) return refuse({ reason: isStream ? 'too-many-streams' : 'too-many-requests', limit });
    if (isStream || server === undefined || limit < forOthers) return pass(hold);
    // A server that hangs, or whose token does not come, leaves the caller room for others.
    const share = limit - Math.floor(limit / forOthers);
    const ofServer = this.#holds.hold(`${caller.key} ${server}`, share, now);
    if (ofServer === undefined) {
      hold.settle();
      return refuse({ reason: 'too-many-requests', limit: share });
    }
    return pass(new Both(hold, ofServer));
  }
}
