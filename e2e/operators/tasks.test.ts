/** Held calls as tasks, for clients that offer the extension: each state, who may ask, and that a call is made once. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../gateway/src/stores/sqlite/driver.ts';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { until } from '../until.ts';
import { startWorld, type World } from './world.ts';

const claims = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'tasks', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};
const dispositionKey = 'io.modelcontextprotocol/tool-approval-disposition';

interface Answer {
  readonly result?: Readonly<Record<string, unknown>> & {
    readonly taskId?: string;
    readonly status?: string;
    readonly result?: { readonly content: unknown; readonly isError?: boolean };
    readonly _meta?: Readonly<Record<string, unknown>>;
  };
  readonly error?: { readonly code: number; readonly message: string };
}

/** A raw request of a client of 2026-07-28: no SDK here speaks of tasks. */
async function ask(
  world: World,
  key: string,
  {
    method,
    params,
    name,
    server = 'things',
    plain = false,
    signal,
  }: {
    readonly method: string;
    readonly params: object;
    readonly name: string;
    readonly server?: string;
    /** Without the extension. */
    readonly plain?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<Answer> {
  const url = server === 'portal' ? `${world.gateway.mcp}/mcp` : world.gateway.endpoint(server);
  const response = await fetch(url, {
    method: 'POST',
    ...(signal !== undefined && { signal }),
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: { ...params, _meta: plain ? { ...claims, 'io.modelcontextprotocol/clientCapabilities': {} } : claims },
    }),
  });
  const text = await response.text();
  const json = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  return JSON.parse(json) as Answer;
}

const call = (world: World, key: string, message: string) =>
  ask(world, key, { method: 'tools/call', name: 'echo', params: { name: 'echo', arguments: { message } } });
const about = (world: World, key: string, taskId: string, method = 'tasks/get', params: object = {}) =>
  ask(world, key, { method, name: taskId, params: { taskId, ...params } });

async function held(world: World, key: string, message: string): Promise<string> {
  const { result } = await call(world, key, message);
  assert.equal(result?.['resultType'], 'task', JSON.stringify(result));
  assert.equal(result?.status, 'working');
  return result?.taskId ?? assert.fail();
}

async function waiting(world: World): Promise<string> {
  const { stdout } = await world.sallyport('approval', 'list', '--json');
  return /"id": "(ap_[a-z0-9]+)"/.exec(stdout)?.[1] ?? assert.fail(stdout);
}

/** What waits for an approval, as it stands in the database. */
function waitsIn(data: string) {
  const database = openDatabase(data);
  const count = database.prepare('SELECT count(*) AS n FROM approval_waits WHERE approval = ?');
  return {
    count: (id: string) => Number(count.get(id)?.['n']),
    [Symbol.dispose]: () => database.close(),
  };
}

