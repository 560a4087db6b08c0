/** Operation: reload, revocation, drain, health, exit codes; the gateway as its operator meets it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { legacyHeaders, meta, modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { openSession } from './clients.ts';
import { reload } from './faults/reload.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';
import { patienceMs, runToEnd } from './process.ts';

const root = join(import.meta.dirname, '..');
const program = join(root, 'gateway', 'bin', 'sallyport.js');

function cli(...args: readonly string[]) {
  return runToEnd({ command: [process.execPath, program, ...args] });
}

const settings = (url: string, tools: readonly object[]) => ({
  callers: { agents: { ada: {} } },
  servers: { witness: { url } },
  connections: [{ name: 'ada', from: { agent: 'ada' }, to: 'witness', tools }],
});

/** No server at all, and requests without credentials are accepted. */
const bare = { authentication: { anonymous: { agent: 'tester' } }, callers: { agents: { tester: {} } } };

/** Of the tests that only look. */
let plain: Gateway;
/** Of the tests of one agent, each with a server of its own. */
let shared: Gateway;
const own = {
  goes: [{ allow: 'one' }],
  withheld: [{ allow: 'one' }],
  revoked: [{ allow: 'one' }],
  logged: [{ allow: 'one', when: 'args.n < 5' }],
};
const witnesses = new Map<string, Witness>();
const witnessOf = (server: keyof typeof own): Witness => witnesses.get(server) ?? assert.fail(server);

before(async () => {
  plain = await startGateway(bare);
  const inputSchema = { type: 'object', properties: { n: { type: 'number' } } };
  for (const server of Object.keys(own)) witnesses.set(server, await startWitness([{ name: 'one', inputSchema }]));
  shared = await startGateway({
    callers: { agents: { ada: {} } },
    servers: Object.fromEntries([...witnesses].map(([name, { url }]) => [name, { url }])),
    connections: Object.entries(own).map(([to, tools]) => ({ name: to, from: { agent: 'ada' }, to, tools })),
  });
});
after(async () => {
  await plain.stop();
  await shared.stop();
  for (const witness of witnesses.values()) await witness[Symbol.asyncDispose]();
});

async function rewrite(gateway: Gateway, change: (text: string) => string): Promise<void> {
  await writeFile(gateway.config, change(await readFile(gateway.config, 'utf8')));
}

function callAs(gateway: Gateway, key: string, tool: string, server = 'witness') {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${key}`]],
    body: modernCall(tool),
  });
}

/** Asks again until the answer fits; a reload is seen from outside by what it changes. */
async function eventually<T>(ask: () => Promise<T>, fits: (answer: T) => boolean, within = patienceMs): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${JSON.stringify(answer)}`);
    await pause(50);
  }
}

test('reload: a changed file is in force at once, a wrong one changes nothing and is complained about', async () => {
  await using witness = await startWitness([{ name: 'one' }, { name: 'two' }]);
  await using gateway = await startGateway(settings(witness.url, [{ allow: 'one' }]));
  const key = gateway.key('ada');
  assert.match((await callAs(gateway, key, 'two')).body, /Unknown tool/);

  const inForce = (): number => gateway.errors().split('"msg":"configuration in force"').length - 1;
  await rewrite(gateway, (text) => text.replace('"allow":"one"', '"allow":["one","two"]'));
  await gateway.until(() => inForce() === 1);
  assert.match((await callAs(gateway, key, 'two')).body, /witness was called/);

  await rewrite(gateway, (text) => text.replace('"allow":["one","two"]', '"alow":"one"'));
  await gateway.until(() => gateway.errors().includes('Did you mean'));
  assert.match(gateway.errors(), /sallyport\.yaml:1:\d+/);
  assert.match((await callAs(gateway, key, 'two')).body, /witness was called/, 'the running revision stays');

  await rewrite(gateway, (text) => text.replace('"alow":"one"', '"allow":"one"'));
  gateway.child.kill('SIGHUP');
  await gateway.until(() => inForce() >= 2);
  assert.match((await callAs(gateway, key, 'two')).body, /Unknown tool/);
});

