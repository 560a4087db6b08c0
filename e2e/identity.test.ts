/** What the configuration says about callers, each setting changed by a live call. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { startWitness, type Witness } from './attacks/witness.ts';
import { type Gateway, startGateway } from './harness.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { patienceMs, runToEnd } from './process.ts';

let witness: Witness;
let issuer: Issuer;
let strict: Issuer;
let gateway: Gateway;

before(async () => {
  [witness, issuer, strict] = await Promise.all([
    startWitness([{ name: 'open' }, { name: 'scoped' }]),
    startIssuer(),
    startIssuer(),
  ]);
  gateway = await startGateway({
    authentication: {
      freeFailures: 1_000,
      issuers: {
        main: { issuer: issuer.issuer },
        strict: { issuer: strict.issuer, prefix: 's/', unknown: 'refuse', type: 'at+jwt', maxAge: '5m', skew: '0s' },
      },
    },
    callers: {
      users: { dana: { trust: 'trusted' }, 's/dana': {}, low: { trust: 'untrusted' } },
      agents: { bot: { scopes: ['deep'] }, plain: {} },
    },
    servers: { both: { url: witness.url, requires: ['user', 'agent'] }, trusting: { url: witness.url } },
    connections: [
      {
        name: 'anyone to both',
        from: { anyone: true },
        to: 'both',
        tools: [{ allow: 'open' }],
      },
      {
        name: 'the trusted, and agents',
        from: { anyone: true, trust: 'standard' },
        to: 'trusting',
        tools: [{ allow: 'open' }, { allow: 'scoped', scopes: 'deep' }],
      },
    ],
  });
});

after(async () => {
  await gateway.stop();
  for (const each of [issuer, strict, witness]) await each[Symbol.asyncDispose]();
});

beforeEach(() => witness.forget());

async function call(server: string, token: string, tool = 'open'): Promise<string> {
  const { status, body } = await sendRaw({
    url: gateway.endpoint(server),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${token}`]],
    body: modernCall(tool),
  });
  return body.includes('the witness was called') ? 'called' : String(status);
}

test('requires: a server exists only for calls with everyone behind them', async () => {
  const aud = gateway.endpoint('both');
  assert.equal(await call('both', await issuer.sign({ aud })), 'called');
  assert.equal(await call('both', await issuer.sign({ aud, client_id: undefined })), '404', 'no agent');
  assert.equal(await call('both', await issuer.sign({ aud, sub: 'bot' })), '404', 'no user');
  assert.equal(await call('both', gateway.key('bot')), '404');
});

test('trust: a connection leads only from callers that are trusted far enough', async () => {
  const aud = gateway.endpoint('trusting');
  assert.equal(await call('trusting', await issuer.sign({ aud })), 'called');
  assert.equal(await call('trusting', await issuer.sign({ aud, sub: 'low' })), '404');
});

test('scopes of API keys are those of their callers, and no challenge asks for more', async () => {
  assert.equal(await call('trusting', gateway.key('bot'), 'scoped'), 'called');
  assert.equal(await call('trusting', gateway.key('plain'), 'scoped'), '200', 'an unknown tool, no challenge');
  assert.equal(witness.calls().length, 1);
});

test('unknown: refuse, type and maxAge of an issuer', async () => {
  const aud = gateway.endpoint('trusting');
  const now = Math.floor(Date.now() / 1000);
  const known = { aud, client_id: undefined };
  assert.equal(await call('trusting', await strict.sign(known)), 'called');
  assert.equal(await call('trusting', await strict.sign({ ...known, sub: 'eve' })), '401', 'not declared');
  assert.equal(await call('trusting', await strict.sign(known, { typ: 'JWT' })), '401');
  assert.equal(await call('trusting', await strict.sign({ ...known, iat: now - 301 })), '401', 'too old');
  assert.equal(await call('trusting', await strict.sign({ ...known, iat: undefined })), '401', 'of unknown age');
});

test('behindProxy: plain HTTP comes from declared proxies and from this machine, and from nowhere else', async (t) => {
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (own === undefined) return t.skip('this machine has no address but loopback');
  const statusFrom = async (proxies: readonly string[]): Promise<number> => {
    await using plain = await startGateway({
      listen: {
        mcp: { host: '0.0.0.0', port: 0, publicUrl: 'https://gateway.example', behindProxy: proxies },
        admin: { port: 0 },
      },
    });
    const { mcp } = plain;
    assert.equal(mcp, 'https://gateway.example');
    const port = await portOf(plain.pid);
    const { status } = await sendRaw({
      url: `http://${own}:${port}/mcp`,
      headers: [['Host', 'gateway.example'], ...modernHeaders('tools/list')],
      body: '{}',
    });
    return status;
  };
  assert.equal(await statusFrom(['192.0.2.1']), 403);
  assert.equal(await statusFrom([own]), 401);
});

/** The port on which a process listens on all addresses, from what the kernel says. */
async function portOf(pid: number): Promise<number> {
  const { readFile, readdir, readlink } = await import('node:fs/promises');
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inode !== undefined) inodes.add(inode);
  }
  for (const line of (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state === '0A' && local.startsWith('00000000:') && inodes.has(inode))
      return Number.parseInt(local.slice(9), 16);
  }
  throw new Error('it listens nowhere');
}

test('a rotated API key works on for its overlap, beside the new one, and then no more', async () => {
  const old = gateway.key('bot');
  const sallyport = (...args: string[]) =>
    runToEnd({
      command: [
        process.execPath,
        join(import.meta.dirname, '..', 'gateway', 'bin', 'sallyport.js'),
        'key',
        ...args,
        '--config',
        gateway.config,
      ],
    });
  const listed = JSON.parse((await sallyport('list', '--json')).stdout) as { keys: { id: string; caller: string }[] };
  const id = listed.keys.findLast(({ caller }) => caller === 'agent:bot')?.id ?? '';
  assert.equal(await call('trusting', old), 'called');
  const rotated = await sallyport('rotate', id, '--overlap', '5s', '--quiet');
  assert.equal(rotated.code, 0, rotated.stderr);
  const fresh = rotated.stdout.trim();
  assert.notEqual(fresh, old);
  assert.equal(await call('trusting', fresh), 'called');
  assert.equal(await call('trusting', old), 'called', 'the old key works until the overlap ends');
  const deadline = Date.now() + patienceMs;
  let last = 'called';
  // A call that is under way when the key ends is withheld, which is no 401 yet.
  while (last !== '401' && Date.now() < deadline) last = await call('trusting', old);
  assert.equal(last, '401');
  assert.equal(await call('trusting', fresh), 'called');
});
