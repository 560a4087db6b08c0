/**
 * A6: rights end with what gave them. Everything that a caller can hold open, against every way in which its right can
 * end: what comes afterwards never reaches it, and what is under way is given up and withheld.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { legacyHeaders, meta, modernHeaders } from '../attacks/raw.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { type Events, listen, openEvents, startSession } from './events.ts';
import { type HeldCall, PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

interface World {
  readonly server: PushingServer;
  readonly gateway: Gateway;
  readonly key: string;
}

/** Each ends the right of the caller. `late`: it takes effect when the clock says so. */
const ways: Readonly<
  Record<
    string,
    { readonly expires?: string; readonly stillConnected?: boolean; readonly end: (world: World) => Promise<unknown> }
  >
> = {
  'its key is revoked': {
    async end({ gateway }) {
      const id = /"id":\s*"([^"]+)"/.exec(await command(gateway, 'key', 'list', '--json'))?.[1] ?? '';
      await command(gateway, 'key', 'revoke', id);
    },
  },
  'its key expires': { expires: '4s', end: () => Promise.resolve() },
  'its role is removed': {
    end: ({ gateway }) => reload(gateway, (file) => (file.callers = { roles: { reader: {} }, agents: { client: {} } })),
  },
  'it is not declared any more': {
    end: ({ gateway }) => reload(gateway, (file) => (file.callers = { roles: { reader: {} }, agents: {} })),
  },
  'its connection is removed': { end: ({ gateway }) => reload(gateway, (file) => (file.connections = [])) },
  'the rule is removed': {
    stillConnected: true,
    end: ({ gateway }) =>
      reload(gateway, (file) => {
        file.connections = [{ name: 'less', from: { role: 'reader' }, to: 'pushing', tools: [{ allow: 'plain' }] }];
      }),
  },
  'the server is switched off': {
    end: ({ server, gateway }) =>
      reload(gateway, (file) => (file.servers = { pushing: { url: server.url, status: 'inactive' } })),
  },
};

const modernHold = JSON.stringify({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'hold', arguments: {}, _meta: { ...meta, progressToken: 'p' } },
});

async function command(gateway: Gateway, ...args: readonly string[]): Promise<string> {
  const run = await runCommandHere(...args, '--config', gateway.config);
  assert.equal(run.code, 0, run.stderr);
  return run.stdout.trim();
}

async function callHeld({ server, gateway, key }: World, session?: string): Promise<[Events, HeldCall]> {
  const before = server.held.length;
  const url = gateway.endpoint('pushing');
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

for (const [name, { expires, end, stillConnected }] of Object.entries(ways))
  test(`A6, D5: nothing reaches a caller after ${name}`, async () => {
    await using server = await new PushingServer().listen();
    await using gateway = await startGateway({
      callers: { roles: { reader: {} }, agents: { client: { roles: ['reader'] } } },
      servers: { pushing: { url: server.url } },
      connections: [
        {
          name: 'all',
          from: { role: 'reader' },
          to: 'pushing',
          tools: [{ allow: '*' }],
          resources: [{ allow: '*' }],
        },
      ],
    });
    const key = await command(
      gateway,
      'key',
      'create',
      '--agent',
      'client',
      '--quiet',
      ...(expires === undefined ? [] : ['--expires', expires]),
    );
    const world = { server, gateway, key };
    const url = gateway.endpoint('pushing');
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

    await end(world);
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
  });