test('reload: what counts from the next start on is said', async () => {
  await using gateway = await startGateway(bare);
  await rewrite(gateway, (text) => text.replace('"version":1', '"version":1,"audit":{"enabled":false}'));
  await gateway.until(() => gateway.errors().includes('count from the next start'));
  assert.match(gateway.errors(), /"settings":\["audit\.enabled"\]/);
});

for (const [what, server, rule, expected] of [
  ['goes on when it is still allowed', 'goes', { allow: ['one', 'two'] }, /late/],
  ['is given up and withheld when it is not', 'withheld', { deny: 'one' }, /withheld/],
] as const)
  test(`reload: a call under way ${what}`, async () => {
    const witness = witnessOf(server);
    const key = shared.key('ada');
    const arrived = Promise.withResolvers<() => void>();
    witness.answer('one', (response, { message }) =>
      arrived.resolve(() =>
        sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text: 'late' }] } }),
      ),
    );
    const call = callAs(shared, key, 'one', server);
    const finish = await arrived.promise;
    witness.answer('one', (response, { message }) =>
      sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
    );
    await reload(shared, ({ connections }) => {
      const all = connections as { readonly name: string }[];
      Object.assign(all.find(({ name }) => name === server) ?? {}, { tools: [rule] });
    });
    finish();
    assert.match((await call).body, expected);
  });

test('revocation: the key stops working within a second, and its open streams end', async () => {
  const key = shared.key('ada');
  assert.equal((await callAs(shared, key, 'one', 'revoked')).status, 200);
  const listen = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: meta },
  });
  const stream = sendRaw({
    url: shared.endpoint('revoked'),
    headers: [...modernHeaders('subscriptions/listen'), ['Authorization', `Bearer ${key}`]],
    body: listen,
    within: 30_000,
  });
  const listed = await cli('key', 'list', '--json', '--config', shared.config);
  assert.doesNotMatch(listed.stdout, new RegExp(key));
  const { keys } = JSON.parse(listed.stdout) as { keys: readonly { readonly id: string }[] };
  // The newest one stands last.
  const id = keys.at(-1)?.id ?? '';
  const revoked = await cli('key', 'revoke', id, '--config', shared.config);
  assert.equal(revoked.code, 0, revoked.stderr);
  const ended = await stream;
  assert.match(ended.body, /"resultType":"complete"/, 'the stream ends in good order');
  assert.equal((await callAs(shared, key, 'one', 'revoked')).status, 401);
});

test('drain: SIGTERM lets a call finish, refuses new ones, and ends with 0', async () => {
  await using witness = await startWitness([{ name: 'one' }]);
  await using gateway = await startGateway(settings(witness.url, [{ allow: 'one' }]));
  const key = gateway.key('ada');
  const arrived = Promise.withResolvers<() => void>();
  witness.answer('one', (response, { message }) =>
    arrived.resolve(() =>
      sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text: 'finished' }] } }),
    ),
  );
  const call = callAs(gateway, key, 'one');
  const finish = await arrived.promise;
  // A call may still come through before the signal is seen; it must not be kept waiting.
  witness.answer('one', (response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
  );
  const gone = once(gateway.child, 'exit');
  gateway.child.kill('SIGTERM');
  await eventually(
    () =>
      callAs(gateway, key, 'one').then(
        ({ status }) => status,
        () => 0,
      ),
    (status) => status === 503 || status === 0,
  );
  finish();
  assert.match((await call).body, /finished/);
  assert.deepEqual(await gone, [0, null]);
});

test('health, readiness and metrics are on the admin listener, and only there', async () => {
  assert.equal((await fetch(`${plain.admin}/healthz`)).status, 200);
  assert.deepEqual(await (await fetch(`${plain.admin}/readyz`)).json(), { ready: true, problems: [] });
  assert.match(await (await fetch(`${plain.admin}/metrics`)).text(), /process_cpu_seconds_total/);
  for (const path of ['healthz', 'readyz', 'metrics']) assert.equal((await fetch(`${plain.mcp}/${path}`)).status, 404);
});

