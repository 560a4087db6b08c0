/** Which servers a caller reaches, over which links. */

import { offeredCapabilities } from '../protocol/capabilities.ts';
import type { Grants } from './contracts/policy.ts';
import type { CatalogView, Graph } from './contracts/snapshot.ts';
import type { Link } from './contracts/upstream.ts';
import type { Identified } from './exchange.ts';

/** A server that this caller is connected to, and the way there. */
export interface Reached {
  readonly server: string;
  readonly grants: Grants;
  readonly link: Link;
  readonly catalog: CatalogView;
}

/** `undefined` when there is no such server for this caller. */
export function reach(exchange: Identified, graph: Graph, server: string): Reached | undefined {
  const status = graph.statusOf(server);
  if (status !== 'active' && status !== 'draining') return undefined;
  const grants = graph.policy.grants(exchange.caller, server);
  if (grants === undefined) return undefined;
  const { session } = exchange.client;
  const capabilities = offeredCapabilities(exchange.client.capabilities, grants.requests);
  const client = { caller: exchange.caller, era: exchange.client.era, capabilities };
  const link = graph.upstreams.link(server, session === undefined ? client : { ...client, session: session.digest });
  return link === undefined ? undefined : { server, grants, link, catalog: graph.catalog(server, link) };
}

/** Every server that an endpoint leads this caller to, in the order of the configuration. */
export function reachAll(exchange: Identified, graph: Graph): readonly Reached[] {
  const { endpoint } = exchange;
  const names = endpoint.kind === 'server' ? [endpoint.server] : graph.policy.serversOf(exchange.caller);
  return names.map((name) => reach(exchange, graph, name)).filter((reached) => reached !== undefined);
}
