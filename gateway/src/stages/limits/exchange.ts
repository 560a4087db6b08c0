/** What limits see of an exchange. */
import type { Admission, Demand, Limit } from '../../pipeline/contracts/limit.ts';
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { Decided, Identified } from '../../pipeline/exchange.ts';
import { type Outcome, pass } from '../../pipeline/refusal.ts';
import type { Subject } from './limiter/keys.ts';
import type { Call, Limiter } from './limiter/limiter.ts';

/** Characters. */
const maxServerName = 64;
const handshakes: ReadonlySet<string> = new Set(['initialize', 'server/discover']);

interface Entering extends Pick<Demand, 'hasPlace'> {
  readonly exchange: Identified;
  readonly snapshot: Snapshot;
}

/** Before it is known where an exchange leads: what its caller has under way, and lists and handshakes. */
export function admitTo(
  limit: Limit,
  limiter: Limiter,
  { exchange, snapshot, hasPlace }: Entering,
): Outcome<Admission> {
  const { caller, address, operation, method, endpoint } = exchange;
  // What waits for it at the endpoint of one server has its place at that server as well.
  const server = hasPlace && endpoint.kind === 'server' ? undefined : serverOf(exchange);
  const lease = limit.admit({ caller, address, operation, server, hasPlace, bounds: snapshot.bounds });
  const what = operation === 'list' ? 'lists' : handshakes.has(method) ? 'handshakes' : undefined;
  if (!lease.ok) return lease;
  if (what === undefined) return pass({ lease: lease.value });
  const admitted = limiter.admitOther(what, subjectOf(exchange), snapshot.limits);
  if (admitted.ok)
    return pass({ lease: lease.value, ...(admitted.value !== undefined && { verdicts: admitted.value }) });
  lease.value.settle({ bytesIn: 0, bytesOut: 0, cost: 0, outcome: 'refused' });
  return admitted;
}

/** At the portal by the alias: what is not known yet is asked of its server, which may not answer. */
function serverOf({ endpoint, params }: Identified): string | undefined {
  if (endpoint.kind === 'server') return endpoint.server;
  const { name } = params;
  if (typeof name !== 'string') return undefined;
  const end = name.indexOf('__');
  return end < 1 || end > maxServerName ? undefined : name.slice(0, end);
}

/** The end of stage 6: a call that everything else lets through. `isResumed`: it goes on with one that was counted. */
export function callOf(exchange: Decided, { isResumed }: Pick<Call, 'isResumed'>): Call {
  const { grants, upstream, capability, tool, decision, bytesIn, cancellation } = exchange;
  const { server } = upstream;
  const tier = tool?.tier ?? 'read';
  const named = capability.type === 'tool' ? { tool: capability.name } : {};
  const connection = decision.rule?.connection ?? grants.connections[0];
  return {
    subject: { ...subjectOf(exchange), server, tier, ...named, ...(connection !== undefined && { connection }) },
    target: { server, grants, tier, ...named },
    bytesIn,
    cost: tool?.cost ?? 0,
    isResumed,
    cancellation,
  };
}

function subjectOf({ caller, address, client }: Identified): Subject {
  return { caller, address, session: client.session?.digest };
}
