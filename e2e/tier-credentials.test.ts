/** Credentials of tiers at servers of the legacy era, where a session stands between calls. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendJson } from './attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string };
}

function resultOf({ method }: Message): object {
  if (method === 'initialize')
    return {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'legacy', version: '1.0.0' },
    };
  if (method === 'tools/list')
    return { tools: ['look', 'drop'].map((name) => ({ name, inputSchema: { type: 'object' } })) };
  return { content: [{ type: 'text', text: 'done with token-that-drops' }] };
}

async function listening(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A server with sessions. `binds`: a session belongs to the credential that began it, as the specification advises. */
async function startSessions({ binds }: { binds: boolean }) {
  const calls: {
    readonly tool: string;
    readonly authorization: string | undefined;
    readonly apiKey: unknown;
    readonly session: string;
  }[] = [];
  const sessions = new Map<string, string | undefined>();
  let count = 0;
  const server = await listening(async (request, response) => {
    const { authorization } = request.headers;
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const message = JSON.parse(await text(request)) as Message;
    if (message.method === 'server/discover') return void response.writeHead(400).end();
    let session = String(request.headers['mcp-session-id'] ?? '');
    if (message.method === 'initialize') {
      session = `session-${++count}`;
      sessions.set(session, authorization);
      response.setHeader('mcp-session-id', session);
    } else if (!sessions.has(session) || (binds && sessions.get(session) !== authorization))
      return void response.writeHead(404).end();
    if (message.id === undefined) return void response.writeHead(202).end();
    if (message.method === 'tools/call')
      calls.push({ tool: message.params?.name ?? '', authorization, apiKey: request.headers['x-api-key'], session });
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: resultOf(message) });
  });
  return { ...server, calls, forget: () => sessions.clear(), sessions: () => count };
}

/** The transport of 2024: answers come over one stream, requests are POSTs beside it. */
async function startSse() {
  const calls: { readonly tool: string; readonly authorization: string | undefined }[] = [];
  let stream: ServerResponse | undefined;
  const server = await listening(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /message\n\n');
      stream = response;
      return;
    }
    const message = JSON.parse(await text(request)) as Message;
    response.writeHead(202).end();
    if (message.method === 'tools/call')
      calls.push({ tool: message.params?.name ?? '', authorization: request.headers.authorization });
    if (message.id === undefined) return;
    const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) });
    stream?.write(`event: message\ndata: ${answer}\n\n`);
  });
  return { ...server, calls };
}

type Sessions = Awaited<ReturnType<typeof startSessions>>;

/** One server for each test, all behind one gateway. */
let loose: Sessions;
let binding: Sessions;
let headed: Sessions;
let sse: Awaited<ReturnType<typeof startSse>>;
let gateway: Gateway;

before(async () => {
  [loose, binding, headed, sse] = await Promise.all([
    startSessions({ binds: false }),
    startSessions({ binds: true }),
    startSessions({ binds: false }),
    startSse(),
  ]);
  const server = {
    tools: { look: { tier: 'read' }, drop: { tier: 'destructive' } },
    credential: { bearer: '${env:READ}' },
    credentials: [{ for: { tier: 'destructive' }, bearer: '${env:DROP}' }],
  };
  const inHeader = { credential: { apiKey: { header: 'X-Api-Key', value: '${env:READ}' } } };
  gateway = await startGateway(
    openSettings('bot', {
      loose: { ...server, url: loose.url },
      binding: { ...server, url: binding.url },
      headed: { ...server, url: headed.url, ...inHeader },
      sse: { ...server, url: sse.url, transport: 'sse' },
    }),
    { env: { READ: 'token-that-reads', DROP: 'token-that-drops' } },
  );
});
after(async () => {
  await gateway.stop();
  for (const server of [loose, binding, headed, sse]) await server[Symbol.asyncDispose]();
});

async function call(server: string, tool: string): Promise<string> {
  const headers = modernHeaders('tools/call', tool);
  const { body } = await sendRaw({ url: gateway.endpoint(server), headers, body: modernCall(tool) });
  assert.match(body, /done with/, gateway.errors());
  return body;
}

const credentials = (calls: readonly { readonly tool: string; readonly authorization: string | undefined }[]) =>
  calls.map(({ tool, authorization }) => `${tool} ${authorization}`);

test('on one session, each call carries the credential of its tier, also when the session has to begin again', async () => {
  await call('loose', 'look');
  assert.match(await call('loose', 'drop'), /done with \(hidden\)/);
  assert.equal(new Set(loose.calls.map(({ session }) => session)).size, 1, 'what one call did the next one sees');
  loose.forget();
  assert.match(await call('loose', 'drop'), /done with \(hidden\)/, 'and hides what comes back');
  await call('loose', 'look');
  assert.deepEqual(credentials(loose.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
  ]);
});

test('a server that binds sessions to credentials gets a session for each of them', async () => {
  for (const tool of ['look', 'drop', 'look', 'drop']) await call('binding', tool);
  assert.deepEqual(credentials(binding.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
  ]);
  const count = binding.sessions();
  for (const tool of ['look', 'drop']) await call('binding', tool);
  assert.equal(binding.sessions(), count, 'both sessions stay');
});

test('over HTTP+SSE each call carries the credential of its tier', async () => {
  for (const tool of ['look', 'drop', 'look']) await call('sse', tool);
  assert.deepEqual(credentials(sse.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
  ]);
});

test('the credential of a tier stands alone, also where the other one is in another header', async () => {
  for (const tool of ['look', 'drop', 'look', 'drop']) await call('headed', tool);
  assert.deepEqual(
    headed.calls.map(({ tool, authorization, apiKey }) => [tool, authorization, apiKey]),
    [
      ['look', undefined, 'token-that-reads'],
      ['drop', 'Bearer token-that-drops', undefined],
      ['look', undefined, 'token-that-reads'],
      ['drop', 'Bearer token-that-drops', undefined],
    ],
  );
});
