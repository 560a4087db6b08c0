/** Many resources to listen to, in one request and on one session, become few requests to the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { httpAnswer, startBreaking } from './broken-bytes.ts';
import { reload } from './reload.ts';
import { waitsDuring } from './stall.ts';

const uris = Array.from({ length: 800 }, (_, at) => `doc://${'x'.repeat(1_400)}/${at}`);

test('A7: one listen to 800 resources costs the server few requests, and no more bytes than a few of its own', async () => {
  let requests = 0;
  let bytes = 0;
  const whole = Promise.withResolvers<void>();
  await using server = await startBreaking(({ body }) => {
    requests++;
    bytes += body.length;
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    if (method !== 'subscriptions/listen') {
      const result = {
        supportedVersions: ['2026-07-28'],
        capabilities: { resources: { subscribe: true } },
        resources: [],
      };
      return { bytes: httpAnswer('length', { jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } }) };
    }
    if (body.includes(uris.at(-1) ?? '')) whole.resolve();
    // A stream that stays open and says nothing.
    return { bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n') };
  });
  await using gateway = await startGateway(
    openSettings('client', { docs: { url: `${server.origin}/mcp`, era: 'modern' } }),
  );
  // With a connection that is there, each change of what is watched could be a request of its own.
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/list', params: { _meta: meta } });
  const listed = await sendRaw({ url: gateway.endpoint('docs'), headers: modernHeaders('resources/list'), body: list });
  assert.equal(listed.status, 200, listed.body);
  const stop = new AbortController();
  const answer = await fetch(gateway.endpoint('docs'), {
    method: 'POST',
    headers: Object.fromEntries(modernHeaders('subscriptions/listen')),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions: uris }, _meta: meta },
    }),
    signal: stop.signal,
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader?.read())?.value ?? '', /subscriptions\/acknowledged/);
  await whole.promise;
  stop.abort();
  const asked = uris.join('').length;
  assert.ok(requests < 20, `${requests} requests`);
  assert.ok(bytes < asked * 4, `${bytes} bytes for ${asked}`);
});

test('a reload decides anew on all that is watched, and holds up no call meanwhile', async (t) => {
  await using witness = await startWitness([{ name: 'open' }]);
  // Each watches what its share allows.
  const agents = Array.from({ length: 8 }, (_, at) => `agent-${at}`);
  const settings = {
    callers: { agents: Object.fromEntries(agents.map((name) => [name, {}])) },
    servers: { docs: { url: witness.url } },
    connections: [{ name: 'before', from: { agent: agents }, to: 'docs', resources: [{ allow: 'doc://open/**' }] }],
  };
  await using gateway = await startGateway(settings);
  const stop = new AbortController();
  t.after(() => stop.abort());
  // Dear to decide on.
  const watched = Array.from({ length: 1_000 }, (_, at) => `doc://open/${'%41/'.repeat(450)}${at}`);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: watched }, _meta: meta },
  });
  const began = performance.now();
  for (const name of agents) {
    const answer = await fetch(gateway.endpoint('docs'), {
      method: 'POST',
      headers: Object.fromEntries([
        ...modernHeaders('subscriptions/listen'),
        ['Authorization', `Bearer ${gateway.key(name)}`],
      ]),
      body,
      signal: stop.signal,
    });
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await reader?.read())?.value ?? '', /subscriptions\/acknowledged/);
  }
  const openedMs = performance.now() - began;
  const { worstMs } = await waitsDuring(gateway.admin, () =>
    reload(gateway, (written) => {
      written['connections'] = settings.connections.map((each) => ({ ...each, name: 'after' }));
    }),
  );
  assert.ok(worstMs < openedMs / 3, `to decide took ${openedMs} ms, and others waited ${worstMs} ms at once`);
});
