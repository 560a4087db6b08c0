/** The address of an HTTP server with its connections and the headers that every request to it carries. */
import { TLSSocket } from 'node:tls';
import type { Bounds } from '../../config/schema/index.ts';
import type { HttpServerConfig } from '../../config/schema/servers.ts';
import { type Dial, dialler } from './client/dial.ts';
import { type HttpPool, Pool } from './client/pool.ts';
import { SharedPool } from './client/shared-pool.ts';
import { UndiciPool } from './client/undici.ts';
import { isInsecure, pinOf, tlsOptions } from './tls.ts';

export interface HttpEndpoint {
  readonly url: URL;
  readonly path: string;
  readonly calls: HttpPool;
  /** For answers that stay open: however many callers keep one, calls find a connection. */
  readonly streams: HttpPool;
  readonly headers: Readonly<Record<string, string>>;
  /** The credential of one session, as it is now: it changes while the session stays. */
  readonly credential?: () => Readonly<Record<string, string>>;
  /** Key of the caller whose session it is, for its part of the connections; absent where that is of many. */
  readonly caller?: string | undefined;
  close(): void;
}

/** Tells the public key of the server whenever a connection shows another one than the connection before it. */
function noting(dial: Dial, onKey: (key: string) => void): Dial {
  let last = '';
  return (done) =>
    dial((dialled) => {
      const certificate =
        dialled.ok && dialled.socket instanceof TLSSocket ? dialled.socket.getPeerX509Certificate() : undefined;
      if (certificate !== undefined && certificate.fingerprint256 !== last) {
        last = certificate.fingerprint256;
        onKey(pinOf(certificate.raw));
      }
      done(dialled);
    });
}

/** `config` holds resolved secrets. Inbound headers of a client never come near this function. */
export function openEndpoint(
  config: HttpServerConfig,
  bounds: Bounds,
  onKey: (key: string) => void = () => {},
): HttpEndpoint {
  const url = new URL(config.url);
  const { tls } = config;
  const verified = tls === undefined ? {} : tlsOptions(tls);
  const open = { ...verified, rejectUnauthorized: false };
  // Asked for each connection: the end of an exception to verification needs no restart.
  const dial = noting(
    dialler(url, {
      timeoutMs: bounds.connectTimeout,
      tls: () => (isInsecure(tls, Date.now()) ? open : verified),
    }),
    onKey,
  );
  const poolOf = (connections: number): HttpPool =>
    config.httpClient === 'undici' ? new UndiciPool(url, dial, connections) : new Pool(url.host, dial, connections);
  const calls = new SharedPool(poolOf(config.connections), config.connections);
  // A stream is there before the one that it replaces ends.
  const streams = new SharedPool(poolOf(config.streams), config.streams, 2);
  const close = (): void => {
    calls.destroy();
    streams.destroy();
  };
  return { url, path: url.pathname + url.search, calls, streams, headers: config.headers, close };
}

/** Path and query of a place that a server names; `undefined` when it is not at the same origin. */
export function pathWithin(url: URL, named: string): string | undefined {
  if (!URL.canParse(named, url.href)) return undefined;
  const target = new URL(named, url);
  return target.origin === url.origin ? target.pathname + target.search : undefined;
}
