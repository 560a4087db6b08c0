/** `sallyport server disable|drain|quarantine|enable` beside a running gateway with connected clients. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { meta, modernCallWith, modernHeaders, sendRaw } from './attacks/raw.ts';
import { startWitness } from './attacks/witness.ts';
import { openSession } from './clients.ts';
import { sallyportWith } from './faults/commands.ts';
import { listen, startSession } from './faults/events.ts';
import { PushingServer } from './faults/pushing.ts';
import { type Gateway, gatewayFile, type Settings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const settingsOf = (servers: Readonly<Record<string, object>>): Settings => ({
  callers: { agents: { a: {}, stranger: {} } },
  servers,
  connections: Object.keys(servers).map((to) => ({
    name: `to ${to}`,
    from: { agent: 'a' },
    to,
    tools: [{ allow: ['plain', 'hold', 'open'] }],
    resources: [{ allow: 'doc://projects/{id}' }],
  })),
});

const by = `os:${userInfo().username}`;

async function control(gateway: Gateway, ...words: readonly string[]): Promise<string> {
  const ended = await runCommandHere('server', ...words, '--config', gateway.config);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout;
}

async function call(gateway: Gateway, key: string, tool: string, server = 's'): Promise<string> {
  const url = server === '' ? `${gateway.mcp}/mcp` : gateway.endpoint(server);
  const { json, body } = await sendRaw(modernCallWith({ url, key, tool }));
  const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
  return content?.text ?? body;
}

/** Asks until this holds of the answer: a gateway follows within a second. */
async function until(holds: (text: string) => boolean, ask: () => Promise<string>): Promise<string> {
  const began = performance.now();
  for (;;) {
    const text = await ask();
    if (holds(text)) return text;
    assert.ok(performance.now() - began < patienceMs, text);
    await pause(20);
  }
}

const changed = 'notifications/tools/list_changed';
const disabled =
  /^The server s is out of service by its operator, and the call was not made: back at noon\. Try again later\./;

