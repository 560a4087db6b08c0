/** What idle notification streams cost: opens them from this process and reads the memory of the gateway. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { residentMemory } from './cpu.ts';
import { type BenchRequest, request } from './message.ts';
import { benchSettings } from './profiles.ts';
import { startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface StreamsRow {
  readonly wanted: number;
  readonly open: number;
  /** MiB of the gateway. */
  readonly before: number;
  readonly after: number;
}

const atOnce = 200;
const patience = 10_000;

export async function runStreams(upstream: Upstream, wanted: number): Promise<StreamsRow> {
  const { gateway, headers } = await startPinned(
    benchSettings({ url: upstream.url('calls'), keyed: true, rules: [{ allow: '*' }] }),
    { keyed: true },
  );
  await using _ = gateway;
  const url = new URL(gateway.endpoint('bench'));
  const listen = request('subscriptions/listen', { notifications: { toolsListChanged: true } }, headers);
  const sockets: Socket[] = [];
  try {
    const before = residentMemory(gateway.pid);
    while (sockets.length < wanted) {
      const batch = Array.from({ length: Math.min(atOnce, wanted - sockets.length) }, () => openStream(url, listen));
      const opened = await Promise.all(batch);
      sockets.push(...opened.filter((socket) => socket !== undefined));
      if (opened.includes(undefined)) break;
    }
    return { wanted, open: sockets.length, before, after: await settledMemory(gateway.pid) };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A socket on which the acknowledgement has arrived, or nothing. Raw, so that this process stays small. */
async function openStream(url: URL, listen: BenchRequest): Promise<Socket | undefined> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  socket.on('error', () => socket.destroy());
  const lines = Object.entries({ host: url.host, ...listen.headers, 'content-length': String(listen.body.length) });
  socket.write(
    `POST ${url.pathname} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${listen.body}`,
  );
  const signal = AbortSignal.timeout(patience);
  let received = '';
  try {
    while (!received.includes('notifications/subscriptions/acknowledged')) {
      const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
      received += chunk.toString('latin1');
    }
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Memory once it has stopped to grow: two readings, half a second apart, within one percent. */
async function settledMemory(pid: number): Promise<number> {
  const deadline = Date.now() + patience;
  let last = residentMemory(pid);
  while (Date.now() < deadline) {
    await pause(500);
    const now = residentMemory(pid);
    if (Math.abs(now - last) < last / 100) return now;
    last = now;
  }
  return last;
}
