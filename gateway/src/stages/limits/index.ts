/** Stage 6: room under every limit at once. What one limit refuses takes nothing from the others. */
import type { Demand, Lease, Limit, Use } from '../../pipeline/contracts/limit.ts';
import { type Outcome, pass } from '../../pipeline/refusal.ts';
import { Both } from './both.ts';
import type { LimitDefinition } from './contract.ts';
import { limits } from './list.ts';

const unused: Use = { bytesIn: 0, bytesOut: 0, cost: 0, outcome: 'refused' };

/** `definitions`: in place of those that ship. */
export function admission(definitions: readonly LimitDefinition[] = limits): Limit {
  const all = definitions.map((definition) => definition.create());
  const [only] = all;
  // One lease is the lease of the exchange: it costs a call no object of its own.
  return all.length === 1 && only !== undefined ? only : { admit: (demand) => admitTo(all, demand) };
}

function admitTo(all: readonly Limit[], demand: Demand): Outcome<Lease> {
  let together: Lease | undefined;
  for (const limit of all) {
    const lease = limit.admit(demand);
    if (!lease.ok) {
      together?.settle(unused);
      return lease;
    }
    together = together === undefined ? lease.value : new Both(together, lease.value);
  }
  return pass(together ?? none);
}

const none: Lease = { settle: () => {} };
