/** Streams that stay open towards a server have a budget of their own: calls go through, however many are open. */
import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { legacyHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

type Transport = 'legacy' | 'sse' | 'modern';

interface Asked {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly _meta?: unknown };
}

/** A server that keeps every stream open that it is asked for, and says how many there are. */
class Streaming implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #isSilent: boolean;
  readonly #changes = new EventEmitter();
  readonly #open = new Map<string, ServerResponse>();
  #names = 0;
  /** How many streams have been open at the same time. */
  most = 0;
  readonly #server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => this.#answer(request, response, body));
  });

  /** `isSilent`: it takes messages that have no answer without a word. */
  constructor(transport: Transport, { isSilent = false } = {}) {
    this.#transport = transport;
    this.#isSilent = isSilent;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Waits until as many streams are open. */
  async until(count: number): Promise<void> {
    if (this.#open.size === count) return;
    const changes = on(this.#changes, 'change', { signal: AbortSignal.timeout(patienceMs) });
    for await (const _ of changes) if (this.#open.size === count) return;
  }

  /** Waits until a message is given up that the server said nothing about. */
  async givenUp(): Promise<void> {
    await once(this.#changes, 'given up', { signal: AbortSignal.timeout(patienceMs) });
  }

  endOne(): void {
    for (const stream of this.#open.values()) return void stream.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'GET') {
      if (this.#transport === 'modern') return void response.writeHead(405).end();
      const stream = this.#keep(response);
      if (this.#transport === 'sse') response.write(`event: endpoint\ndata: /mcp?stream=${stream}\n\n`);
      return;
    }
    if (request.method === 'DELETE') return void response.writeHead(200).end();
    const { id, method, params } = JSON.parse(body) as Asked;
    if (method === 'server/discover' && this.#transport !== 'modern') return void response.writeHead(400).end();
    if (method === 'initialize' && this.#transport === 'modern') return void response.writeHead(404).end();
    if (method === 'subscriptions/listen') return void this.#keep(response);
    if (id === undefined && this.#isSilent) return void response.on('close', () => this.#changes.emit('given up'));
    if (id === undefined) return void response.writeHead(202).end();
    const text = JSON.stringify({ jsonrpc: '2.0', id, result: this.#result(method, params) });
    const stream = new URL(request.url ?? '', 'http://here').searchParams.get('stream');
    if (stream !== null) {
      response.writeHead(202).end();
      this.#open.get(stream)?.write(`event: message\ndata: ${text}\n\n`);
      return;
    }
    // The transport of 2024-11-05 takes messages nowhere but where its stream says.
    if (this.#transport === 'sse') return void response.writeHead(405).end();
    const session = method === 'initialize' ? { 'mcp-session-id': `session-${++this.#names}` } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...session }).end(text);
  }

  #keep(response: ServerResponse): string {
    const name = `stream-${++this.#names}`;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    this.#open.set(name, response);
    this.most = Math.max(this.most, this.#open.size);
    this.#changes.emit('change');
    response.on('close', () => {
      this.#open.delete(name);
      this.#changes.emit('change');
    });
    return name;
  }

  #result(method: string, params: Asked['params']): object {
    const capabilities = { tools: { listChanged: true } };
    const complete = this.#transport === 'modern' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
    switch (method) {
      case 'server/discover':
        return { ...complete, supportedVersions: ['2026-07-28'], capabilities };
      case 'initialize':
        return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'streaming', version: '1' } };
      case 'tools/list':
        return { ...complete, tools: [{ name: 'open', inputSchema: { type: 'object', properties: {} } }] };
      default:
        return { ...complete, content: [{ type: 'text', text: `${params?.name} was called` }] };
    }
  }
}

interface Session {
  call(): Promise<RawAnswer>;
}

/** A client of 2025-11-25: each has a session at the server, with a stream. */
async function startSession(server: string): Promise<Session> {
  const url = gateway.endpoint(server);
  const send = (body: object, headers: readonly (readonly [string, string])[] = []) =>
    sendRaw({ url, headers: [...legacyHeaders, ...headers], body: JSON.stringify({ jsonrpc: '2.0', ...body }) });
  const clientInfo = { name: 'client', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const begun = await send({ id: 1, method: 'initialize', params });
  const id = begun.headers.get('mcp-session-id');
  assert.ok(id !== undefined, begun.body);
  const session = [
    ['Mcp-Session-Id', id],
    ['MCP-Protocol-Version', '2025-11-25'],
  ] as const;
  await send({ method: 'notifications/initialized' }, session);
  return {
    call: () => send({ id: 2, method: 'tools/call', params: { name: 'open', arguments: {} } }, session),
  };
}

/** A server for each test, all behind one gateway. */
const streaming: Readonly<Record<string, readonly [Streaming, object]>> = {
  legacy: [new Streaming('legacy'), { connections: 1, timeouts: { firstByte: '5s' } }],
  sse: [new Streaming('sse'), { connections: 1, timeouts: { firstByte: '5s' } }],
  modern: [new Streaming('modern'), { connections: 1, timeouts: { firstByte: '5s' } }],
  few: [new Streaming('legacy'), { era: 'legacy', connections: 1, streams: 2 }],
  'silent-legacy': [new Streaming('legacy', { isSilent: true }), { connections: 1, timeouts: { firstByte: '1s' } }],
  'silent-sse': [new Streaming('sse', { isSilent: true }), { connections: 1, timeouts: { firstByte: '1s' } }],
};
const serverOf = (name: string): Streaming => streaming[name]?.[0] ?? assert.fail(name);
let gateway: Gateway;

before(async () => {
  const servers: Record<string, object> = {};
  for (const [name, [server, more]] of Object.entries(streaming))
    servers[name] = { url: await server.listen(), ...more };
  gateway = await startGateway(openSettings('client', servers));
});
after(async () => {
  await gateway.stop();
  for (const [server] of Object.values(streaming)) await server[Symbol.asyncDispose]();
});

for (const transport of ['legacy', 'sse', 'modern'] as const)
  test(`${transport}: calls go through with more streams open than connections for calls`, async () => {
    const server = serverOf(transport);
    const sessions: Session[] = [];
    // All share one stream of a modern server, but for the one that came before its era was known.
    for (const count of transport === 'modern' ? [1, 2, 2] : [1, 2, 3]) {
      sessions.push(await startSession(transport));
      await server.until(count);
    }
    for (const session of sessions) assert.match((await session.call()).body, /open was called/);
    assert.equal(server.open, transport === 'modern' ? 2 : 3);
  });

test('no more streams than allowed are open at a server; one that ends makes room for the next', async () => {
  const server = serverOf('few');
  const sessions: Session[] = [];
  for (let count = 0; count < 3; count++) sessions.push(await startSession('few'));
  await server.until(2);
  for (const session of sessions) assert.match((await session.call()).body, /open was called/);
  assert.equal(server.most, 2);
  server.endOne();
  await server.until(1);
  await server.until(2);
  assert.equal(server.most, 2);
});

for (const transport of ['legacy', 'sse'] as const)
  test(`${transport}: a message that the server says nothing about keeps its connection for a while only`, async () => {
    const givenUp = serverOf(`silent-${transport}`).givenUp();
    const session = await startSession(`silent-${transport}`);
    // That the handshake is over, which has the only connection.
    await givenUp;
    assert.match((await session.call()).body, /open was called/);
  });
