/** API keys through a running gateway: the networks they may be used from, and reminders of their end. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { startWitness } from './attacks/witness.ts';
import { type Gateway, startGateway } from './harness.ts';
import { patienceMs, runToEnd } from './process.ts';

const program = join(import.meta.dirname, '..', 'gateway', 'bin', 'sallyport.js');

const settings = (url: string) => ({
  callers: { agents: { bot: {} } },
  servers: { notes: { url } },
  connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: 'open' }] }],
});

function sallyport(config: string, ...args: readonly string[]) {
  return runToEnd({ command: [process.execPath, program, ...args, '--config', config] });
}

async function create(config: string, ...args: readonly string[]): Promise<string> {
  const made = await sallyport(config, 'key', 'create', '--agent', 'bot', '--quiet', ...args);
  assert.equal(made.code, 0, made.stderr);
  return made.stdout.trim();
}

function call(gateway: Gateway, key: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
    body: modernCall('open'),
  });
}

test('a key counts only from its networks; elsewhere it is as good as none, and only the record says why', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway(settings(witness.url));
  const { config } = gateway;
  const inside = await create(config, '--network', '10.0.0.0/8', '--network', '127.0.0.0/8');
  const elsewhere = await create(config, '--network', '10.0.0.0/8', '--network', '2001:db8::/32');
  const listed = JSON.parse((await sallyport(config, 'key', 'list', '--json')).stdout) as {
    keys: { id: string; networks?: string[]; lastUsed?: string }[];
  };
  const restricted = listed.keys.find(({ networks }) => networks?.includes('2001:db8::/32'));
  assert.deepEqual(restricted?.networks, ['10.0.0.0/8', '2001:db8::/32']);

  assert.equal((await call(gateway, inside)).status, 200);
  const refused = await call(gateway, elsewhere);
  const unknown = await call(gateway, 'sp_unknown');
  assert.equal(refused.status, 401);
  assert.equal(refused.json?.error?.message, unknown.json?.error?.message);
  assert.equal(refused.headers.get('www-authenticate'), unknown.headers.get('www-authenticate'));
  assert.doesNotMatch(refused.body, /127\.0\.0\.1|network|key_/);
  assert.equal(witness.calls().length, 1);

  const found = await sallyport(config, 'audit', 'search', '--kind', 'authentication-failed', '--json');
  const { records } = JSON.parse(found.stdout) as {
    records: { detail: object; plaintext?: { about?: { detail?: string } } }[];
  };
  const problems = records.map(({ plaintext }) => plaintext?.about?.detail);
  assert.ok(problems.includes(`API key ${restricted?.id} may not be used from 127.0.0.1`), found.stdout);
  assert.ok(records.every(({ detail }) => !JSON.stringify(detail).includes('127.0.0.1')));

  const rotated = await sallyport(config, 'key', 'rotate', restricted?.id ?? '', '--quiet');
  assert.equal((await call(gateway, rotated.stdout.trim())).status, 401, 'a new key has the networks of the old one');
  const wrong = await sallyport(config, 'key', 'create', '--agent', 'bot', '--network', '10.0.0.0/33');
  assert.deepEqual([wrong.code, /"10\.0\.0\.0\/33" is no network/.test(wrong.stderr)], [2, true]);
});

test('behind proxies a key counts by the address of the client, which no client can make up', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const answer = (gateway: Gateway, key: string, ...forwarded: readonly string[]): Promise<RawAnswer> =>
    sendRaw({
      url: gateway.endpoint('notes'),
      headers: [
        ...modernHeaders('tools/call', 'open'),
        ['Authorization', `Bearer ${key}`],
        ...forwarded.map((each) => ['X-Forwarded-For', each] as const),
      ],
      body: modernCall('open'),
    });
  const behind = (proxies: readonly string[]) => ({
    ...settings(witness.url),
    listen: { mcp: { port: 0, behindProxy: proxies }, admin: { port: 0 } },
    authentication: { freeFailures: 3 },
  });
  {
    await using gateway = await startGateway(behind(['127.0.0.1', '192.0.2.0/24']));
    const key = await create(gateway.config, '--network', '198.51.100.0/24');
    const status = async (...forwarded: readonly string[]) => (await answer(gateway, key, ...forwarded)).status;
    assert.equal(await status('198.51.100.7'), 200);
    assert.equal(await status('203.0.113.9, 198.51.100.7, 192.0.2.5'), 200, 'several hops');
    assert.equal(await status('203.0.113.9', '198.51.100.7', '192.0.2.5'), 200, 'in several headers');
    assert.equal(await status('198.51.100.7, 203.0.113.1'), 401, 'what the client wrote stands first');
    assert.equal(await status('198.51.100.7, 192.0.2.5, 203.0.113.2'), 401, 'a forged proxy');
    assert.equal(await status('198.51.100.7, unknown'), 401);
    assert.equal(await status(), 401, 'the proxy itself');
    const failed = await sallyport(gateway.config, 'audit', 'search', '--kind', 'authentication-failed', '--json');
    const { records } = JSON.parse(failed.stdout) as { records: { plaintext?: { about?: { address?: string } } }[] };
    assert.deepEqual(
      records.map(({ plaintext }) => plaintext?.about?.address ?? '').toSorted((a, b) => a.localeCompare(b)),
      ['127.0.0.1', '127.0.0.1', '203.0.113.1', '203.0.113.2'],
    );
    // One client that fails waits; the one beside it, behind the same proxy, does not.
    const wrong = (client: string) => answer(gateway, 'sp_wrong', client);
    for (let attempt = 0; attempt < 4; attempt++) await wrong(`198.51.100.99, 203.0.113.3`);
    assert.match((await wrong('203.0.113.3')).body, /wait|Too many/i);
    assert.doesNotMatch((await wrong('203.0.113.4')).body, /wait|Too many/i);
  }
  {
    await using gateway = await startGateway(behind(['192.0.2.0/24']));
    const key = await create(gateway.config, '--network', '198.51.100.0/24');
    assert.equal((await answer(gateway, key, '198.51.100.7')).status, 401, 'ignored: the sender is no proxy');
    const local = await create(gateway.config, '--network', '127.0.0.1');
    assert.equal((await answer(gateway, local, '198.51.100.7')).status, 200);
  }
});

test('keys that are old or about to end are marked and spoken of once, and go on to work', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const folder = temporaryFolder('keys');
  const all = {
    ...settings(witness.url),
    data: join(folder, 'data'),
    authentication: { keys: { maxAge: '1ms' } },
  };
  const config = join(folder, 'sallyport.yaml');
  await writeFile(config, JSON.stringify({ version: 1, ...all }));
  const old = await create(config);
  const ending = await create(config, '--expires', '13d');
  await using gateway = await startGateway(all);
  assert.equal((await call(gateway, old)).status, 200);
  assert.equal((await call(gateway, ending)).status, 200);

  const listed = JSON.parse((await sallyport(config, 'key', 'list', '--json')).stdout) as {
    keys: { id: string; reminder?: string }[];
  };
  assert.deepEqual(
    listed.keys.map(({ reminder }) => reminder),
    ['old', 'expires soon'],
  );
  assert.match((await sallyport(config, 'key', 'list')).stdout, /! old\n.*! expires soon\n$/);
  // Loading the configuration again is a reason to look, not to repeat oneself.
  await writeFile(
    gateway.config,
    JSON.stringify({
      version: 1,
      ...all,
      listen: { mcp: { port: 0 }, admin: { port: 0 } },
      servers: {},
      connections: [],
    }),
  );
  const deadline = Date.now() + patienceMs;
  while (!gateway.errors().includes('configuration in force') && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(gateway.errors().includes('configuration in force'));
  const warned = gateway
    .errors()
    .split('\n')
    .filter((line) => line.includes('an API key should be replaced'));
  assert.deepEqual(
    warned.map((line) => (JSON.parse(line) as { id: string }).id),
    listed.keys.map(({ id }) => id),
  );
});
