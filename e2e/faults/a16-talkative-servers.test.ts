/** Servers that talk without end have a share of the gateway's time, and no more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { meta, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { type HttpAsked, httpAnswer, startBreaking } from './broken-bytes.ts';

const chatty = (manner: string, more: object = {}) => ({
  command: [process.execPath, join(import.meta.dirname, 'chatty-server.ts'), manner],
  era: 'legacy',
  ...more,
});

function call(gateway: Gateway, server: string, args: object = {}) {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: modernHeaders('tools/call', 'tool'),
    body: modernCall('tool', args),
  });
}

test('A16: a stdio server that prints short lines without end leaves the others their time', async () => {
  await using good = await startWitness([{ name: 'tool' }]);
  await using gateway = await startGateway(openSettings('client', { flood: chatty('flood'), good: { url: good.url } }));
  assert.match((await call(gateway, 'good')).body, /the witness/);
  assert.match((await call(gateway, 'flood')).body, /said/);
  let longest = 0;
  for (let count = 0; count < 20; count++) {
    const began = performance.now();
    assert.match((await call(gateway, 'good')).body, /the witness/);
    longest = Math.max(longest, performance.now() - began);
  }
  // The fault was 6,000 ms.
  assert.ok(longest < 1_500, `another caller waited ${longest} ms`);
});

let pages = 0;
let gets = 0;

/** Servers of the tests below, all behind one gateway. */
const stack = new AsyncDisposableStack();
let gateway: Gateway;

before(async () => {
  const paging = stack.use(await startBreaking(nextPage));
  const again = await startAgain();
  stack.defer(() => {
    again.closeAllConnections();
    again.close();
  });
  const { port } = again.address() as AddressInfo;
  gateway = stack.use(
    await startGateway({
      ...openSettings('client', {
        changes: chatty('changes', { sharing: 'shared' }),
        large: { url: `${paging.origin}/mcp`, era: 'modern' },
        again: {
          url: `http://127.0.0.1:${port}/mcp`,
          era: 'legacy',
          timeouts: { firstByte: '2s', total: '2s' },
        },
      }),
      bounds: { result: '512KiB' },
    }),
  );
});
after(() => stack.disposeAsync());

test('A16: a flood of list changes is few notifications for a client', async () => {
  const stop = new AbortController();
  const answer = await fetch(gateway.endpoint('changes'), {
    method: 'POST',
    headers: Object.fromEntries(modernHeaders('subscriptions/listen')),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta: meta },
    }),
    signal: stop.signal,
  });
  let heard = 0;
  const first = Promise.withResolvers<void>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      heard += decoder.decode(chunk).split('list_changed').length - 1;
      if (heard > 0) first.resolve();
    }
  })().catch(() => undefined);
  assert.match((await call(gateway, 'changes')).body, /said/);
  // Answered only after the server has written all of its changes.
  assert.match((await call(gateway, 'changes')).body, /said/);
  await first.promise;
  stop.abort();
  await reading;
  assert.ok(heard >= 1 && heard < 60, `${heard} notifications`);
});

/** Each page of its list leads to another one. */
function nextPage({ body }: HttpAsked): { readonly bytes: Buffer } {
  const { id, method } = JSON.parse(body) as { id: number; method: string };
  const tool = { name: `tool-${pages}`, description: 'x'.repeat(100_000), inputSchema: { type: 'object' } };
  const listed = method === 'tools/list' ? { tools: [tool], nextCursor: `page-${++pages}`, ttlMs: 0 } : {};
  const result = {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    ...listed,
  };
  return { bytes: httpAnswer('length', { jsonrpc: '2.0', id, result }) };
}

test('A16: the pages of a list together are as large as one answer may be', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  const listed = await sendRaw({ url: gateway.endpoint('large'), headers: modernHeaders('tools/list'), body });
  assert.notEqual(listed.json?.error, undefined, listed.body.slice(0, 200));
  assert.ok(pages < 10, `${pages} pages were read`);
});

/** A server that ends each stream, to be asked again at once. */
async function startAgain(): Promise<Server> {
  const server = createServer((request, response) => {
    const resume = request.method === 'GET';
    if (resume && request.headers['last-event-id'] === undefined) return void response.writeHead(405).end();
    if (resume) gets++;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const message = (body === '' ? { method: 'resume' } : JSON.parse(body)) as { id?: number; method: string };
      if (message.method === 'resume' || message.method === 'tools/call') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return response.end(`id: ${gets + 1}\nretry: 0\ndata:\n\n`);
      }
      if (message.id === undefined) return response.writeHead(202).end();
      const result = {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'again', version: '1' },
        tools: [{ name: 'tool', inputSchema: { type: 'object' } }],
      };
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'one' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('A16: retry: 0 does not make the gateway ask at once, over and over', async () => {
  await call(gateway, 'again');
  // Four in a second, where there were thousands.
  assert.ok(gets < 40, `${gets} requests in two seconds`);
});
