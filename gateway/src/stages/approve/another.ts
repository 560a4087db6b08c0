/** Whether what was approved is still what would be called. */
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import { argumentsOf, decide } from '../../pipeline/decide.ts';
import type { Inspected } from '../../pipeline/exchange.ts';
import { whenceOf } from '../../pipeline/reach.ts';
import { boundOf, contentOf } from './content.ts';
import { approvalDigest, scopeDigest } from './digest.ts';
import type { Approval } from './store.ts';

/** Is what the rules hold now, or what the tool is now, another thing than what was approved? */
export async function isAnother(
  exchange: Inspected,
  { caller, snapshot, approval }: { readonly caller: Caller; readonly snapshot: Snapshot; readonly approval: Approval },
): Promise<boolean> {
  const { capability, tool, upstream } = exchange;
  if (tool !== undefined && capability.type === 'tool') {
    const reading = snapshot.catalog(upstream.server, upstream).read('tools');
    const read = reading instanceof Promise ? await reading : { ok: true as const, listed: reading };
    const definition = read.ok ? read.listed.byName.get(capability.name) : undefined;
    if (definition === undefined) return true;
    if (snapshot.catalog(upstream.server, upstream).facts(definition).digest !== tool.digest) return true;
  }
  const grants = snapshot.policy.grants(caller, upstream.server, whenceOf(exchange));
  if (grants === undefined) return true;
  const now = decide({ ...exchange, caller, grants });
  // A rule that holds it no more asks for nothing.
  if (now.decision.effect !== 'hold' && exchange.heldBy === undefined) return false;
  const bound = boundOf(contentOf(now, snapshot.revision));
  if (approvalDigest(bound) === approval.digest) return false;
  // Other arguments, which the condition of a grant covers: everything else is as it was.
  const { covers } = now.decision;
  if (covers === undefined || approval.content === undefined) return true;
  if (scopeDigest(bound) !== scopeDigest(boundOf(approval.content))) return true;
  return !covers({ args: argumentsOf(now) ?? {}, approved: approval.content.arguments, caller });
}
