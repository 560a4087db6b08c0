/** Stage 6: room under every limit at once. What one limit refuses takes nothing from the others. */
import type { Demand, Lease, Limit, Use } from '../../pipeline/contracts/limit.ts';
import { type Outcome, pass } from '../../pipeline/refusal.ts';
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
  const leases: Lease[] = [];
  for (const limit of all) {
    const lease = limit.admit(demand);
    if (!lease.ok) {
      for (const before of leases) before.settle(unused);
      return lease;
    }
    leases.push(lease.value);
  }
  return pass({
    settle(use) {
      for (const lease of leases) lease.settle(use);
    },
  });
}