test('disable: calls under way are cut, clients hear why and that lists changed, and enable brings it back', async () => {
  await using server = await new PushingServer().listen();
  await using other = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway(settingsOf({ s: { url: server.url }, o: { url: other.url } }));
  const key = gateway.key('a');
  const session = await startSession(gateway.endpoint('s'), key);
  using _stream = session.events;
  using portal = await listen(`${gateway.mcp}/mcp`, key, { toolsListChanged: true });
  using own = await listen(gateway.endpoint('s'), key, { toolsListChanged: true });
  assert.match(await session.request('tools/list'), /"plain"/);
  const cut = call(gateway, key, 'hold');
  await server.until(() => server.held.length === 1);
  const before = [session.events, portal, own].map((events) => events.text().split(changed).length);

  const said = await control(gateway, 'disable', 's', '--reason', 'incident 7', '--message', 'back at noon');
  assert.equal(said, 's is disabled\n');
  assert.match(await cut, /^The server was taken out of service by its operator while it was under way/);
  await server.until(() => server.held[0]?.closed() === true);
  for (const [at, events] of [session.events, portal, own].entries())
    await events.until((text) => text.split(changed).length > (before[at] ?? 0));
  assert.ok(!own.ended() && !session.events.ended());
  const received = server.received.length;
  assert.match(await call(gateway, key, 'plain'), disabled);
  assert.match(await session.request('tools/call', { name: 'plain', arguments: {} }), /out of service/);
  assert.match(await call(gateway, key, 's__plain', ''), disabled);
  assert.match(await session.request('tools/list'), /"tools":\[\]/);
  // What the caller may not know of is told as ever, and nothing is asked of the server.
  assert.match(await call(gateway, key, 'hidden'), /Unknown tool: hidden/);
  assert.match(await call(gateway, gateway.key('stranger'), 'plain'), /There is no such server/);
  assert.equal(await call(gateway, key, 'open', 'o'), 'the witness was called');
  const uri = 'doc://projects/2';
  const reading = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri, _meta: meta } });
  const readHeaders = [...modernHeaders('resources/read', uri), ['Authorization', `Bearer ${key}`]] as const;
  assert.match(
    (await sendRaw({ url: `${gateway.mcp}/mcp`, headers: readHeaders, body: reading })).body,
    /the witness was called/,
  );
  assert.equal(server.received.length, received);
  // A client that begins now begins, and sees no tools.
  const headers = { Authorization: `Bearer ${key}` };
  await using late = await openSession('sdk2-auto', { url: gateway.endpoint('s'), headers });
  assert.deepEqual(await late.tools(), []);
  const list = await control(gateway, 'list');
  assert.match(list, new RegExp(`^s {2}active .*\\n {4}DISABLED by ${by} since \\S+: incident 7$`, 'm'));

  const words = ['explain', '--caller', 'agent:a', '--server', 's', '--tool', 'plain', '--config', gateway.config];
  assert.match((await runCommandHere(...words)).stdout, /^Note: On the running gateway DISABLED by /m);

  assert.match(
    await (await fetch(`${gateway.admin}/metrics`)).text(),
    /sallyport_server_status\{server="s",status="disabled"\} 1\n/,
  );
  const heard = own.text().split(changed).length;
  assert.equal(await control(gateway, 'enable', 's', '--reason', 'over'), 's is enabled\n');
  await own.until((text) => text.split(changed).length > heard);
  await until(
    (text) => text.includes('plain'),
    async () => (await late.tools()).join(' '),
  );
  assert.doesNotMatch(await control(gateway, 'list'), /DISABLED/);
  const found = await runCommandHere(
    'audit',
    'search',
    '--kind',
    'server-control',
    '--json',
    '--config',
    gateway.config,
  );
  const details = [...found.stdout.matchAll(/"from": "(\w+)",?[\s\S]*?"to": "(\w+)"/g)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  assert.ok(found.stdout.includes(`"by": "${by}"`) && found.stdout.includes('"reason": "incident 7"'), found.stdout);
  assert.equal(details.length, 2, found.stdout);
});

/** One gateway before a server that is drained, and one that its configuration closes. */
let pushing: PushingServer;
let gateway: Gateway;
before(async () => {
  pushing = await new PushingServer().listen();
  gateway = await startGateway(
    settingsOf({ s: { url: pushing.url }, closed: { url: pushing.url, status: 'inactive' } }),
  );
});
after(async () => {
  await gateway.stop();
  await pushing[Symbol.asyncDispose]();
});

test('drain: what is under way ends, new calls are refused, lists stay; --for ends by itself', async () => {
  const key = gateway.key('a');
  const held = call(gateway, key, 'hold');
  await pushing.until(() => pushing.held.length === 1);
  assert.match(await control(gateway, 'drain', 's', '--reason', 'release', '--for', '3s'), /^s is draining until /);
  const refusal = await until(
    (text) => text.includes('out of service'),
    () => call(gateway, key, 'plain'),
  );
  assert.match(refusal, /is being taken out of service by its operator.* Try again in [123] seconds?, and not before/);
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  const list = await sendRaw({
    url: gateway.endpoint('s'),
    headers: [...modernHeaders('tools/list'), ['Authorization', `Bearer ${key}`]],
    body,
  });
  assert.match(list.body, /"plain"/);
  pushing.held[0]?.answer('ended well');
  assert.equal(await held, 'ended well');
  await until(
    (text) => !text.includes('out of service'),
    () => call(gateway, key, 'plain'),
  );
  const found = await runCommandHere(
    'audit',
    'search',
    '--kind',
    'server-control',
    '--json',
    '--config',
    gateway.config,
  );
  assert.match(found.stdout, /"by": "sallyport"[\s\S]*"reason": "its time is over"/);
});

