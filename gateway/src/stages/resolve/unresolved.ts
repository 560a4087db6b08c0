/** What the record says of a request that goes no further: where it would have led, as far as that is known already. */

import { byAlias, mayBelong } from '../../pipeline/alias.ts';
import type { Capability, Decision, Grants } from '../../pipeline/contracts/policy.ts';
import type { CatalogView, Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { Identified, UnresolvedTarget } from '../../pipeline/exchange.ts';
import { type ReachableServer, reachAll } from '../../pipeline/reach.ts';
import { capabilityOf, type Target, targetOf } from './target.ts';

/** For a request beyond the limits of its caller: where the lists at hand say that it leads. Asks no server. */
export function unresolvedTarget(exchange: Identified, snapshot: Snapshot): UnresolvedTarget | undefined {
  const servers = reachAll(exchange, snapshot);
  const [first] = servers;
  if (first === undefined) return undefined;
  const target = exchange.operation === 'call' ? targetOf(exchange.method, exchange.params) : undefined;
  if (target?.ok !== true) return unresolvedAtAll(servers);
  const { value } = target;
  if (exchange.endpoint.kind === 'server') return unresolvedAt(first, value, capabilityOf(value));
  if (value.type !== 'tool' && value.type !== 'prompt') return unresolvedAtAll(servers, value, capabilityOf(value));
  const possible = servers.filter(({ server }) => mayBelong(value.name, server));
  for (const reachable of possible) {
    const listed = reachable.catalog.peek(value.type === 'tool' ? 'tools' : 'prompts');
    const name = listed && byAlias(reachable.server, listed).get(value.name);
    if (name !== undefined) return unresolvedAt(reachable, value, { type: value.type, name });
  }
  return unresolvedAtAll(possible, value);
}

export function unresolvedAt(
  { server, grants, catalog }: ReachableServer,
  asked: Target,
  capability: Capability,
): UnresolvedTarget {
  const tags = capability.type === 'tool' ? catalog.traitsOf(capability.name)?.tags : undefined;
  return {
    asked: nameOf(asked),
    server,
    connections: grants.connections,
    // Everything but a tool is read.
    tier: capability.type === 'tool' ? catalog.tierOf(capability.name) : 'read',
    ...(tags !== undefined && { tags }),
    ...(isKnown(capability, grants, catalog) ? { capability } : {}),
  };
}

/** `capability`: only of what no alias leads to, a resource or a template. */
export function unresolvedAtAll(
  servers: readonly ReachableServer[],
  asked?: Target,
  capability?: Capability,
): UnresolvedTarget {
  const [only, another] = servers;
  const known = capability !== undefined && servers.some(({ grants, catalog }) => isKnown(capability, grants, catalog));
  return {
    ...(asked === undefined ? {} : { asked: nameOf(asked) }),
    ...(only === undefined || another !== undefined ? {} : { server: only.server }),
    connections: [...new Set(servers.flatMap(({ grants }) => grants.connections))],
    ...(capability === undefined ? {} : { tier: 'read' as const }),
    ...(known ? { capability } : {}),
  };
}

/** Of several servers that could never allow it, the first one at which a rule says so. */
export function closedAtAll(servers: readonly ReachableServer[], capability: Capability): Decision | undefined {
  const decisions = servers.map(({ grants }) => grants.closed(capability));
  return decisions.find(({ rule }) => rule !== undefined) ?? decisions[0];
}

function nameOf(target: Target): string {
  switch (target.type) {
    case 'tool':
    case 'prompt':
      return target.name;
    case 'resource':
      return target.uri;
    case 'template':
      return target.uriTemplate;
  }
}

/** A resource is always that, and its URI is private. Every other name is known from a list or a rule, or made up. */
function isKnown(capability: Capability, grants: Grants, catalog: CatalogView): boolean {
  switch (capability.type) {
    case 'tool':
      return grants.names(capability) || catalog.peek('tools')?.byName.has(capability.name) === true;
    case 'prompt':
      return grants.names(capability) || catalog.peek('prompts')?.byName.has(capability.name) === true;
    case 'template':
      return catalog.peek('templates')?.byName.has(capability.uriTemplate) === true;
    case 'resource':
      return true;
  }
}

/** For the record only. */
export function detailOf({ caller }: Identified, { reason, rule, errors }: Decision): string {
  switch (reason) {
    case 'user-ceiling':
      return `the ceiling of user:${caller.user}`;
    case 'agent-ceiling':
      return `the ceiling of agent:${caller.agent}`;
    case 'application-ceiling':
      return `the ceiling of application:${caller.application}`;
    case 'rule':
    case 'no-rule':
    case 'scope':
      return rule === undefined ? (errors[0] ?? 'no rule could allow it') : `${rule.place} ${rule.text}`;
  }
}
