/** Whether a server that hangs with all its connections busy costs the calls to another one anything. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { sizes, toolName } from './catalogue.ts';
import { latencyOf, measure, type Sample } from './measure.ts';
import { type BenchRequest, toolCall } from './message.ts';
import { benchSettings, conditional } from './profiles.ts';
import { startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface IsolationRow {
  /** Calls that hang meanwhile. */
  readonly hanging: number;
  /** Microseconds, of calls to the other server. */
  readonly quiet: { readonly p50: number; readonly p99: number };
  readonly busy: { readonly p50: number; readonly p99: number };
  readonly errors: number;
}

/** As many connections as the gateway has to one server. */
const hanging = 128;

export async function runIsolation(
  upstream: Upstream,
  pace: { readonly rounds: number; readonly seconds: number },
): Promise<IsolationRow> {
  await using slow = await startHanging(upstream.url('calls'));
  const settings = benchSettings({ url: upstream.url('calls'), keyed: true, rules: conditional });
  const { gateway, headers } = await startPinned(
    {
      ...settings,
      servers: { ...(settings['servers'] as object), slow: { url: slow.url } },
      connections: [
        ...(settings['connections'] as readonly object[]),
        { name: 'slow', from: { anyone: true }, to: 'slow', tools: [{ allow: '*' }] },
      ],
    },
    { keyed: true },
  );
  await using _gateway = gateway;
  const call = toolCall(toolName('strict', 'json', '0.3'), headers);
  const sample = (): Promise<Sample> =>
    measure({
      url: gateway.endpoint('bench'),
      pid: gateway.pid,
      request: call,
      connections: 8,
      seconds: pace.seconds,
      least: sizes['0.3'],
    });
  await sample();
  const [quiet, busy]: [Sample[], Sample[]] = [[], []];
  // In turns, as the machine is not the same from one moment to the next.
  for (let round = 0; round < pace.rounds; round++) {
    quiet.push(await sample());
    const sockets = Array.from({ length: hanging }, () => begin(new URL(gateway.endpoint('slow')), call));
    await slow.reached(hanging);
    busy.push(await sample());
    for (const socket of sockets) socket.destroy();
    await slow.reached(0);
  }
  return {
    hanging,
    quiet: latencyOf(quiet),
    busy: latencyOf(busy),
    errors: [...quiet, ...busy].reduce((sum, { errors }) => sum + errors, 0),
  };
}

/** Sends a call whose answer is not waited for. */
function begin(url: URL, { headers, body }: BenchRequest): Socket {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  socket.on('error', () => socket.destroy());
  const lines = Object.entries({ host: url.host, ...headers, 'content-length': String(body.length) });
  socket.write(`POST ${url.pathname} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`);
  return socket;
}

interface Hanging extends AsyncDisposable {
  readonly url: string;
  /** Waits until so many calls hang. */
  readonly reached: (count: number) => Promise<void>;
}

/** Says what it is as the upstream does, and answers no call. */
async function startHanging(upstream: string): Promise<Hanging> {
  const open = new Set<ServerResponse>();
  let look: () => void = () => {};
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    if (request.headers['mcp-method'] === 'tools/call') {
      open.add(response);
      response.on('close', () => {
        open.delete(response);
        look();
      });
      return look();
    }
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    const answered = await fetch(upstream, { method: 'POST', body, headers: headers as Record<string, string> });
    response.writeHead(answered.status, { 'content-type': answered.headers.get('content-type') ?? 'application/json' });
    response.end(await answered.text());
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    reached: (count) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${open.size} of ${count} calls hang`)), 20_000);
        look = () => {
          if (count === 0 ? open.size > 0 : open.size < count) return;
          clearTimeout(timer);
          look = () => {};
          resolve();
        };
        look();
      }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
