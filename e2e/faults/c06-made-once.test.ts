/** C6: a call that a legacy server has begun to answer, or may have, is not made again, whatever the server says afterwards. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

type Answer = (response: ServerResponse, id: number | undefined) => void;

interface Manners {
  readonly call: Answer;
  /** Of a GET that reads on behind an event. */
  readonly resumed?: (response: ServerResponse) => void;
  readonly level?: (response: ServerResponse) => void;
}

function json(response: ServerResponse, status: number, message: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...message }));
}

/** A server with one tool, and how often that was called. */
async function startServer({ call, resumed, level }: Manners) {
  const counts = { calls: 0, sessions: 0 };
  const answer: RequestListener = (request, response) => {
    if (request.method === 'GET')
      return request.headers['last-event-id'] === undefined ? void response.writeHead(405).end() : resumed?.(response);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id, method = '' } = body === '' ? {} : (JSON.parse(body) as { id?: number; method?: string });
      if (method === 'tools/call') {
        counts.calls++;
        return call(response, id);
      }
      if (method === 'logging/setLevel' && level !== undefined) return level(response);
      if (id === undefined) return void response.writeHead(202).end();
      if (method === 'initialize') response.setHeader('mcp-session-id', `session-${++counts.sessions}`);
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'other', version: '1' },
        tools: [{ name: 'tool', inputSchema: { type: 'object' } }],
      };
      json(response, 200, { id, result });
    });
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    counts,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const cut: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\nretry: 0\ndata:\n\n');
};
const error = { code: -32000, message: 'Session not found' };
const resumptions: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '302': (response) => void response.writeHead(302, { location: '/else' }).end(),
  '400': (response) => json(response, 400, { id: null, error }),
  '401': (response) => void response.writeHead(401).end(),
  '401 with a challenge': (response) => void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(),
  '404': (response) => void response.writeHead(404).end(),
  '409 with an error': (response) => json(response, 409, { id: null, error }),
  '429': (response) => void response.writeHead(429, { 'retry-after': '1' }).end(),
  'an error of the GET': (response) => json(response, 200, { id: null, error }),
};
const unfinished = /the call may have been made/;

test('C6: a call whose answer was cut off is not made again, however the server refuses the rest of it', async () => {
  for (const [name, { counts }] of resuming) {
    await using client = await openAskingClient(gateway.endpoint(idOf(name)), 'modern');
    assert.match(await client.call('tool'), unfinished, name);
    assert.equal(counts.calls, 1, name);
  }
});

const endings: Readonly<Record<string, { readonly call: Answer; readonly said: RegExp }>> = {
  'is late': { call: () => {}, said: unfinished },
  'breaks off': { call: (response) => response.destroy(), said: unfinished },
  'is too long': {
    call: (response, id) => json(response, 200, { id, result: { content: [], padding: 'x'.repeat(2_000_000) } }),
    said: /larger than/,
  },
};

/** A server for each of them, all behind one gateway. */
const resuming = new Map<string, Awaited<ReturnType<typeof startServer>>>();
const ending = new Map<string, Ending>();
let gateway: Gateway;
const idOf = (name: string): string => `s-${name.replaceAll(' ', '-').toLowerCase()}`;

type Ending = Awaited<ReturnType<typeof startEnding>>;

/** Answers its call when it is told to, and refuses another request meanwhile. */
async function startEnding(call: Answer) {
  const { promise: hasCalled, resolve: arrived } = Promise.withResolvers<() => void>();
  const { promise: isLost, resolve: refused } = Promise.withResolvers<void>();
  const server = await startServer({
    call: (response, id) => arrived(() => call(response, id)),
    level: (response) => void response.writeHead(404).end(refused),
  });
  return { ...server, hasCalled, isLost };
}

before(async () => {
  for (const [name, resumed] of Object.entries(resumptions))
    resuming.set(name, await startServer({ call: cut, resumed }));
  for (const [name, { call }] of Object.entries(endings)) ending.set(name, await startEnding(call));
  const entries = [...resuming].map(([name, { url }]) => [idOf(name), { url, era: 'legacy' }] as const);
  const timeouts = { firstByte: '2s', total: '2s' };
  const late = [...ending].map(([name, { url }]) => [idOf(name), { url, era: 'legacy', timeouts }] as const);
  gateway = await startGateway({
    ...openSettings('client', Object.fromEntries([...entries, ...late])),
    bounds: { result: '1MiB' },
  });
});
after(async () => {
  await gateway.stop();
  for (const server of [...resuming.values(), ...ending.values()]) await server[Symbol.asyncDispose]();
});

for (const [name, { said }] of Object.entries(endings))
  test(`C6: a call whose answer ${name} is not made again where another request shows that the session is lost`, async () => {
    const { counts, hasCalled, isLost } = ending.get(name) ?? assert.fail(name);
    await using client = await openAskingClient(gateway.endpoint(idOf(name)), 'legacy');
    const calling = client.call('tool');
    const answer = await hasCalled;
    await client.client.setLoggingLevel('debug');
    await isLost;
    answer();
    assert.match(await calling, said);
    assert.equal(counts.calls, 1);
  });