test('logs: a refusal has the reference that the client sees, and no log holds a key', async () => {
  const key = shared.key('ada');
  const answer = await sendRaw({
    url: shared.endpoint('logged'),
    headers: [...modernHeaders('tools/call', 'one'), ['Authorization', `Bearer ${key}`]],
    body: modernCall('one', { n: 7 }),
  });
  const reference = /reference ([\w.-]+)/.exec(answer.body)?.[1] ?? 'none';
  await eventually(
    () => Promise.resolve(shared.errors()),
    (errors) => errors.includes(reference),
  );
  assert.doesNotMatch(shared.errors(), new RegExp(key));
});

test('anonymous access beyond loopback: refuses to start and says why', async () => {
  const open = JSON.parse(await readFile(plain.config, 'utf8')) as { listen: object };
  const config = join(plain.folder, 'open.yaml');
  await writeFile(
    config,
    JSON.stringify({ ...open, listen: { mcp: { host: '0.0.0.0', port: 0 }, admin: { port: 0 } } }),
  );
  const ended = await cli('serve', '--config', config);
  assert.equal(ended.code, 65);
  assert.match(ended.stderr, /CFG040/);
});

test('a port that is in use: a sentence and its own exit code', async () => {
  const config = JSON.parse(await readFile(plain.config, 'utf8')) as { listen: object; data: string };
  const second = join(plain.folder, 'second.yaml');
  const listen = { mcp: { port: Number(new URL(plain.mcp).port) }, admin: { port: 0 } };
  await writeFile(second, JSON.stringify({ ...config, data: join(plain.folder, 'other'), listen }));
  const ended = await cli('serve', '--config', second);
  assert.equal(ended.code, 69, ended.stderr);
  assert.match(ended.stderr, /cannot listen/);
});

test('portal: a server that hangs delays no other one, and its tools appear when it answers', async () => {
  await using fast = await startWitness([{ name: 'quick' }]);
  await using late = await startWitness([{ name: 'slow' }]);
  await using gateway = await startGateway({
    ...openSettings('tester', {
      fast: { url: fast.url },
      broken: { url: 'http://127.0.0.1:9/mcp' },
      // The first list waits for programs that are starting, for up to half a minute.
      hanging: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], startTimeout: '1s' },
    }),
  });
  await using session = await openSession('sdk2-modern', { url: `${gateway.mcp}/mcp` });
  assert.deepEqual(await session.tools(), ['fast__quick']);
  const { text } = await session.call('fast__quick', {});
  assert.match(text, /witness was called/);
  // The server comes back: its configuration now points to one that answers.
  await rewrite(gateway, (text) => text.replace('http://127.0.0.1:9/mcp', late.url));
  const tools = await eventually(
    () => session.tools(),
    (names) => names.length === 2,
  );
  assert.deepEqual(tools.toSorted(), ['broken__slow', 'fast__quick']);
});

test('sallyport stdio: the gateway as a local server, in both eras', async () => {
  await using witness = await startWitness([{ name: 'one' }, { name: 'two' }]);
  await using gateway = await startGateway({
    ...openSettings('tester', { witness: { url: witness.url } }),
    connections: [{ name: 'one', from: { agent: 'tester' }, to: 'witness', tools: [{ allow: 'one' }] }],
  });
  const config = join(gateway.folder, 'stdio.yaml');
  const written = JSON.parse(await readFile(gateway.config, 'utf8')) as { data: string };
  await writeFile(config, JSON.stringify({ ...written, data: join(gateway.folder, 'stdio-data') }));
  for (const kind of ['sdk2-legacy', 'sdk2-modern', 'sdk1'] as const) {
    await using session = await openSession(kind, {
      command: [process.execPath, program, 'stdio', '--config', config],
    });
    assert.deepEqual(await session.tools(), ['witness__one'], kind);
    assert.match((await session.call('witness__one', {})).text, /witness was called/);
  }
});

test('a GET without a session is 405, so that clients do not try again', async () => {
  const answer = await sendRaw({ url: `${plain.mcp}/mcp`, method: 'GET', headers: legacyHeaders });
  assert.equal(answer.status, 405);
  assert.match(answer.headers.get('allow') ?? '', /POST/);
});
