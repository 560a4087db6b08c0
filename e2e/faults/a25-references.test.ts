/** References to secrets: what is no file freezes nothing, what is empty is no secret, what is added is read again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { makeAuthority } from '../certificates.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { reload, settled } from './reload.ts';

function settingsOf(url: string, bearer: string): object {
  return {
    callers: { agents: { bot: {} } },
    servers: { notes: { url, credential: { bearer } } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
}

function call(gateway: Gateway, key: string) {
  return sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
    body: modernCall('open'),
  });
}

test('A25: a secret file that becomes a FIFO, a folder, a device, empty or huge keeps the last good value and is named', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a25-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'good\n');
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway({ ...settingsOf(witness.url, `\${file:${file}}`) });
  const key = gateway.key('bot');
  const worse: readonly (readonly [RegExp, () => void])[] = [
    [/is not a regular file/, () => void execFileSync('mkfifo', [file])],
    [/is not a regular file/, () => mkdirSync(file)],
    [/is not a regular file/, () => symlinkSync('/dev/zero', file)],
    [/is empty/, () => writeFileSync(file, '')],
    [/is empty/, () => writeFileSync(file, '\n')],
    [/is larger than 64 KiB/, () => (writeFileSync(file, ''), truncateSync(file, 1024 ** 3))],
    [/does not exist/, () => {}],
  ];
  let refused = 0;
  const refusals = (): readonly string[] =>
    gateway.errors().match(/^.*the values that were good stay in force.*$/gm) ?? [];
  for (const [says, make] of worse) {
    rmSync(file, { recursive: true, force: true });
    make();
    process.kill(gateway.pid, 'SIGHUP');
    await gateway.until(() => refusals().length > refused && says.test(refusals().at(-1) ?? ''));
    refused = refusals().length;
    assert.equal((await call(gateway, key)).status, 200);
    assert.equal(witness.calls().at(-1)?.headers.authorization, 'Bearer good');
  }
  rmSync(file, { recursive: true, force: true });
  execFileSync('mkfifo', [file]);
  process.kill(gateway.pid, 'SIGHUP');
  await gateway.stop();
  assert.equal(gateway.child.exitCode, 0, 'SIGTERM ends it in order');
});

test('A25: a reload takes effect although a reference got worse, whose last good value stays', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a25-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  writeFileSync(file, 'good\n');
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = settingsOf(witness.url, `\${file:${file}}`);
  await using gateway = await startGateway({ ...settings });
  const key = gateway.key('bot');
  const change = (changed: object) => reload(gateway, (file) => Object.assign(file, changed), settled);
  rmSync(file);
  await change({ connections: [] });
  assert.equal((await call(gateway, key)).status, 404, 'what was taken away is gone');
  await change(settings);
  assert.equal((await call(gateway, key)).status, 200);
  assert.equal(witness.calls().at(-1)?.headers.authorization, 'Bearer good');
  assert.match(gateway.errors(), /the secret file .* does not exist.*the values that were good stay in force/);
  // What was never good is refused, and with it the reload.
  await change({ servers: { notes: { url: witness.url, credential: { bearer: `\${file:${file}-2}` } } } });
  assert.match(gateway.errors(), /CFG030.*the running one stays/);
});

test('A25: certificates, keys of TLS and keys of issuers that become FIFOs or folders freeze nothing', async () => {
  using authority = makeAuthority();
  const pair = authority.issue('gateway', 'IP:127.0.0.1');
  const jwks = join(authority.folder, 'jwks.json');
  execFileSync('mkfifo', [jwks]);
  await using witness = await startWitness([{ name: 'open' }]);
  const issuers = { corp: { issuer: 'https://issuer.example', keys: { file: jwks } } };
  const settings = {
    ...settingsOf(witness.url, '${env:TOKEN}'),
    listen: {
      mcp: { port: 0, tls: { certificate: pair.certFile, key: pair.keyFile } },
      admin: { port: 0 },
    },
    authentication: { issuers },
  };
  await using gateway = await startGateway(settings, { env: { TOKEN: 'plain' } });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = [part({ alg: 'ES256', kid: 'k' }), part({ iss: 'https://issuer.example' }), 'AAAA'].join('.');
  const ask = (bearer: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
      const asked = request(gateway.endpoint('notes'), { method: 'POST', headers, ca: authority.cert }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end('{}');
    });
  const isRefused = async (): Promise<void> => assert.ok((await ask(token)) >= 400);
  await isRefused();
  await gateway.until(() => /jwks\.json cannot be read: it is not a regular file/.test(gateway.errors()));
  for (const path of [pair.certFile, pair.keyFile]) {
    const before = gateway.errors().length;
    renameSync(path, `${path}.aside`);
    if (path === pair.certFile) execFileSync('mkfifo', [path]);
    else mkdirSync(path);
    await gateway.until(() => /TLS files cannot be used: the old ones stay/.test(gateway.errors().slice(before)));
    await isRefused();
    rmSync(path, { recursive: true });
    renameSync(`${path}.aside`, path);
  }
  await gateway.stop();
  assert.equal(gateway.child.exitCode, 0);
  execFileSync('mkfifo', [join(authority.folder, 'fifo')]);
  const fifo = { certificate: join(authority.folder, 'fifo'), key: pair.keyFile };
  await assert.rejects(
    startGateway({ ...settings, listen: { ...settings.listen, mcp: { port: 0, tls: fifo } } }, { env: { TOKEN: 'x' } }),
    /ended with 65[^]*fifo cannot be read: it is not a regular file\n {4}See listen\.mcp\.tls\./,
  );
});

test('A25: drafts of processes that were killed are removed at the next start, when they are old', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a25-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using witness = await startWitness([{ name: 'open' }]);
  const keys = join(folder, 'data', 'keys');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  const hours = Date.now() / 1_000 - 7_200;
  const names = {
    'master.123.0123456789ab.new': { old: true, stays: false },
    'pepper.123.0123456789ab.new': { old: false, stays: true },
    'mine.new': { old: true, stays: true },
  };
  for (const [name, { old }] of Object.entries(names)) {
    writeFileSync(join(keys, name), 'half');
    if (old) utimesSync(join(keys, name), hours, hours);
  }
  await using gateway = await startGateway(
    { ...settingsOf(witness.url, '${env:TOKEN}') },
    { folder, env: { TOKEN: 'x' } },
  );
  for (const [name, { stays }] of Object.entries(names)) assert.equal(existsSync(join(keys, name)), stays, name);
  await gateway.stop();
});

test('A25: an empty answer of a secret manager is no secret', async () => {
  await using manager = await startVault('');
  const settings = {
    ...settingsOf('http://127.0.0.1:1/mcp', '${vault:secret/data/app#token}'),
    secrets: manager.secrets,
  };
  await assert.rejects(
    startGateway(settings, { env: { VAULT_TOKEN: 'vault-token' } }),
    /CFG030 {2}vault:secret\/data\/app#token is empty/,
  );
});

test('A25: a reference to Vault that a reload adds is read again', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a25-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  // A refresh of 30 s comes after a fifth of a second.
  const hurry = join(folder, 'hurry.cjs');
  writeFileSync(
    hurry,
    'const { setTimeout: later } = globalThis; globalThis.setTimeout = (f, ms, ...r) => later(f, ms === 30_000 ? 200 : ms, ...r);',
  );
  await using manager = await startVault('first');
  await using witness = await startWitness([{ name: 'open' }]);
  const secrets = { ...manager.secrets, refresh: '30s' };
  const plain = { ...settingsOf(witness.url, '${env:TOKEN}'), secrets };
  await using gateway = await startGateway(plain, {
    env: { TOKEN: 'plain', VAULT_TOKEN: 'vault-token', NODE_OPTIONS: `--require ${hurry}` },
  });
  const vaulted = settingsOf(witness.url, '${vault:secret/data/app#token}');
  await reload(gateway, (file) => Object.assign(file, vaulted));
  const asked = manager.asked();
  const deadline = Date.now() + patienceMs;
  while (manager.asked() < asked + 2) {
    assert.ok(Date.now() < deadline, 'Vault is not asked again');
    await once(manager.server, 'request', { signal: AbortSignal.timeout(patienceMs) });
  }
});

async function startVault(token: string) {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    request.resume();
    sendJson(response, { data: { data: { token }, metadata: { version: 1 } } });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    asked: () => asked,
    secrets: { vault: { address, token: '${env:VAULT_TOKEN}' } },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