test('quarantine: as if it were not there, also after a restart, and for a gateway over stdio', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-control-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using server = await new PushingServer().listen();
  await using other = await startWitness([{ name: 'open' }]);
  const settings = settingsOf({ s: { url: server.url }, o: { url: other.url } });
  const first = await startGateway(settings, { folder });
  t.after(() => first.stop());
  const key = first.key('a');
  const command = [process.execPath, gatewayFile, 'stdio', '--config', first.config, '--key', key] as const;
  await using client = await openSession('sdk2-auto', { command });
  await until(
    (text) => text === 'o__open s__hold s__plain',
    async () => (await client.tools()).toSorted().join(' '),
  );
  using own = await listen(first.endpoint('s'), key, { toolsListChanged: true });
  const absent = await call(first, key, 'plain', 'nothing');
  const ended = await sallyportWith('', 'server', 'quarantine', 's', '--reason', 'stolen', '--config', first.config);
  assert.equal(ended.stdout, 's is quarantined\n', ended.stderr);
  await own.end();
  await until(
    (text) => text === 'o__open',
    async () => (await client.tools()).join(' '),
  );
  const told = await call(first, key, 'plain');
  assert.equal(told.replace(/[\w-]{16}/g, ''), absent.replace(/[\w-]{16}/g, ''));
  await first.stop();
  await using second = await startGateway(settings, { folder });
  assert.match(await call(second, key, 'plain'), /There is no such server/);
  assert.match(await control(second, 'list'), /QUARANTINED by /);
  await control(second, 'enable', 's', '--reason', 'clean');
  await until(
    (text) => !text.includes('no such server'),
    () => call(second, key, 'plain'),
  );
});

test('a server that is not there, a time that is none, and one that the file closes', async () => {
  const run = (...words: readonly string[]) => runCommandHere('server', ...words, '--config', gateway.config);
  const unknown = await run('disable', 'z', '--reason', 'r');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /there is no server "z"/);
  assert.equal((await run('disable', 'closed', '--reason', 'r', '--for', 'ever')).code, 2);
  assert.equal((await run('disable', 'closed', '--reason', ' ')).code, 2);
  assert.equal((await run('disable', 'closed')).code, 2);
  const enabled = await run('enable', 'closed', '--reason', 'r');
  assert.match(enabled.stdout, /nothing was switched off at closed\nthe configuration says inactive, which holds/);
  assert.match(await call(gateway, gateway.key('a'), 'open', 'closed'), /There is no such server/);
});

test('quarantine, disable and a stop end programs that are still starting, with what they started', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-control-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  /** Says its process id, and that of a child, and nothing else. */
  const silent = (name: string): readonly string[] => [
    process.execPath,
    '-e',
    `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
     require('node:fs').writeFileSync(${JSON.stringify(join(folder, name))}, process.pid + ' ' + child.pid + '.');
     setInterval(() => {}, 1000); process.stdin.resume();`,
  ];
  const names = ['first', 'second', 'third'] as const;
  const gateway = await startGateway({
    ...settingsOf(Object.fromEntries(names.map((name) => [name, { command: silent(name) }]))),
    bounds: { drain: '1s' },
  });
  t.after(() => gateway.stop());
  const key = gateway.key('a');
  const ending = names.map((name) => call(gateway, key, 'plain', name).catch(() => ''));
  const pids = new Map<string, readonly number[]>();
  for (const name of names) {
    const text = await until(
      (read) => read.endsWith('.'),
      () => readFile(join(folder, name), 'utf8').catch(() => ''),
    );
    pids.set(name, text.replace('.', '').split(' ').map(Number));
  }
  const gone = (name: string): Promise<unknown> =>
    until(
      (text) => text === '',
      () => Promise.resolve((pids.get(name) ?? []).filter(isAlive).join(' ')),
    );
  await control(gateway, 'quarantine', 'first', '--reason', 'stolen');
  await gone('first');
  await control(gateway, 'disable', 'second', '--reason', 'old');
  await gone('second');
  await gateway.stop();
  await gone('third');
  await Promise.all(ending);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
