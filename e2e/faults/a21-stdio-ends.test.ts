/** `sallyport stdio` ends when its credential or its client does, with its servers, a code and a line. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { fixtureCommand, gatewayFile } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { PushingServer } from './pushing.ts';
import { memoryOf } from './stall.ts';

interface Client {
  readonly child: ChildProcess;
  readonly say: (message: object) => void;
  /** Waits until this holds of everything that came on stdout. */
  readonly until: (holds: (text: string) => boolean) => Promise<void>;
  readonly ended: () => Promise<{ readonly code: number | null; readonly stderr: string; readonly stdout: string }>;
}

interface World {
  readonly config: string;
  readonly key: string;
  readonly keyId: string;
  readonly start: () => Client;
}

async function world(context: TestContext, servers: object, bounds: object = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a21-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      data: join(folder, 'data'),
      callers: { agents: { client: {} } },
      servers,
      connections: [{ name: 'all', from: { agent: 'client' }, to: Object.keys(servers), tools: [{ allow: '*' }] }],
      bounds,
    }),
  );
  const made = await runCommandHere('key', 'create', '--agent', 'client', '--json', '--config', config);
  const { key, id } = JSON.parse(made.stdout) as { readonly key: string; readonly id: string };
  const start = (): Client => {
    const client = startClient(config, key);
    context.after(() => client.child.kill('SIGKILL'));
    return client;
  };
  return { config, key, keyId: id, start };
}

function startClient(config: string, key: string): Client {
  const child = spawn(process.execPath, [gatewayFile, 'stdio', '--config', config], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, SALLYPORT_API_KEY: key },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => {});
  const gone = once(child, 'exit');
  return {
    child,
    say: (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    until: async (holds) => {
      const signal = AbortSignal.timeout(patienceMs);
      while (!holds(stdout)) await once(child.stdout, 'data', { signal });
    },
    ended: async () => {
      const [code] = (await Promise.race([
        gone,
        pause(20_000, undefined, { ref: false }).then(() => assert.fail(`goes on: ${stdout} ${stderr}`)),
      ])) as [number | null];
      return { code, stderr, stdout };
    },
  };
}

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

for (const [when, initialized] of [
  ['before', false],
  ['after', true],
] as const)
  test(`A21: a revoked key ends the connection ${when} it is initialized`, async (context) => {
    const { config, keyId, start } = await world(context, { one: { command: fixtureCommand('legacy') } });
    const client = start();
    client.say(initialize);
    await client.until((text) => text.includes('"id":1'));
    if (initialized) client.say({ method: 'notifications/initialized' });
    client.say({ id: 2, method: 'tools/list' });
    await client.until((text) => text.includes('"id":2'));
    assert.equal((await runCommandHere('key', 'revoke', keyId, '--config', config)).code, 0);
    // It need not say anything for that; what it says within the quarter of a second of the key ring may be answered.
    const { code, stderr } = await client.ended();
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^sallyport stdio: the API key was revoked or has expired\n/m);
  });

/** Processes that these have started, and that still run. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'latin1'))?.[1]);
      return parent === pid ? [Number(entry)] : [];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
}

const alive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('A26: a client that closes its end of stdout ends the process and its servers', async (context) => {
  const { start } = await world(context, { one: { command: fixtureCommand('legacy') } });
  const client = start();
  client.say(initialize);
  client.say({ id: 2, method: 'tools/list' });
  await client.until((text) => text.includes('"id":2'));
  const servers = childrenOf(client.child.pid ?? 0);
  client.child.stdout?.destroy();
  client.say({ id: 3, method: 'tools/list' });
  const { code, stderr } = await client.ended();
  assert.equal(code, 1, stderr);
  assert.match(stderr, /closed its end of stdout/);
  const deadline = Date.now() + patienceMs;
  while (servers.some(alive)) {
    assert.ok(Date.now() < deadline, `still running: ${servers.join(' ')}`);
    await pause(50);
  }
});

test('A26: a client that is killed in the middle of a call ends the process, and the call is given up', async (context) => {
  await using server = await new PushingServer().listen();
  const { start } = await world(context, { pushing: { url: server.url } }, { drain: '1s' });
  const client = start();
  client.say(initialize);
  client.say({ id: 2, method: 'tools/call', params: { name: 'pushing__hold', arguments: {} } });
  await server.until(() => server.held.length > 0);
  const [held] = server.held;
  client.child.stdin?.end();
  const { code } = await client.ended();
  assert.equal(code, 0);
  await server.until(() => held?.closed() === true);
});

test('A26: nothing more is read of a client that does not read, and memory stays', async (context) => {
  const { start } = await world(context, { one: { command: fixtureCommand('legacy') } });
  const client = start();
  client.say(initialize);
  await client.until((text) => text.includes('"id":1'));
  const pid = client.child.pid ?? 0;
  const before = await memoryOf(pid);
  client.child.stdout?.pause();
  const stdin = client.child.stdin;
  assert.ok(stdin !== null);
  // Each line is answered with about as much: its own long id, in the error for a method that is unknown.
  const line = (id: number): string =>
    `${JSON.stringify({ jsonrpc: '2.0', id: `${id}${'x'.repeat(200)}`, method: 'no/such' })}\n`;
  let sent = 0;
  const maxLines = 300_000;
  let stopped = false;
  while (!stopped && sent < maxLines) {
    let batch = '';
    for (let count = 0; count < 500; count++) batch += line(sent++);
    // The pipe is full for as long as nothing reads it at the other end.
    if (!stdin.write(batch))
      stopped = await Promise.race([once(stdin, 'drain').then(() => false), pause(3_000).then(() => true)]);
  }
  assert.ok(stopped, `all ${sent} lines were read`);
  const grown = (await memoryOf(pid)) - before;
  assert.ok(grown < 150 * 1024 * 1024, `${sent} lines, ${Math.round(grown / 1024 ** 2)} MiB`);
  // A client that reads again gets what waits for it.
  client.child.stdout?.resume();
  await once(stdin, 'drain', { signal: AbortSignal.timeout(patienceMs) });
  stdin.end();
  assert.equal((await client.ended()).code, 0);
});

test('A15: long messages of a client of stdio count until they are answered', async (context) => {
  await using server = await new PushingServer().listen();
  const { start } = await world(context, { pushing: { url: server.url } });
  const client = start();
  client.say(initialize);
  const text = 'x'.repeat(3_500_000);
  const long = (id: number): void =>
    client.say({ id, method: 'tools/call', params: { name: 'pushing__hold', arguments: {}, _meta: { text } } });
  for (let id = 100; id < 120; id++) long(id);
  await client.until((said) => said.includes('"id":119'));
  await server.until(() => server.held.length >= 19);
  assert.equal(server.held.length, 19);
  client.say({ id: 2, method: 'tools/list' });
  server.held[0]?.answer('done');
  await client.until((said) => said.includes('"id":100') && said.includes('"id":2'));
  long(120);
  await server.until(() => server.held.length >= 20);
  client.child.stdin?.end();
  for (const held of server.held.slice(1)) held.answer('done');
  const { stdout } = await client.ended();
  const refused = stdout.split('\n').filter((line) => line.includes('64 MiB'));
  assert.equal(refused.length, 1, stdout.slice(0, 2_000));
  assert.match(refused[0] ?? '', /"id":119.*try again when one is answered/);
});
