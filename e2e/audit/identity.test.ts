/** What the record says about credentials: secrets that change, credentials in trouble, who said no, who has to wait. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { patienceMs } from '../process.ts';
import { filesWith } from './world.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');

interface Shown {
  readonly kind: string;
  readonly server?: string;
  readonly reason?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly decision?: { readonly effect: string; readonly reason: string };
  readonly plaintext?: { readonly about?: Readonly<Record<string, unknown>> };
}

async function search(gateway: Gateway, ...args: readonly string[]): Promise<readonly Shown[]> {
  const ended = await runCommandHere('audit', 'search', ...args, '--json', '--config', gateway.config);
  assert.equal(ended.code, 0, ended.stderr);
  return (JSON.parse(ended.stdout) as { records: Shown[] }).records;
}

/** Searches again until there are so many. */
async function found(gateway: Gateway, kind: string, count = 1): Promise<readonly Shown[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const records = await search(gateway, '--kind', kind);
    if (records.length >= count) return records;
    if (Date.now() > deadline) assert.fail(`${records.length} of ${kind}, not ${count}: ${gateway.errors()}`);
    await pause(50);
  }
}

async function secret(gateway: Gateway, input: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [program, 'secret', ...args, '--config', gateway.config], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
}

function call(gateway: Gateway, server: string, credential: string, tool: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${credential}`]],
    body: modernCall(tool),
  });
}

/** The one of this secret, once it is there. */
async function ofSecret(kind: string, name: string): Promise<Shown> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const record = (await search(shared, '--kind', kind)).find(({ detail }) => detail?.['secret'] === name);
    if (record !== undefined) return record;
    if (Date.now() > deadline) assert.fail(`no ${kind} of ${name}: ${shared.errors()}`);
    await pause(50);
  }
}

/** One gateway for the tests that set no credential of a server. */
let witness: Witness;
let issuer: Issuer;
let shared: Gateway;
before(async () => {
  witness = await startWitness([{ name: 'open' }, { name: 'write' }, { name: 'admin' }]);
  issuer = await startIssuer();
  shared = await startGateway({
    authentication: { issuers: { main: { issuer: issuer.issuer } }, freeFailures: 2 },
    callers: {
      users: { dana: { ceiling: { tools: ['open', 'write'] } } },
      agents: { bot: { ceiling: { tools: ['open', 'admin'] } } },
    },
    servers: { notes: { url: witness.url } },
    connections: [
      {
        name: 'all',
        from: { anyone: true },
        to: 'notes',
        tools: [{ allow: 'open', scopes: 'deep' }, { allow: ['write', 'admin'] }],
      },
    ],
  });
});
after(async () => {
  await shared.stop();
  await issuer[Symbol.asyncDispose]();
  await witness[Symbol.asyncDispose]();
});

test('secrets that are put, rotated and removed beside a running gateway are in the record, their values nowhere', async () => {
  await secret(shared, 'first-value-1', 'put', 'notes-token');
  const put = await ofSecret('secret-put', 'notes-token');
  await secret(shared, 'second-value-2', 'rotate', 'notes-token');
  const rotated = await ofSecret('secret-rotated', 'notes-token');
  await secret(shared, '', 'remove', 'notes-token');
  const removed = await ofSecret('secret-removed', 'notes-token');
  for (const record of [put, rotated, removed]) assert.deepEqual(record.detail, { secret: 'notes-token' });
  const all = JSON.stringify(await search(shared, '--limit', '1000'));
  for (const value of ['first-value-1', 'second-value-2']) {
    assert.ok(!all.includes(value));
    assert.deepEqual(filesWith(shared.folder, value), []);
  }
});

test('a secret whose file is removed by hand is in the record after the next reload', async () => {
  await secret(shared, 'first-value-1', 'put', 'another-token');
  await ofSecret('secret-put', 'another-token');
  rmSync(join(shared.folder, 'data', 'secrets', 'another-token.json'));
  shared.child.kill('SIGHUP');
  const removed = await ofSecret('secret-removed', 'another-token');
  assert.deepEqual(removed.detail, { secret: 'another-token' });
});

test('a credential that cannot be renewed, and one that is refused, are in the record', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  let answer: { readonly status: number; readonly body: object } = {
    status: 200,
    body: { access_token: 'granted-token-1', token_type: 'Bearer', expires_in: 12 },
  };
  issuer.on('/token', (_request, response) => sendJson(response, answer.body, answer.status));
  await using gateway = await startGateway(
    {
      callers: { agents: { bot: {} } },
      servers: {
        notes: {
          url: witness.url,
          credential: {
            clientCredentials: { tokenUrl: `${issuer.issuer}/token`, clientId: 'gateway', clientSecret: '${env:S}' },
          },
        },
      },
      connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
    },
    { env: { S: 'client-secret-1' } },
  );
  const key = gateway.key('bot');
  const changes = async (count: number): Promise<readonly Shown[]> => {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      await call(gateway, 'notes', key, 'open');
      const records = await search(gateway, '--kind', 'credential-state');
      if (records.length >= count) return records;
      if (Date.now() > deadline) assert.fail(`${records.length} records, not ${count}: ${gateway.errors()}`);
    }
  };
  const first = await call(gateway, 'notes', key, 'open');
  assert.match(first.body, /the witness was called/);
  answer = { status: 500, body: {} };
  const [expiring] = await changes(1);
  assert.equal(expiring?.server, 'notes');
  assert.deepEqual(expiring?.detail, { credential: 'credential', from: 'connected', to: 'expiring', count: 1 });
  answer = { status: 400, body: { error: 'invalid_grant' } };
  const refused = (await changes(2)).find(({ detail }) => detail?.['to'] === 'reauthorize');
  assert.equal(refused?.detail?.['from'], 'expiring');
  assert.match(String(refused?.plaintext?.about?.['detail']), /invalid_grant/);
  const all = JSON.stringify(await search(gateway, '--limit', '1000'));
  for (const value of ['granted-token-1', 'client-secret-1']) assert.ok(!all.includes(value));
});

test('a credential that was broken works again once its secret is right, which is in the record', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  issuer.on('/token', (request, response) => {
    if (request.headers.authorization === `Basic ${btoa('gateway:right-secret-1')}`)
      sendJson(response, { access_token: 'granted-token-2', token_type: 'Bearer', expires_in: 600 });
    else sendJson(response, { error: 'invalid_client' }, 401);
  });
  const settings = (clientSecret: string) => ({
    callers: { agents: { bot: {} } },
    servers: {
      notes: {
        url: witness.url,
        credential: {
          clientCredentials: { tokenUrl: `${issuer.issuer}/token`, clientId: 'gateway', clientSecret },
        },
      },
    },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  await using gateway = await startGateway(settings('${env:S}'), { env: { S: 'wrong-secret-1' } });
  const key = gateway.key('bot');
  await call(gateway, 'notes', key, 'open');
  const [broken] = await found(gateway, 'credential-state');
  assert.deepEqual(broken?.detail, { credential: 'credential', from: 'unused', to: 'broken', count: 1 });

  await secret(gateway, 'right-secret-1', 'put', 'client');
  const configuration = JSON.parse(readFileSync(gateway.config, 'utf8')) as object;
  writeFileSync(gateway.config, JSON.stringify({ ...configuration, ...settings('${secret:client}') }));
  // Between the two it is looked at and has not been used.
  const report = join(gateway.folder, 'data', 'credentials.json');
  const deadline = Date.now() + patienceMs;
  while (!readFileSync(report, 'utf8').includes('unused')) {
    assert.ok(Date.now() < deadline, gateway.errors());
    await pause(20);
  }
  assert.match((await call(gateway, 'notes', key, 'open')).body, /the witness was called/);
  const records = await found(gateway, 'credential-state', 2);
  const again = records.find(({ detail }) => detail?.['to'] === 'connected');
  assert.deepEqual(again?.detail, { credential: 'credential', from: 'broken', to: 'connected', count: 1 });
});

test('the record says who said no: the ceiling of the user, of the agent, or the scopes of the token', async () => {
  const token = await issuer.sign({ aud: shared.endpoint('notes'), client_id: 'bot', scope: 'shallow' });
  for (const tool of ['open', 'write', 'admin']) await call(shared, 'notes', token, tool);
  assert.equal(witness.calls().length, 0);
  const records = await search(shared, '--caller', 'user:dana', '--outcome', 'refused');
  const said = records.map(({ reason, decision, plaintext }) => [
    reason,
    decision?.reason,
    plaintext?.about?.['detail'],
  ]);
  assert.deepEqual(said.slice(0, 2), [
    ['capability-unknown', 'user-ceiling', 'the ceiling of user:dana'],
    ['capability-unknown', 'agent-ceiling', 'the ceiling of agent:bot'],
  ]);
  assert.deepEqual(said[2]?.slice(0, 2), ['scope-missing', 'scope']);
  assert.match(String(said[2]?.[2]), /allow open with scope deep$/);
  assert.equal(said.length, 3);
});

test('a source that has to wait is in the record, with its address in the private part only', async () => {
  for (let attempt = 0; attempt < 3; attempt++) await call(shared, 'notes', `wrong-${attempt}`, 'open');
  const [throttled] = await found(shared, 'authentication-throttled');
  assert.deepEqual(throttled?.detail, { pause: 250 });
  assert.equal(throttled?.plaintext?.about?.['address'], '127.0.0.1');
  assert.ok(!JSON.stringify(throttled).includes('wrong-'));
});
