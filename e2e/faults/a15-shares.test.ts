/** A15: what callers fill has a share for each, and only the one who fills it goes without. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Sessions } from '../../gateway/src/listeners/http/sessions.ts';
import type { Caller } from '../../gateway/src/pipeline/contracts/caller.ts';
import { openEndedIds } from '../../gateway/src/stores/ended-ids.ts';
import { type Header, legacyHeaders, meta, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { fixtureCommand, type Gateway, startGateway } from '../harness.ts';
import { openEvents } from './events.ts';
import { PushingServer } from './pushing.ts';

/** As in the gateway. */
const maxParkedOfCaller = 256;
const maxWatches = 1_000;
const maxSessions = 3;

let folder: string;
let server: PushingServer;
let gateway: Gateway;
let ada: string;
let bob: string;

function start(): Promise<Gateway> {
  return startGateway(
    {
      callers: { agents: { ada: {}, bob: {} } },
      servers: { asking: { command: fixtureCommand('legacy') }, pushing: { url: server.url } },
      connections: [
        {
          name: 'all',
          from: { agent: ['ada', 'bob'] },
          to: ['asking', 'pushing'],
          tools: [{ allow: '*' }],
          resources: [{ allow: '*' }],
        },
      ],
      bounds: { sessions: maxSessions, parked: '10m' },
    },
    { folder },
  );
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-a15-'));
  server = await new PushingServer().listen();
  gateway = await start();
  ada = gateway.key('ada');
  bob = gateway.key('bob');
});
after(async () => {
  await gateway.stop();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function send(key: string, name: string, headers: readonly Header[], body: object): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(name),
    headers: [...headers, ['Authorization', `Bearer ${key}`]],
    body: JSON.stringify(body),
  });
}

async function initialize(key: string, protocolVersion = '2025-11-25'): Promise<string> {
  const answer = await send(key, 'pushing', legacyHeaders, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  });
  assert.equal(answer.status, 200, answer.body);
  return answer.headers.get('mcp-session-id') ?? '';
}

function list(key: string, session: string): Promise<RawAnswer> {
  return send(key, 'pushing', [...legacyHeaders, ['Mcp-Session-Id', session]], {
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/list',
  });
}

const stream = (key: string, session: string) =>
  openEvents({
    url: gateway.endpoint('pushing'),
    key,
    method: 'GET',
    headers: [
      ['Accept', 'text/event-stream'],
      ['Mcp-Session-Id', session],
    ],
  });

const remove = (key: string, session: string) =>
  sendRaw({
    url: gateway.endpoint('pushing'),
    method: 'DELETE',
    headers: [
      ['Authorization', `Bearer ${key}`],
      ['Mcp-Session-Id', session],
    ],
  });

function ask(key: string): Promise<RawAnswer> {
  const _meta = { ...meta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  return send(key, 'asking', modernHeaders('tools/call', 'test_elicitation'), {
    jsonrpc: '2.0',
    id: 3,
    method: 'tools/call',
    params: { name: 'test_elicitation', arguments: { message: 'who?' }, _meta },
  });
}

test('A15: a caller whose questions are all unanswered is not asked another, and others are', async () => {
  for (let asked = 0; asked < maxParkedOfCaller; ) {
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(ada)));
    for (const { json, body } of answers) assert.equal(json?.result?.resultType, 'input_required', body);
    asked += answers.length;
  }
  const beyond = await ask(ada);
  assert.doesNotMatch(beyond.body, /input_required/);
  // The server has a part of it: a client that simply repeats the call has that done twice.
  assert.match(beyond.body, /requests of servers wait for your answers: the call may have been made/);
  assert.match(beyond.body, /"retryable":false/);
  assert.equal((await ask(bob)).json?.result?.resultType, 'input_required');
});

