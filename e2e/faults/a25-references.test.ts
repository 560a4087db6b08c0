/** References to secrets: what is no file freezes nothing, what is empty is no secret, what is added is read again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';

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
  const key = await gateway.key('bot');
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
  const refusals = (): readonly string[] => gateway.errors().match(/^.*the running one stays.*$/gm) ?? [];
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
  const written = JSON.parse(readFileSync(gateway.config, 'utf8')) as object;
  const vaulted = settingsOf(witness.url, '${vault:secret/data/app#token}');
  writeFileSync(gateway.config, JSON.stringify({ ...written, ...vaulted }));
  await gateway.until(() => gateway.errors().includes('configuration in force'));
  const asked = manager.asked();
  const deadline = Date.now() + 10_000;
  while (manager.asked() < asked + 2) {
    assert.ok(Date.now() < deadline, 'Vault is not asked again');
    await once(manager.server, 'request', { signal: AbortSignal.timeout(10_000) });
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
