/** How long the gateway takes to be ready with 100 servers of which ten accept connections and never answer. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startGateway } from '../e2e/harness.ts';
import { onCore, subjectCore } from './places.ts';
import { benchSettings } from './profiles.ts';
import { builtGateway } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface ReadyRow {
  readonly servers: number;
  readonly hanging: number;
  /** Milliseconds from the start of the process. */
  readonly listening: number;
  readonly ready: number | undefined;
}

const count = 100;
const hanging = 10;
const patience = 15_000;

export async function runReady(upstream: Upstream): Promise<ReadyRow> {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const servers = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `server-${index}`,
        { url: index < hanging ? `http://127.0.0.1:${port}/mcp` : upstream.url('list-10') },
      ]),
    );
    const base = benchSettings({ url: upstream.url('calls'), keyed: false, rules: [{ allow: '*' }] });
    const to = Object.keys(servers);
    const connections = [{ name: 'all', from: { agent: 'bench' }, to, tools: [{ allow: '*' }] }];
    const started = performance.now();
    await using gateway = await startGateway(
      { ...base, servers, connections },
      {
        prefix: onCore(subjectCore),
        program: builtGateway,
      },
    );
    const listening = performance.now() - started;
    const ready = (await becomesReady(gateway.admin)) ? performance.now() - started : undefined;
    return { servers: count, hanging, listening, ready };
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
}

async function becomesReady(admin: string): Promise<boolean> {
  const deadline = Date.now() + patience;
  const url = new URL('/readyz', admin);
  while (Date.now() < deadline) {
    const status = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
    if (status === 200) return true;
    await pause(5);
  }
  return false;
}
