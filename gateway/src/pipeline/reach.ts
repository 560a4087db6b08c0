/** Which servers a caller reaches, through which upstream clients. */

import { offeredCapabilities } from '../protocol/capabilities.ts';
import type { Grants, Whence } from './contracts/policy.ts';
import type { CatalogView, ServerStatus, Snapshot } from './contracts/snapshot.ts';
import type { UpstreamClient } from './contracts/upstream.ts';
import type { Identified } from './exchange.ts';

/** A server that this caller is connected to, and the way there. */
export interface ReachableServer {
  readonly server: string;
  readonly grants: Grants;
  readonly upstream: UpstreamClient;
  readonly catalog: CatalogView;
  /** It is taken out of service: it has no lists, and is asked for nothing. */
  readonly isDisabled: boolean;
}

/** Whether a server of this status exists for those who are connected to it. */
export function isThere(status: ServerStatus): boolean {
  return status === 'active' || status === 'draining' || status === 'disabled';
}

/** `undefined` when there is no such server for this caller. */
export function reach(exchange: Identified, snapshot: Snapshot, server: string): ReachableServer | undefined {
  const status = snapshot.statusOf(server);
  if (status === undefined || !isThere(status)) return undefined;
  const grants = snapshot.policy.grants(exchange.caller, server, whenceOf(exchange));
  if (grants === undefined) return undefined;
  const { session } = exchange.client;
  const capabilities = offeredCapabilities(exchange.client.capabilities, grants.requests);
  const client = { caller: exchange.caller, era: exchange.client.era, capabilities };
  const upstream = snapshot.upstreams.client(
    server,
    session === undefined ? client : { ...client, session: session.digest },
  );
  const catalog = upstream && snapshot.catalog(server, upstream);
  return upstream && catalog && { server, grants, upstream, catalog, isDisabled: status === 'disabled' };
}

/** Now, and from where its client is connected. What stays open is asked about again and again. */
export function whenceOf({ address }: Pick<Identified, 'address'>): Whence {
  return { at: Date.now(), address };
}

/** Every server that an endpoint leads this caller to, in the order of the configuration. */
export function reachAll(exchange: Identified, snapshot: Snapshot): readonly ReachableServer[] {
  const { endpoint } = exchange;
  const names =
    endpoint.kind === 'server' ? [endpoint.server] : snapshot.policy.serversOf(exchange.caller, whenceOf(exchange));
  return names.map((name) => reach(exchange, snapshot, name)).filter((reachable) => reachable !== undefined);
}