test('A15: one stream watches no more resources than its share, and the server hears of no others', async () => {
  const uris = Array.from({ length: maxWatches + 60 }, (_, at) => `doc:${at}`);
  const asked = (): number => server.calls('resources/subscribe').length;
  const listening = await send(ada, 'pushing', modernHeaders('subscriptions/listen'), {
    jsonrpc: '2.0',
    id: 4,
    method: 'subscriptions/listen',
    params: { notifications: { resourceSubscriptions: uris }, _meta: meta },
  });
  assert.equal(listening.json?.error?.code, -32_602, listening.body);
  assert.equal(asked(), 0);
  // A legacy session asks for one at a time; batches make that quick.
  const session = await initialize(ada, '2025-03-26');
  let granted = 0;
  for (let from = 0; from < uris.length; from += 50) {
    const batch = uris
      .slice(from, from + 50)
      .map((uri, at) => ({ jsonrpc: '2.0', id: from + at, method: 'resources/subscribe', params: { uri } }));
    const { body } = await send(ada, 'pushing', [...legacyHeaders, ['Mcp-Session-Id', session]], batch);
    granted += body.match(/"result"/g)?.length ?? 0;
  }
  assert.equal(granted, maxWatches);
  await server.until(() => asked() >= maxWatches);
  assert.equal(asked(), maxWatches);
  assert.equal((await remove(ada, session)).status, 204);
});

/** What a stream that listens to long URIs says that it watches. */
async function watched(key: string, stop: AbortSignal): Promise<number> {
  const uris = Array.from({ length: maxWatches }, (_, at) => `doc:${'x'.repeat(1_900)}${at}`);
  const answer = await fetch(gateway.endpoint('pushing'), {
    method: 'POST',
    headers: Object.fromEntries([...modernHeaders('subscriptions/listen'), ['Authorization', `Bearer ${key}`]]),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 5,
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: uris }, _meta: meta },
    }),
    signal: stop,
  });
  let text = '';
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!/acknowledged[^]*\n\n/.test(text)) text += (await reader?.read())?.value ?? assert.fail(text.slice(-500));
  return text.match(/doc:x/g)?.length ?? 0;
}

async function entriesOf(table: string): Promise<number> {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text();
  const [, entries] = new RegExp(`sallyport_table_entries\\{table="${table}"\\} (\\d+)`).exec(text) ?? [];
  return Number(entries);
}

async function untilEntries(table: string, isSo: (entries: number) => boolean): Promise<void> {
  while (!isSo(await entriesOf(table)));
}

const untilWatched = (isSo: (chars: number) => boolean): Promise<void> => untilEntries('watched_chars', isSo);

test('A15: long URIs that a caller watches leave others their share, and count until its stream ends', async () => {
  const [first, second, others, third] = Array.from({ length: 4 }, () => new AbortController()) as [
    AbortController,
    AbortController,
    AbortController,
    AbortController,
  ];
  try {
    assert.equal(await watched(ada, first.signal), maxWatches);
    const more = await watched(ada, second.signal);
    assert.ok(more < maxWatches / 10, `${more} more`);
    assert.equal(await watched(bob, others.signal), maxWatches);
    first.abort();
    await untilWatched((chars) => chars < 2_500_000);
    assert.ok((await watched(ada, third.signal)) > maxWatches - 100);
  } finally {
    for (const each of [first, second, others, third]) each.abort();
  }
});

test('A15: what a session asks to watch while it is deleted is not watched, and counts for nothing', async () => {
  await untilWatched((chars) => chars === 0);
  const session = await initialize(ada);
  const sendIn = (method: string, params: object): Promise<RawAnswer> =>
    send(ada, 'pushing', [...legacyHeaders, ['Mcp-Session-Id', session]], {
      jsonrpc: '2.0',
      id: method,
      method,
      params,
    });
  assert.equal((await sendIn('resources/subscribe', { uri: 'doc:early' })).status, 200);
  const { promise, resolve: restarted } = Promise.withResolvers<void>();
  const greeted = server.calls('initialize').length;
  server.restart = promise;
  const listed = sendIn('tools/list', {});
  await server.until(() => server.calls('initialize').length > greeted);
  // It waits for the connection, as the list does.
  const subscribed = sendIn('resources/subscribe', { uri: 'doc:late' });
  await untilEntries('calls', (calls) => calls === 1);
  assert.equal((await remove(ada, session)).status, 204);
  restarted();
  await Promise.all([listed, subscribed]);
  assert.equal(await entriesOf('watched_chars'), 0);
});

