/** The admin listener: health, readiness and metrics. Not for clients; on loopback unless the operator moves it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AdminParts {
  /** Problems because of which calls would be refused now; empty when ready. */
  problems(): readonly string[];
  metrics(): Promise<{ readonly type: string; readonly text: string }>;
}

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

export async function listenAdmin(listen: { host: string; port: number }, parts: AdminParts): Promise<AdminListener> {
  const server = createServer((request, response) => {
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(text);
    };
    request.resume();
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
      default:
        return send(404, 'text/plain', 'Not found: /healthz, /readyz, /metrics\n');
    }
  });
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
