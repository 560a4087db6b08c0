import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Cancellation } from '../../pipeline/cancellation.ts';
import { ownCall } from '../own-call.ts';
import { Peer } from '../peer.ts';
import { reading } from '../transport.ts';
import { dialler } from './client/dial.ts';
import { Pool } from './client/pool.ts';
import { StreamableWire } from './streamable.ts';

test('a server is not told to give up what it was never asked', async () => {
  const seen: string[] = [];
  const held = Promise.withResolvers<() => void>();
  const server = createServer((request, response: ServerResponse) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id, method } = JSON.parse(body) as { id?: number; method: string };
      const answer = (): void => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
      };
      if (seen.push(method) === 1) held.resolve(answer);
      else answer();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  const pool = new Pool(url.host, dialler(url, { timeoutMs: 2_000, tls: () => ({}) }), 1);
  const endpoint = { url, path: url.pathname, calls: pool, streams: pool, headers: {}, close: () => pool.destroy() };
  const times = { firstByte: 10_000, total: 10_000 };
  const peer = new Peer('legacy', times, { audience: 'one', onNotification: () => {}, onDown: () => {} });
  peer.attach(
    new StreamableWire(
      endpoint,
      'legacy',
      { ...times, ...reading, depth: 64, values: 1_000, keys: 1_000, result: 1_024 },
      peer,
    ),
  );
  const call = (method: string, cancellation = new Cancellation()) => peer.call(ownCall(method, {}, cancellation));

  const first = call('first');
  const answerFirst = await held.promise;
  const cancellation = new Cancellation();
  const waiting = call('waiting', cancellation);
  cancellation.cancel();
  assert.deepEqual(await waiting, { kind: 'failed', failure: { kind: 'cancelled' } });
  // Behind whatever the cancellation has left in the queue.
  const last = call('last');
  answerFirst();
  for (const { kind } of [await first, await last]) assert.equal(kind, 'result');
  assert.deepEqual(seen, ['first', 'last']);
  await peer.close();
  endpoint.close();
  server.close();
});
