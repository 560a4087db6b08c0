/** The address of an HTTP server with its connection pool and the headers that every request to it carries. */
import { buildConnector, Pool } from 'undici';
import type { Bounds } from '../../config/schema/index.ts';
import type { HttpServerConfig } from '../../config/schema/servers.ts';
import { isInsecure, tlsOptions } from './tls.ts';

export interface HttpEndpoint {
  readonly url: URL;
  readonly path: string;
  readonly pool: Pool;
  readonly headers: Readonly<Record<string, string>>;
  /** The credential of one way, as it is now: it changes while the way stays. */
  readonly credential?: () => Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** `config` holds resolved secrets. Inbound headers of a client never come near this function. */
export function openEndpoint(config: HttpServerConfig, bounds: Bounds): HttpEndpoint {
  const url = new URL(config.url);
  const headers: Record<string, string> = { ...config.headers };
  const pool = new Pool(url.origin, {
    connections: config.connections,
    pipelining: 1,
    ...(config.tls === undefined
      ? { connectTimeout: bounds.connectTimeout }
      : { connect: connector(config.tls, bounds.connectTimeout) }),
    // The peer bounds every call in time; a stream of notifications may stay silent for as long as it likes.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  });
  return { url, path: url.pathname + url.search, pool, headers, close: () => pool.destroy() };
}

/** Whether the server is verified is asked for each connection: the end of an exception needs no restart. */
function connector(settings: NonNullable<HttpServerConfig['tls']>, timeout: number): buildConnector.connector {
  const verified = buildConnector({ ...tlsOptions(settings), timeout });
  if (settings.insecureUntil === undefined) return verified;
  const open = buildConnector({ ...tlsOptions(settings), rejectUnauthorized: false, timeout });
  return (options, done) => (isInsecure(settings, Date.now()) ? open : verified)(options, done);
}
