/**
 * The endpoints as OAuth protected resources: what they are called, where their metadata stands, how a client is told.
 * Names come from the public URL of the configuration, never from a Host header.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientCertificate } from '../../pipeline/contracts/authenticate.ts';
import type { Endpoint } from '../../pipeline/exchange.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import type { Shares } from '../../pipeline/shares.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { challenge, metadataUrl, resourceMetadata, wellKnownPath } from '../../protocol/protected-resource.ts';
import type { ListenerContext } from '../context.ts';
import type { Connections } from './connections.ts';
import { routeOf } from './guard.ts';

/** What a listener is given, and the names of its endpoints. */
export interface HttpFront extends ListenerContext {
  readonly resources: Resources;
  readonly bodies: Shares;
  readonly connections: Connections;
  /** Where a request comes from, behind the declared proxies. */
  readonly addressOf: (request: IncomingMessage) => string | undefined;
  /** What the client of a connection proved in its handshake. */
  certificateOf?(socket: Socket): ClientCertificate | undefined;
}

export interface AuthorizationServers {
  readonly issuers: readonly string[];
  /** What a client should ask for first. */
  readonly scopes: readonly string[];
}

export class Resources {
  readonly #base: string;
  readonly #servers: () => AuthorizationServers;

  /** `base`: the public URL of the listener. `servers`: those of the revision in force. */
  constructor(base: string, servers: () => AuthorizationServers) {
    this.#base = base.replace(/\/+$/, '');
    this.#servers = servers;
  }

  of(endpoint: Endpoint): string {
    return endpoint.kind === 'portal' ? `${this.#base}/mcp` : `${this.#base}/servers/${endpoint.server}/mcp`;
  }

  /**
   * The metadata behind a path. `undefined`: not such a path, or no authorization server to name. It is the same for
   * servers that exist and servers that do not, as no credential is needed.
   */
  metadata(url: string): JsonObject | undefined {
    const question = url.indexOf('?');
    const path = question === -1 ? url : url.slice(0, question);
    if (!path.startsWith(wellKnownPath)) return undefined;
    const below = path.slice(wellKnownPath.length);
    const { pathname } = new URL(this.#base);
    const prefix = pathname === '/' ? '' : pathname;
    const route = routeOf(below.startsWith(`${prefix}/`) ? below.slice(prefix.length) : below === '' ? '/mcp' : below);
    const { issuers, scopes } = this.#servers();
    return route.ok && issuers.length > 0 ? resourceMetadata(this.of(route.value), issuers, scopes) : undefined;
  }

  /** The challenge of a 401. */
  unauthorized(endpoint: Endpoint, refusal: Refusal): string {
    const { issuers, scopes } = this.#servers();
    if (issuers.length === 0) return 'Bearer';
    const metadata = metadataUrl(this.of(endpoint));
    return refusal.reason === 'credentials-invalid'
      ? challenge({ error: 'invalid_token', scopes, metadata })
      : challenge({ scopes, metadata });
  }

  /** The challenge of a 403: every scope that the operation needs, in one (2026-07-28, scope challenge handling). */
  insufficient(endpoint: Endpoint, scopes: readonly string[]): string {
    return challenge({ error: 'insufficient_scope', scopes, metadata: metadataUrl(this.of(endpoint)) });
  }
}