test('a task waits, is made once after its approval, and tells its end for as long as it is asked', async (t) => {
  await using world = await startWorld({}, { approvals: { wait: '30s' } });
  const key = world.gateway.key({ user: 'dana', agent: 'asker' });
  using waits = waitsIn(join(world.gateway.folder, 'data'));
  await t.test('approved', async () => {
    const task = await held(world, key, 'by task');
    assert.equal((await about(world, key, task)).result?.status, 'working');
    // Who asks is its caller, at its endpoint.
    const other = world.gateway.key({ agent: 'asker' });
    assert.equal((await about(world, other, task)).result, undefined);
    const elsewhere = await ask(world, key, {
      method: 'tasks/get',
      name: task,
      params: { taskId: task },
      server: 'other',
    });
    assert.equal(elsewhere.result, undefined);
    const { error } = await ask(world, key, { method: 'tasks/get', name: task, params: { taskId: task }, plain: true });
    assert.equal(error?.code, -32_021);
    assert.equal((await world.sallyport('approval', 'approve', await waiting(world))).code, 0);
    const ends = await Promise.all(Array.from({ length: 8 }, () => about(world, key, task)));
    for (const { result } of ends) {
      assert.equal(result?.status, 'completed', JSON.stringify(result));
      assert.equal(result?._meta?.[dispositionKey], 'approved-executed');
      assert.match(JSON.stringify(result?.result?.content), /by task/);
    }
    const { stdout } = await world.sallyport('audit', 'search', '--kind', 'intent', '--capability', 'echo', '--json');
    assert.equal([...stdout.matchAll(/"kind": "intent"/g)].length, 1, 'it was made once');
    // The same call is another one.
    assert.notEqual(await held(world, key, 'by task'), task);
    await world.sallyport('approval', 'reject', await waiting(world));
  });
  await t.test('rejected', async () => {
    const task = await held(world, key, 'no');
    await world.sallyport('approval', 'reject', await waiting(world), '--reason', 'not today');
    const { result } = await about(world, key, task);
    assert.equal(result?.status, 'completed');
    assert.equal(result?.result?.isError, true);
    assert.equal(result?._meta?.[dispositionKey], 'denied-not-executed');
    assert.match(JSON.stringify(result), /not today/);
  });
  await t.test('cancelled', async () => {
    const task = await held(world, key, 'given up');
    const id = await waiting(world);
    assert.equal((await about(world, key, task, 'tasks/cancel')).result?.['resultType'], 'complete');
    assert.equal((await about(world, key, task)).result?.status, 'cancelled');
    assert.equal((await world.sallyport('approval', 'approve', id)).code, 1);
    assert.match(
      (await about(world, key, task, 'tasks/update', { inputResponses: {} })).error?.message ?? '',
      /asks for nothing/,
    );
  });
  await t.test('cancelled beside another one of the same call, which goes on', async () => {
    const [task, other] = [await held(world, key, 'twice'), await held(world, key, 'twice')];
    const id = await waiting(world);
    assert.equal((await about(world, key, task, 'tasks/cancel')).result?.['resultType'], 'complete');
    assert.equal((await about(world, key, other)).result?.status, 'working');
    assert.equal((await world.sallyport('approval', 'approve', id)).code, 0);
    assert.equal((await about(world, key, other)).result?._meta?.[dispositionKey], 'approved-executed');
    assert.equal((await about(world, key, task)).result?.status, 'cancelled');
  });
  await t.test('beside a call that is given up while it waits', async () => {
    const task = await held(world, key, 'left');
    const id = await waiting(world);
    const leaving = new AbortController();
    const request = { method: 'tools/call', name: 'echo', params: { name: 'echo', arguments: { message: 'left' } } };
    const plain = ask(world, key, { ...request, plain: true, signal: leaving.signal }).then(
      () => assert.fail('it was answered'),
      () => undefined,
    );
    await until(() => waits.count(id) === 2, 'the call to wait');
    leaving.abort();
    await plain;
    await until(() => waits.count(id) === 1, 'the call to be given up');
    assert.equal((await world.sallyport('approval', 'approve', id)).code, 0);
    assert.equal((await about(world, key, task)).result?._meta?.[dispositionKey], 'approved-executed');
  });
  await t.test('what a client is told of the server', async () => {
    const { result } = await ask(world, key, { method: 'server/discover', name: '', params: {} });
    assert.match(JSON.stringify(result), /io\.modelcontextprotocol\/tasks/);
  });
});

test('a task outlives its gateway', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tasks-'));
  let task = '';
  {
    await using world = await startWorld({}, { folder });
    task = await held(world, world.gateway.key({ user: 'dana', agent: 'asker' }), 'later');
  }
  const approval = await runCommandHere('approval', 'list', '--json', '--config', join(folder, 'sallyport.yaml'));
  const id = /"id": "(ap_[a-z0-9]+)"/.exec(approval.stdout)?.[1] ?? assert.fail(approval.stdout);
  await using world = await startWorld({}, { folder });
  const key = world.gateway.key({ user: 'dana', agent: 'asker' });
  assert.equal((await about(world, key, task)).result?.status, 'working');
  assert.equal((await world.sallyport('approval', 'approve', id)).code, 0);
  const made = await about(world, key, task);
  assert.equal(made.result?.status, 'completed', JSON.stringify(made));
  await rm(folder, { recursive: true, force: true });
});

for (const endpoint of ['things', 'portal'])
  test(`an approved call is made where its caller may have one request under way, at ${endpoint}`, async () => {
    await using world = await startWorld({}, { approvals: { wait: '30s' }, bounds: { concurrency: 1 } });
    const key = world.gateway.key({ user: 'dana', agent: 'asker' });
    const name = endpoint === 'portal' ? 'things__echo' : 'echo';
    const held = await ask(world, key, {
      method: 'tools/call',
      name,
      params: { name, arguments: { message: 'one' } },
      server: endpoint,
    });
    const taskId = held.result?.taskId ?? assert.fail(JSON.stringify(held));
    await world.sallyport('approval', 'approve', await waiting(world));
    const { result } = await ask(world, key, {
      method: 'tasks/get',
      name: taskId,
      params: { taskId },
      server: endpoint,
    });
    assert.equal(result?.status, 'completed', JSON.stringify(result));
    assert.equal(result?._meta?.[dispositionKey], 'approved-executed', JSON.stringify(result));
  });
