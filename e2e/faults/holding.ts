/** Everything that one caller can hold open at once, and what must happen to all of it when its right ends. */
import assert from 'node:assert/strict';
import { legacyHeaders, meta, modernHeaders } from '../attacks/raw.ts';
import type { Gateway } from '../harness.ts';
import { type Events, listen, openEvents, startSession } from './events.ts';
import type { HeldCall, PushingServer } from './pushing.ts';

export interface World {
  readonly server: PushingServer;
  readonly gateway: Gateway;
  /** What the gateway calls the server. */
  readonly name: string;
  /** What the caller presents as Bearer. */
  readonly key: string;
}

const modernHold = JSON.stringify({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'hold', arguments: {}, _meta: { ...meta, progressToken: 'p' } },
});

async function callHeld({ server, gateway, name, key }: World, session?: string): Promise<[Events, HeldCall]> {
  const before = server.held.length;
  const url = gateway.endpoint(name);
  const opening =
    session === undefined
      ? openEvents({ url, key, headers: modernHeaders('tools/call', 'hold'), body: modernHold })
      : openEvents({
          url,
          key,
          headers: [...legacyHeaders, ['Mcp-Session-Id', session]],
          body: JSON.stringify({
            jsonrpc: '2.0',
            id: 99,
            method: 'tools/call',
            params: { name: 'hold', arguments: {}, _meta: { progressToken: 'p' } },
          }),
        });
  await server.until(() => server.held.length > before);
  const held = server.held.at(-1);
  assert.ok(held !== undefined);
  // The head of the answer may come with the answer itself.
  const progressToken = held.message.params?._meta?.progressToken;
  held.send({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken, progress: 1, message: 'early' },
  });
  return [await opening, held];
}

/**
 * Opens everything, ends the right, and asserts that nothing comes afterwards. `stillConnected`: messages of the server that
 * name no call may still come.
 */
export async function nothingReaches(
  world: World,
  end: () => Promise<unknown>,
  stillConnected: boolean | undefined,
): Promise<void> {
  const { server, gateway, name, key } = world;
  const url = gateway.endpoint(name);
  const watched = { toolsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['doc:one'] };
  using single = await listen(url, key, watched);
  using portal = await listen(`${gateway.mcp}/mcp`, key, watched);
  const session = await startSession(url, key);
  using stream = session.events;
  await session.request('resources/subscribe', { uri: 'doc:one' });
  const [modern, modernHeld] = await callHeld(world);
  const [legacy, legacyHeld] = await callHeld(world, session.id);
  using _modern = modern;
  using _legacy = legacy;
  await server.until(() => server.calls('resources/subscribe').length >= 2 && server.streams >= 2);
  server.push('notifications/resources/updated', { uri: 'doc:one' });
  for (const events of [single, portal, stream]) await events.until((text) => text.includes('resources/updated'));
  for (const call of [modern, legacy]) await call.until((text) => text.includes('early'));

  await end();
  // What was under way is given up at the server, and the caller is told.
  await Promise.all([modern.end(), legacy.end()]);
  await server.until(() => modernHeld.closed() && legacyHeld.closed());
  for (const call of [modern, legacy]) assert.match(call.text(), /withheld/, gateway.errors());

  const lengths = [single, portal, stream].map((events) => events.text().length);
  server.push('notifications/message', { level: 'error', data: 'secret-after' });
  server.push('notifications/resources/updated', { uri: 'doc:one' });
  modernHeld.answer('secret-after');
  // What would have reached them has done so when a round trip through the gateway is over.
  await (await fetch(`${gateway.admin}/healthz`)).text();
  await (await fetch(`${gateway.admin}/healthz`)).text();
  for (const [index, events] of [single, portal, stream, modern, legacy].entries()) {
    const after = index < 3 ? events.text().slice(lengths[index]) : events.text();
    // A log message that names no call is for all that are connected.
    const closed = stillConnected === true ? /resources\/updated/ : /secret-after|resources\/updated/;
    assert.doesNotMatch(after, closed, `${index}: ${after}`);
  }
}