test('A15: sessions that open again from their ids count for their caller, and cost others nothing', async () => {
  const others = await initialize(bob);
  using heard = await stream(bob, others);
  const ids: string[] = [];
  for (let index = 0; index < maxSessions * 2; index++) ids.push(await initialize(ada));
  // What is kept of the oldest made room; their ids serve on, one in the place of another.
  for (const id of ids) assert.equal((await list(ada, id)).status, 200);
  const open = await Promise.all(ids.slice(0, maxSessions).map((id) => stream(ada, id)));
  try {
    for (const { status } of open) assert.equal(status, 200);
    for (const id of ids.slice(maxSessions)) assert.equal((await list(ada, id)).status, 429);
    using refused = await stream(ada, ids[maxSessions] ?? '');
    assert.equal(refused.status, 429);
    assert.equal((await list(ada, ids[0] ?? '')).status, 200);
    assert.equal((await list(bob, others)).status, 200);
    assert.equal(heard.ended(), false);
  } finally {
    for (const each of open) each[Symbol.dispose]();
  }
});

test('A15: (unit) callers that fill the table of sessions take none from others', () => {
  const seal = { close: JSON.stringify, open: (text: string) => JSON.parse(text) };
  const ended = { add: () => {}, has: () => false };
  const sessions = new Sessions(seal, ended, 4_000);
  const callerOf = (key: string) => ({ key, credential: { kind: 'key', id: key } }) as unknown as Caller;
  const claims = { version: '2025-11-25', capabilities: {} } as const;
  const mint = (key: string) =>
    sessions.mint(callerOf(key), claims, { endpoint: { kind: 'portal' }, limit: 1_000_000 });
  const first = mint('first');
  assert.ok(first !== undefined);
  first.session.watch('server', 'uri');
  for (const key of ['a', 'b', 'c', 'd']) for (let count = 0; count < 1_100; count++) mint(key);
  // The table is full; only who has sessions can make room, with its own.
  assert.equal(mint('late'), undefined);
  assert.ok(mint('a') !== undefined);
  const found = sessions.find(first.id, callerOf('first'), { endpoint: { kind: 'portal' }, limit: 256 });
  assert.ok(found.ok && found.value === first.session);
  sessions.close();
});

test('a deleted session stays deleted after a restart, and others open again', async () => {
  const [deleted, kept] = [await initialize(ada), await initialize(ada)];
  assert.equal((await remove(ada, deleted)).status, 204);
  assert.equal((await list(ada, deleted)).status, 404);
  const file = join(folder, 'data', 'ended-sessions');
  assert.doesNotMatch(readFileSync(file, 'latin1'), new RegExp(`${deleted.slice(0, 20)}|\\bada\\b`));
  await gateway.stop();
  gateway = await start();
  assert.equal((await list(ada, deleted)).status, 404);
  assert.equal((await remove(ada, deleted)).status, 404);
  using opened = await stream(ada, deleted);
  assert.equal(opened.status, 404);
  assert.equal((await list(ada, kept)).status, 200);
});

test('(unit) ended ids: an owner fills its own share, what is over is dropped at the start, damage is no failure', (context) => {
  const path = join(mkdtempSync(join(tmpdir(), 'sallyport-a15-')), 'ended');
  context.after(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  const later = Date.now() + 60_000;
  const ids = openEndedIds(path);
  ids.add('bob', 'first', later);
  ids.add('bob', 'over', Date.now() - 1);
  for (let count = 0; count < 2_000; count++) ids.add('ada', `id-${count}`, later);
  assert.ok(ids.has('bob', 'first') && ids.has('ada', 'id-1999') && !ids.has('ada', 'id-0'));
  assert.ok(!ids.has('ada', 'first'));
  const again = openEndedIds(path);
  assert.ok(again.has('bob', 'first') && !again.has('bob', 'over') && again.has('ada', 'id-1999'));
  assert.ok(readFileSync(path, 'latin1').split('\n').length < 1_100);
  for (let count = 0; count < 12_000; count++) again.add('ada', `more-${count}`, later);
  assert.ok(readFileSync(path, 'latin1').split('\n').length < 12_100, 'the file does not grow without end');
  assert.ok(openEndedIds(path).has('bob', 'first'));
  const troubles: string[] = [];
  const unusable = openEndedIds(join(path, '..'), (problem) => troubles.push(String(problem)));
  unusable.add('bob', 'first', later);
  unusable.add('bob', 'second', later);
  assert.ok(unusable.has('bob', 'second'));
  assert.equal(troubles.length, 1);
});
