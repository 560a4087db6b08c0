/** Credentials of tiers at servers of the legacy era, where a session stands between calls. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendJson } from './attacks/witness.ts';
import { type Gateway, startGateway } from './harness.ts';

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

interface Wishes {
  readonly transport?: string;
  readonly general?: object;
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

function gatewayFor(url: string, { transport, general = { bearer: '${env:READ}' } }: Wishes = {}): Promise<Gateway> {
  return startGateway(
    {
      authentication: { anonymous: { agent: 'bot' } },
      callers: { agents: { bot: {} } },
      servers: {
        notes: {
          url,
          ...(transport === undefined ? {} : { transport }),
          tools: { look: { tier: 'read' }, drop: { tier: 'destructive' } },
          credential: general,
          credentials: [{ for: { tier: 'destructive' }, bearer: '${env:DROP}' }],
        },
      },
      connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
    },
    { env: { READ: 'token-that-reads', DROP: 'token-that-drops' } },
  );
}

async function call(gateway: Gateway, tool: string): Promise<string> {
  const headers = modernHeaders('tools/call', tool);
  const { body } = await sendRaw({ url: gateway.endpoint('notes'), headers, body: modernCall(tool) });
  assert.match(body, /done with/, gateway.errors());
  return body;
}

const credentials = (calls: readonly { readonly tool: string; readonly authorization: string | undefined }[]) =>
  calls.map(({ tool, authorization }) => `${tool} ${authorization}`);

test('on one session, each call carries the credential of its tier, also when the session has to begin again', async () => {
  await using server = await startSessions({ binds: false });
  await using gateway = await gatewayFor(server.url);
  await call(gateway, 'look');
  assert.match(await call(gateway, 'drop'), /done with \(hidden\)/);
  assert.equal(new Set(server.calls.map(({ session }) => session)).size, 1, 'what one call did the next one sees');
  server.forget();
  assert.match(await call(gateway, 'drop'), /done with \(hidden\)/, 'and hides what comes back');
  await call(gateway, 'look');
  assert.deepEqual(credentials(server.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
  ]);
});

test('a server that binds sessions to credentials gets a session for each of them', async () => {
  await using server = await startSessions({ binds: true });
  await using gateway = await gatewayFor(server.url);
  for (const tool of ['look', 'drop', 'look', 'drop']) await call(gateway, tool);
  assert.deepEqual(credentials(server.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
  ]);
  const before = server.sessions();
  for (const tool of ['look', 'drop']) await call(gateway, tool);
  assert.equal(server.sessions(), before, 'both sessions stay');
});

test('over HTTP+SSE each call carries the credential of its tier', async () => {
  await using server = await startSse();
  await using gateway = await gatewayFor(server.url, { transport: 'sse' });
  for (const tool of ['look', 'drop', 'look']) await call(gateway, tool);
  assert.deepEqual(credentials(server.calls), [
    'look Bearer token-that-reads',
    'drop Bearer token-that-drops',
    'look Bearer token-that-reads',
  ]);
});

test('the credential of a tier stands alone, also where the other one is in another header', async () => {
  await using server = await startSessions({ binds: false });
  const general = { apiKey: { header: 'X-Api-Key', value: '${env:READ}' } };
  await using gateway = await gatewayFor(server.url, { general });
  for (const tool of ['look', 'drop', 'look', 'drop']) await call(gateway, tool);
  assert.deepEqual(
    server.calls.map(({ tool, authorization, apiKey }) => [tool, authorization, apiKey]),
    [
      ['look', undefined, 'token-that-reads'],
      ['drop', 'Bearer token-that-drops', undefined],
      ['look', undefined, 'token-that-reads'],
      ['drop', 'Bearer token-that-drops', undefined],
    ],
  );
});
