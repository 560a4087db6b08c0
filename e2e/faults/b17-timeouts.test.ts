/** B17: time-outs of one server and of one tool. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

for (const [name, own] of [
  ['a tool', { tools: { wait: { timeouts: { total: '1s' } } } }],
  ['a server', { timeouts: { firstByte: '1s' } }],
  ['a tool over its server', { timeouts: { firstByte: '10m' }, tools: { wait: { timeouts: { firstByte: '1s' } } } }],
] as const)
  test(`B17: the time-out of ${name} ends its calls`, async () => {
    await using server = await new OtherServer({ eras: 'legacy' }).listen();
    await using gateway = await startGateway(openSettings('client', { other: { url: server.url, ...own } }));
    await using client = await openAskingClient(gateway.endpoint('other'), 'legacy');
    const began = performance.now();
    const said = await client.call('wait').catch((error: unknown) => String(error));
    assert.doesNotMatch(said, /Request timed out/);
    assert.ok(performance.now() - began < 15_000);
    await server.until(() => server.core.countOf('notifications/cancelled') === 1);
  });
