/** Much that comes together, as messages or in one: each part may take the loop for a moment, and all in a row for no longer. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { httpAnswer, startBreaking } from '../faults/broken-bytes.ts';
import { waitsDuring } from '../faults/stall.ts';
import { openSettings, startGateway } from '../harness.ts';
import { meta, modernHeaders, sendRaw } from './raw.ts';
import { sendJson, startWitness } from './witness.ts';

/** Nested so deeply that it is not cut, of numbers that are dear to read. */
const numbers = Array.from({ length: 70_000 }, (_, index) => `1.${index}e-3`).join();
const dear = `{"a":{"b":{"c":{"d":{"e":[${numbers}]}}}}}`;

/** Sends this, and answers when something comes back. */
function sent(
  url: URL,
  head: string,
  last: string,
  isReady: Promise<void>,
): { written: Promise<void>; answered: Promise<string> } {
  const socket = connect(Number(url.port), url.hostname);
  const written = new Promise<void>((resolve) => socket.write(head, () => resolve()));
  const answered = new Promise<string>((resolve, reject) => {
    socket.once('data', (bytes: Buffer) => {
      socket.destroy();
      resolve(bytes.toString());
    });
    socket.once('error', reject);
  });
  void isReady.then(() => socket.write(last));
  return { written, answered };
}

test('bodies of clients that end at the same moment are read one by one', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway(openSettings('client', { witness: { url: witness.url } }));
  const url = new URL(gateway.endpoint('witness'));
  const head = [
    `POST ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    ...modernHeaders('tools/call', 'open').map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${dear.length}`,
  ];
  const { promise: isReady, resolve: end } = Promise.withResolvers<void>();
  const all = Array.from({ length: 24 }, () =>
    sent(url, `${head.join('\r\n')}\r\n\r\n${dear.slice(0, -1)}`, '}', isReady),
  );
  await Promise.all(all.map(({ written }) => written));
  const began = performance.now();
  const { result, worstMs } = await waitsDuring(gateway.admin, () => {
    end();
    return Promise.all(all.map(({ answered }) => answered));
  });
  const tookMs = performance.now() - began;
  assert.deepEqual([...new Set(result.map((text) => text.split('\r\n')[0]))], ['HTTP/1.1 400 Bad Request']);
  assert.ok(worstMs < tookMs / 2, `of ${tookMs} ms others waited ${worstMs} ms at once`);
});

test('answers of servers that end at the same moment are read one by one', async () => {
  const count = 24;
  await using witness = await startWitness([{ name: 'open' }]);
  const { promise: isReady, resolve: end } = Promise.withResolvers<void>();
  const { promise: isWritten, resolve: written } = Promise.withResolvers<void>();
  let begun = 0;
  witness.answer('open', (response, { message }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"jsonrpc":"2.0","id":${message.id},"result":{"content":[],"structuredContent":${dear}`, () => {
      if (++begun === count) written();
    });
    void isReady.then(() => response.end('}}'));
  });
  await using gateway = await startGateway(openSettings('client', { witness: { url: witness.url } }));
  const request = {
    url: gateway.endpoint('witness'),
    headers: modernHeaders('tools/call', 'open'),
  };
  const bodyOf = (id: number): string =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'open', arguments: {}, _meta: meta } });
  const answered = Promise.all(Array.from({ length: count }, (_, id) => sendRaw({ ...request, body: bodyOf(id) })));
  await isWritten;
  const began = performance.now();
  const { worstMs } = await waitsDuring(gateway.admin, () => {
    end();
    return answered;
  });
  const tookMs = performance.now() - began;
  assert.ok(worstMs < tookMs / 2, `of ${tookMs} ms others waited ${worstMs} ms at once`);
});

/** 900,000 rows of four columns, and eighty texts of 45,000 numbers. */
const table = `a,budget,c,d\n${'1,2,3,4\n'.repeat(900_000)}`;
const list = `[${'1,'.repeat(44_999)}1]`;
const masked: Readonly<Record<string, { readonly result: object; readonly shown: string }>> = {
  'a long table': {
    result: { contents: [{ uri: 'file:///open/a', mimeType: 'text/csv', text: table }] },
    shown: `a,c,d\\n1,3,4\\n`,
  },
  'many lists': {
    result: { contents: Array.from({ length: 80 }, () => ({ uri: 'file:///open/a', text: list })) },
    shown: list,
  },
};

test('what a mask concerns is masked in turns', async (t) => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway({
    ...openSettings('client', { witness: { url: witness.url } }),
    connections: [
      {
        name: 'masked',
        from: { agent: 'client' },
        to: 'witness',
        resources: [{ allow: '*', mask: ['/*/budget'] }],
      },
    ],
  });
  for (const [name, { result, shown }] of Object.entries(masked))
    await t.test(name, async () => {
      witness.answer('resources/read', (response, { message }) =>
        sendJson(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', ...result } }),
      );
      const params = { uri: 'file:///open/a', _meta: meta };
      const request = {
        url: gateway.endpoint('witness'),
        headers: modernHeaders('resources/read', 'file:///open/a'),
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params }),
      };
      const began = performance.now();
      const { result: answer, worstMs } = await waitsDuring(gateway.admin, () => sendRaw(request));
      const tookMs = performance.now() - began;
      assert.ok(answer.body.includes(shown), answer.body.slice(0, 500));
      assert.ok(worstMs < tookMs / 2, `of ${tookMs} ms others waited ${worstMs} ms at once`);
    });
});

test('the long lists of several servers are merged in turns', async () => {
  const resources = Array.from({ length: 9_000 }, (_, index) => ({
    uri: `doc://open/${index}`,
    name: `${index}`,
    description: 'long '.repeat(150),
  }));
  const lists: Readonly<Record<string, object>> = {
    'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { resources: {} } },
    'resources/list': { resources },
  };
  await using server = await startBreaking(({ body }) => {
    const { id, method } = JSON.parse(body) as { readonly id: number; readonly method: string };
    const result = { resultType: 'complete', ttlMs: 600_000, cacheScope: 'private', ...lists[method] };
    return { bytes: httpAnswer('length', { jsonrpc: '2.0', id, result }) };
  });
  const servers = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { url: `${server.origin}/mcp` }]));
  await using gateway = await startGateway(openSettings('client', servers));
  const list = {
    url: `${gateway.mcp}/mcp`,
    headers: modernHeaders('resources/list'),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/list', params: { _meta: meta } }),
  };
  const first = await sendRaw(list);
  const began = performance.now();
  const count = 4;
  const { result, worstMs } = await waitsDuring(gateway.admin, () =>
    Promise.all(Array.from({ length: count }, () => sendRaw(list))),
  );
  const tookMs = performance.now() - began;
  assert.equal((first.json?.result?.['resources'] as unknown[] | undefined)?.length, resources.length);
  assert.ok(result.every(({ body }) => body === first.body));
  assert.ok(worstMs < tookMs / 2, `of ${tookMs} ms others waited ${worstMs} ms at once`);
});
