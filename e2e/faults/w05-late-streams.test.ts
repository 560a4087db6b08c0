/** Streams that open while their session ends, or while a revision comes into force: the recording of the opening takes time. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { legacyHeaders, meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { until } from '../until.ts';
import { type Events, openEvents, startSession } from './events.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

interface World extends AsyncDisposable {
  readonly server: PushingServer;
  readonly gateway: Gateway;
  readonly key: string;
  readonly url: string;
  /** The disk of the log stands still until the returned function is called. */
  readonly hold: () => { readonly reached: () => Promise<void>; readonly release: () => void };
}

const rules = { tools: [{ allow: '*' }], resources: [{ allow: '*' }] };

async function startWorld(): Promise<World> {
  const server = await new PushingServer().listen();
  const slow = join(process.env['TMPDIR'] ?? '/tmp', `sallyport-slow-${process.pid}`);
  const gateway = await startGateway(
    {
      callers: { agents: { client: {}, other: {} } },
      servers: { pushing: { url: server.url } },
      connections: [
        { name: 'all', from: { agent: 'client' }, to: 'pushing', ...rules },
        { name: 'others', from: { agent: 'other' }, to: 'pushing', ...rules },
      ],
      // The opening of a stream waits for its record.
      audit: { durability: 'before-forward' },
    },
    { env: { SLOW_DISK: slow, NODE_OPTIONS: `--import=${join(import.meta.dirname, 'slow-disk.ts')}` } },
  );
  const clear = (): void => {
    for (const file of [slow, `${slow}.reached`]) rmSync(file, { force: true });
  };
  return {
    server,
    gateway,
    key: gateway.key('client'),
    url: gateway.endpoint('pushing'),
    hold: () => {
      clear();
      writeFileSync(slow, '');
      return { reached: () => until(() => existsSync(`${slow}.reached`), 'the log to write'), release: clear };
    },
    async [Symbol.asyncDispose]() {
      clear();
      await gateway.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function sessionsOf({ gateway }: World): Promise<number> {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text();
  return Number(/sallyport_table_entries\{table="sessions"\} (\d+)/.exec(text)?.[1]);
}

const streamOf = ({ url, key }: World, session: string): Promise<Events> =>
  openEvents({
    url,
    key,
    method: 'GET',
    headers: [
      ['Accept', 'text/event-stream'],
      ['Mcp-Session-Id', session],
    ],
  });

/** Ends a session, and waits for no answer, since the record of it is behind the one that is being written. */
function end({ url, key }: World, session: string) {
  return sendRaw({
    url,
    method: 'DELETE',
    headers: [
      ['Authorization', `Bearer ${key}`],
      ['Mcp-Session-Id', session],
    ],
    within: 30_000,
  });
}

function subscribe({ url, key }: World, session: string) {
  return sendRaw({
    url,
    headers: [...legacyHeaders, ['Authorization', `Bearer ${key}`], ['Mcp-Session-Id', session]],
    body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'resources/subscribe', params: { uri: 'doc:one' } }),
    within: 30_000,
  });
}

/** What the server says to all. The gateway itself tells a stream that lists changed when its rights did. */
const pushed = /pushed-after|resources\/updated/;

/** Has the server say something to all, and waits until the one that still hears it has it. */
async function pushTo(server: PushingServer, witness: Events): Promise<void> {
  server.push('notifications/message', { level: 'error', data: 'pushed-after' });
  server.push('notifications/resources/updated', { uri: 'doc:one' });
  await witness.until((text) => text.includes('resources/updated') && text.includes('pushed-after'));
}

test('W5: a session that ended while its stream was being opened hears of no server, and neither does one that was open', async () => {
  await using world = await startWorld();
  const { server, gateway, url } = world;
  const witness = await startSession(url, gateway.key('other'));
  using stays = witness.events;
  await witness.request('resources/subscribe', { uri: 'doc:one' });
  const open = await startSession(url, world.key);
  using before = open.events;
  const late = await startSession(url, world.key);
  late.events[Symbol.dispose]();
  await until(async () => (await sessionsOf(world)) === 3, 'three sessions');
  await server.until(() => server.streams >= 2);

  const { reached, release } = world.hold();
  const opening = streamOf(world, late.id);
  await reached();
  const subscribing = subscribe(world, late.id);
  const ending = [end(world, late.id), end(world, open.id)];
  await until(async () => (await sessionsOf(world)) === 1, 'the sessions to end');
  release();
  using opened = await opening;
  for (const { status } of await Promise.all(ending)) assert.equal(status, 204);
  await subscribing;
  await pushTo(server, stays);
  assert.equal(opened.status, 404, opened.text());
  for (const events of [before, opened]) assert.doesNotMatch(events.text(), pushed);
  await before.end();
});

test('W6: a stream that was being opened while a revision came into force is judged by that revision', async () => {
  await using world = await startWorld();
  const { server, gateway, url, key } = world;
  const witness = await startSession(url, gateway.key('other'));
  using stays = witness.events;
  await witness.request('resources/subscribe', { uri: 'doc:one' });
  const session = await startSession(url, key);
  session.events[Symbol.dispose]();
  const listening = (endpoint: string): Promise<Events> =>
    openEvents({
      url: endpoint,
      key,
      headers: modernHeaders('subscriptions/listen'),
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 'listening',
        method: 'subscriptions/listen',
        params: {
          notifications: { toolsListChanged: true, resourceSubscriptions: ['doc:one'] },
          _meta: meta,
        },
      }),
    });
  // Known before, so that nothing but the record is waited for.
  (await listening(url))[Symbol.dispose]();
  await server.until(() => server.streams >= 2);

  const { reached, release } = world.hold();
  const opening = [listening(url), listening(`${gateway.mcp}/mcp`), streamOf(world, session.id)];
  await reached();
  await reload(gateway, (file) => {
    file.connections = [{ name: 'others', from: { agent: 'other' }, to: 'pushing', ...rules }];
  });
  release();
  const opened = await Promise.all(opening);
  try {
    await pushTo(server, stays);
    for (const [index, events] of opened.entries())
      assert.doesNotMatch(events.text(), pushed, `${index}: ${events.text()}`);
    // What leads nowhere any more does not stay open.
    await opened[0]?.end();
  } finally {
    for (const events of opened) events[Symbol.dispose]();
  }
});
