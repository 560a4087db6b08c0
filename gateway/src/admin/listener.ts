/** The admin listener: health, readiness and metrics. Not for clients; on loopback unless the operator moves it. */
import { createServer } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { networksOf } from '../protocol/networks.ts';

export interface AdminParts {
  /** Reasons for not being ready; empty when ready. */
  problems(): readonly string[];
  /** How a server is, as JSON, and the status to answer with. `undefined`: there is no such server. */
  health?(server: string): { readonly status: number; readonly text: string } | undefined;
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
}

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** Beside this machine. */
  readonly allowedNetworks: readonly string[];
}

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Addresses always fit, and so does the name that the operator listens under: only a foreign name can be rebound. */
function hostFits(hosts: readonly string[] | undefined, { host: own, allowedHosts }: AdminAddress): boolean {
  const [host, another] = hosts ?? [];
  if (host === undefined || another !== undefined) return false;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const isAddress = isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  return isAddress || ['localhost', own, ...allowedHosts].some((allowed) => allowed.toLowerCase() === name);
}

/** Connections of health checks and scrapers. */
const maxConnections = 256;

export async function listenAdmin(listen: AdminAddress, parts: AdminParts): Promise<AdminListener> {
  const allowed = networksOf([...listen.allowedNetworks, '127.0.0.0/8', '::1']);
  const server = createServer((request, response) => {
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(text);
    };
    request.resume();
    response.on('error', () => response.destroy());
    // A page in a browser that reached this port by a name of its own (DNS rebinding) must not read anything.
    if (!allowed(request.socket.remoteAddress ?? ''))
      return send(403, 'text/plain', 'This address is not allowed here\n');
    if (!hostFits(request.headersDistinct.host, listen) || request.headers.origin !== undefined)
      return send(403, 'text/plain', 'This Host or Origin is not allowed here\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'Method not allowed\n');
    switch (request.url ?? '') {
      case '/healthz':
        return send(200, 'text/plain', 'ok\n');
      case '/readyz': {
        const problems = parts.problems();
        return send(
          problems.length === 0 ? 200 : 503,
          'application/json',
          `${JSON.stringify({ ready: problems.length === 0, problems })}\n`,
        );
      }
      case '/metrics':
        parts.metrics().then(
          ({ type, text }) => send(200, type, text),
          () => send(500, 'text/plain', 'Metrics cannot be read\n'),
        );
        return;
      default: {
        const [, name] = /^\/health\/servers\/([\w.-]{1,64})$/.exec(request.url ?? '') ?? [];
        const found = name === undefined ? undefined : parts.health?.(name);
        if (found !== undefined) return send(found.status, 'application/json', found.text);
        return send(404, 'text/plain', 'Not found: /healthz, /readyz, /metrics\n');
      }
    }
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
