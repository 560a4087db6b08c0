/** A2: a reload while something is open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { listen, startSession } from './events.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';
import { mainThreadMsOf, memoryOf, waitsDuring } from './stall.ts';

test('A2: a reload with open streams, sessions and watched resources ends, and all of them go on', async () => {
  await using server = await new PushingServer().listen();
  await using gateway = await startGateway(openSettings('client', { pushing: { url: server.url } }));
  const single = gateway.endpoint('pushing');
  const watched = { toolsListChanged: true, resourceSubscriptions: ['doc:one', 'doc:two'] };
  using modern = await listen(single, undefined, watched);
  using portal = await listen(`${gateway.mcp}/mcp`, undefined, watched);
  const session = await startSession(single, undefined);
  using events = session.events;
  await session.request('resources/subscribe', { uri: 'doc:one' });
  await session.request('resources/subscribe', { uri: 'doc:two' });
  await server.until(() => server.calls('resources/subscribe').length >= 2 && server.streams >= 1);

  const reloads = async (): Promise<void> => {
    for (let round = 0; round < 5; round++)
      await reload(gateway, (settings) => {
        settings.callers = { agents: { client: {}, [`another-${round}`]: {} } };
      });
  };
  const { worstMs } = await waitsDuring(gateway.admin, reloads, () => mainThreadMsOf(gateway.pid));
  assert.ok(worstMs < 1_000, `another request waited for ${worstMs} ms of work`);
  assert.ok((await memoryOf(gateway.pid)) < 600 * 1024 * 1024);

  await server.until(() => server.streams >= 1);
  server.push('notifications/resources/updated', { uri: 'doc:one' });
  for (const stream of [modern, portal, events]) await stream.until((text) => text.includes('resources/updated'));
});
