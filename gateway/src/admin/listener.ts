/** The admin listener: health, readiness and metrics, and what operators use. On loopback unless the operator moves it. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { Connections } from '../listeners/http/connections.ts';
import { maxConnectionsWithin } from '../listeners/http/open-files.ts';
import { type TlsLog, type TlsSettings, tlsListener } from '../listeners/http/tls.ts';
import { networksOf } from '../protocol/networks.ts';
import { createServer } from '../protocol/node-http.ts';

export interface AdminHandlers {
  /** Reasons for not being ready; empty when ready. */
  problems(): readonly string[];
  /** How a server is, as JSON, and the status to answer with. `undefined`: there is no such server. */
  health?(server: string): { readonly status: number; readonly text: string } | undefined;
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
  /** The admin API and the pages; absent where they are switched off. */
  readonly app?: RequestListener | undefined;
  readonly connections: Connections;
  readonly log: TlsLog;
}

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** Beside this machine. */
  readonly allowedNetworks: readonly string[];
  readonly publicUrl?: string | undefined;
  readonly tls?: TlsSettings | undefined;
}

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Addresses always fit, and so does the name that the operator listens under: only a foreign name can be rebound. */
function hostFits(hosts: readonly string[] | undefined, { host: own, allowedHosts, publicUrl }: AdminAddress): boolean {
  const [host, another] = hosts ?? [];
  if (host === undefined || another !== undefined) return false;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const isAddress = isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  const named = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  return isAddress || ['localhost', own, ...allowedHosts, ...named].some((allowed) => allowed.toLowerCase() === name);
}

/** Names a browser the page of another site? One of ours without a referrer is `null`; what it may is looked at later. */
function isForeign({ headers: { origin, host } }: IncomingMessage, { publicUrl }: AdminAddress): boolean {
  if (origin === undefined || origin === 'null' || origin === '') return false;
  if (publicUrl !== undefined && new URL(publicUrl).origin === origin) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}

/** Connections of health checks, scrapers, operators and those who watch. */
const maxConnections = 512;
/** Of the files that the process may open. */
const fileShare = 0.1;
/** Milliseconds. */
const headersTimeout = 10_000;
const requestTimeout = 30_000;
/** Milliseconds after which a connection ends on which nothing moves: its client does not read. */
const stillTimeout = 60_000;
const healthPath = '/health/servers/';
const plainPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

export function adminConnections(log: TlsLog): Connections {
  const max = maxConnectionsWithin(maxConnections, fileShare);
  return new Connections({ max, proxies: [], log, remedy: 'those of the admin listener' });
}

export async function listenAdmin(
  listen: AdminAddress,
  handlers: AdminHandlers,
  { stillMs = stillTimeout }: { readonly stillMs?: number } = {},
): Promise<AdminListener> {
  const allowed = networksOf([...listen.allowedNetworks, '127.0.0.0/8', '::1']);
  const { connections } = handlers;
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => response.destroy());
    // A request costs a few bytes, and an answer thousands that wait here: who has not taken one gets no other.
    if (!connections.isIdle(request.socket)) return void request.socket.destroy();
    connections.asked(request.socket, response);
    const [path = ''] = (request.url ?? '').split('?', 1);
    // A page in a browser that reached this port by a name of its own (DNS rebinding) must not read anything.
    if (!allowed(request.socket.remoteAddress ?? ''))
      return refuse({ request, response }, 403, 'This address is not allowed here');
    if (!hostFits(request.headersDistinct.host, listen))
      return refuse({ request, response }, 403, 'This Host or Origin is not allowed here');
    if (isForeign(request, listen))
      return refuse({ request, response }, 403, 'This Host or Origin is not allowed here');
    if (plainPaths.has(path) || path.startsWith(healthPath)) return plain({ request, response }, path, handlers);
    if (handlers.app === undefined) return refuse({ request, response }, 404, 'Not found: /healthz, /readyz, /metrics');
    handlers.app(request, response);
  };
  const options = { headersTimeout, requestTimeout };
  const tls = listen.tls === undefined ? undefined : tlsListener(listen.tls, { options, handler, log: handlers.log });
  const server = tls?.server ?? createServer(options, handler);
  connections.watch(server);
  server.setTimeout(stillMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        tls?.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(
  response: ServerResponse,
  status: number,
  { type, text }: { readonly type: string; readonly text: string },
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function refuse({ request, response }: Asked, status: number, text: string): void {
  request.resume();
  send(response, status, { type: 'text/plain', text: `${text}\n` });
}

/** Health and metrics. No page of a browser asks for them. */
function plain({ request, response }: Asked, path: string, handlers: AdminHandlers): void {
  if (request.headers.origin !== undefined)
    return refuse({ request, response }, 403, 'This Host or Origin is not allowed here');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse({ request, response }, 405, 'Method not allowed');
  request.resume();
  switch (path) {
    case '/healthz':
      return send(response, 200, { type: 'text/plain', text: 'ok\n' });
    case '/readyz': {
      const problems = handlers.problems();
      const text = `${JSON.stringify({ ready: problems.length === 0, problems })}\n`;
      return send(response, problems.length === 0 ? 200 : 503, { type: 'application/json', text });
    }
    case '/metrics':
      handlers.metrics().then(
        (metrics) => send(response, 200, metrics),
        () => send(response, 500, { type: 'text/plain', text: 'Metrics cannot be read\n' }),
      );
      return;
    default: {
      const found = handlers.health?.(path.slice(healthPath.length));
      if (found === undefined) return refuse({ request, response }, 404, 'There is no such server');
      send(response, found.status, { type: 'application/json', text: found.text });
    }
  }
}
