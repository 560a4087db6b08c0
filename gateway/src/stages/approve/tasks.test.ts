/** Tasks without a gateway around them: how often the call is made, and what is told of its end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ownWords } from '../../pipeline/deliver.ts';
import type { Admitted, Received, Reply } from '../../pipeline/exchange.ts';
import type { Tasks } from '../../pipeline/tasks.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { createSeal } from '../../secrets/seal.ts';
import { MemoryRegistry } from '../../state/memory/registry.ts';
import type { Approval } from './store.ts';
import { createTasks, taskBounds } from './tasks.ts';

const result = (members: JsonObject): Reply => ({ kind: 'result', result: ownWords<JsonObject>(members) });
const done = result({ resultType: 'complete', content: [] });

const settled = () => Promise.resolve({ ok: true } as const);

/** `again`: each attempt to make the call. */
function worldOf(again: (message: Received) => Promise<Reply>) {
  const newRegistry = () =>
    new MemoryRegistry<string>({
      maxEntries: 100,
      maxOfOwner: 50,
      lifetimeMs: taskBounds.lifetimeMs,
      whenFull: 'refuse',
    });
  let registry = newRegistry();
  const seal = createSeal(randomBytes(32), 'task', taskBounds.content);
  const world = {
    state: 'approved' as Approval['state'],
    calls: [] as JsonObject[],
    givenUp: [] as string[],
    /** The call has begun to wait. */
    waits: new Set(['ap_a reference']),
    /** What another process does as soon as a task was read. */
    meanwhile: undefined as (() => void) | undefined,
    /** The next time that the disk takes this long. */
    disk: undefined as Promise<void> | undefined,
  };
  const started = () => {
    const own = registry;
    return createTasks({
      registry: {
        get(key, now) {
          const entry = own.get(key, now);
          const { meanwhile } = world;
          world.meanwhile = undefined;
          meanwhile?.();
          return entry;
        },
        put: (entry, now, when) => own.put(entry, now, when),
        take: (key, now) => own.take(key, now),
        list: (owner, now) => own.list(owner, now),
        size: (now) => own.size(now),
      },
      seal,
      store: {
        get: () => ({ state: world.state, votes: [] }) as unknown as Approval,
        wait: (id, waiter) => void world.waits.add(`${id} ${waiter}`),
        stopWaiting: (id, waiter) => void world.waits.delete(`${id} ${waiter}`),
        giveUp(id, waiter) {
          world.givenUp.push(`${id} ${waiter}`);
          return settled();
        },
      },
      async settle() {
        const { disk } = world;
        world.disk = undefined;
        await disk;
        return settled();
      },
      again(message) {
        world.calls.push(message.params);
        return again(message);
      },
      newId: () => 'next',
      onWithdrawn: () => Promise.resolve(),
    });
  };
  const common = {
    id: 'reference',
    caller: { key: 'asker' },
    identity: { ok: true, value: { key: 'asker' } },
    endpoint: { kind: 'server', name: 'things' },
    client: { era: 'modern', capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
    rawNumbers: false,
  };
  let tasks = started();
  const askOf = async (
    of: Tasks,
    method: string,
    taskId: string | undefined,
    more: JsonObject,
  ): Promise<JsonObject> => {
    const params = { taskId: taskId ?? '', ...more };
    const reply = await of.answer({ ...common, method, params } as unknown as Admitted);
    assert.ok(reply.kind === 'result', JSON.stringify(reply));
    return reply.result;
  };
  return {
    world,
    /** As after a crash: what was written is there, and nothing else. */
    restart: (): void => {
      const entries = registry.list('asker', Date.now());
      registry = newRegistry();
      for (const entry of entries) registry.put(entry, Date.now());
      tasks = started();
    },
    /** Asks another process of the same folder. */
    another: () => {
      const other = started();
      return (method: string, taskId: string | undefined) => askOf(other, method, taskId, {});
    },
    begin: async (params: JsonObject): Promise<string | undefined> => {
      const message = { ...common, method: 'tools/call', params } as unknown as Received;
      const shown = await tasks.begin(message, { reason: 'approval-pending', id: 'ap_a', until: 0 });
      const id = shown?.['taskId'];
      return typeof id === 'string' ? id : undefined;
    },
    ask: (method: string, taskId: string | undefined, more: JsonObject = {}) => askOf(tasks, method, taskId, more),
  };
}

test('a task whose server asks goes on with the answers, although its approval is spent', async () => {
  const replies = [
    result({ resultType: 'input_required', inputRequests: { name: {} }, requestState: 'sealed' }),
    result({ resultType: 'input_required', inputRequests: { more: {} } }),
    done,
  ];
  const { world, begin, ask } = worldOf(() => Promise.resolve(replies.shift() ?? done));
  const task = await begin({ name: 'echo' });
  assert.equal((await ask('tasks/get', task))['status'], 'input_required');
  world.state = 'consumed';
  await ask('tasks/update', task, { inputResponses: { name: 'a' } });
  assert.equal((await ask('tasks/get', task))['status'], 'input_required');
  await ask('tasks/update', task, { inputResponses: { more: 'b' } });
  assert.match(JSON.stringify(await ask('tasks/get', task)), /"completed".*approved-executed/);
  assert.deepEqual(world.calls, [
    { name: 'echo' },
    { name: 'echo', inputResponses: { name: 'a' }, requestState: 'sealed' },
    // The state of the first question is not that of the second one.
    { name: 'echo', inputResponses: { more: 'b' } },
  ]);
});

test('the end of a call that broke off says so, under the reference of the call itself', async () => {
  const refusal = {
    reason: 'call-unfinished',
    server: 's',
    how: 'unavailable',
    repeatable: false,
    detail: '',
  } as const;
  const { begin, ask } = worldOf(() => Promise.resolve({ kind: 'refused', refusal }));
  const end = JSON.stringify(await ask('tasks/get', await begin({ name: 'echo' })));
  assert.match(end, /may have been made.*\(reference next\).*outcome-unknown/);
});

test('a crash while a call is made leaves an outcome that is not known, also where the approval can be used again', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const never = Promise.withResolvers<Reply>();
  const { world, begin, ask, restart } = worldOf(() => never.promise);
  const [task, other] = [await begin({ name: 'echo' }), await begin({ name: 'other' })];
  const unfinished = [ask('tasks/get', task), ask('tasks/get', other)];
  restart();
  // Nothing says yet that its process has ended.
  assert.equal((await ask('tasks/get', task))['status'], 'working');
  t.mock.timers.tick(taskBounds.silentMs);
  assert.match(JSON.stringify(await ask('tasks/get', task)), /"completed".*outcome-unknown/);
  // It may have been made: it cannot be given up any more.
  await ask('tasks/cancel', other);
  assert.match(JSON.stringify(await ask('tasks/get', other)), /outcome-unknown/);
  assert.equal(world.calls.length, 2);
  never.resolve(done);
  await Promise.all(unfinished);
});

test('a result that is too long to be kept is told as such, and params that are begin no task', async () => {
  const text = 'x'.repeat(taskBounds.content);
  const { world, begin, ask } = worldOf(() =>
    Promise.resolve(result({ resultType: 'complete', content: [{ type: 'text', text }] })),
  );
  assert.equal(await begin({ name: 'echo', arguments: { text } }), undefined);
  const task = await begin({ name: 'echo' });
  for (const shown of [await ask('tasks/get', task), await ask('tasks/get', task)]) {
    assert.equal(shown['status'], 'completed');
    assert.match(JSON.stringify(shown), /the call was made, its result is too large to be kept.*"isError":true/);
    assert.match(JSON.stringify(shown), /approved-executed/);
  }
  assert.equal(world.calls.length, 1);
});

test('a task waits for its approval in place of its call, and gives it up when it is cancelled', async () => {
  const { world, begin, ask } = worldOf(() => Promise.resolve(done));
  const id = await begin({ name: 'pay', arguments: {} });
  assert.deepEqual([...world.waits], [`ap_a ${id}`]);
  await ask('tasks/cancel', id);
  assert.deepEqual(world.givenUp, [`ap_a ${id}`]);
  assert.equal(world.calls.length, 0);
});

test('of two processes one makes the call, and the other says that it is being made', async () => {
  const end = Promise.withResolvers<Reply>();
  const { world, begin, ask, another } = worldOf(() => end.promise);
  const askOther = another();
  const task = await begin({ name: 'pay' });
  const making = ask('tasks/get', task);
  world.state = 'consumed';
  const shown = await askOther('tasks/get', task);
  assert.deepEqual([shown['status'], shown['statusMessage']], ['working', 'The call is being made']);
  // It is too late.
  await askOther('tasks/cancel', task);
  end.resolve(done);
  assert.equal((await making)['status'], 'completed');
  assert.match(JSON.stringify(await askOther('tasks/get', task)), /"completed".*approved-executed/);
  assert.equal(world.calls.length, 1);
});

test('a call whose end another process has told while the disk was slow is not made any more', async (context) => {
  let now = Date.now();
  context.mock.method(Date, 'now', () => now);
  const { world, begin, ask, another } = worldOf(() => Promise.resolve(done));
  const task = await begin({ name: 'pay' });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  world.disk = promise;
  const asked = ask('tasks/get', task);
  now += taskBounds.silentMs + 1;
  assert.match(JSON.stringify(await another()('tasks/get', task)), /outcome-unknown/);
  release();
  assert.match(JSON.stringify(await asked), /outcome-unknown/);
  assert.equal(world.calls.length, 0);
});

test('what another process has done to a task since it was read is not undone', async () => {
  const { world, begin, ask, another } = worldOf(() => Promise.resolve(done));
  const askOther = another();
  const [first, second, third] = [await begin({ name: '1' }), await begin({ name: '2' }), await begin({ name: '3' })];
  const others: Promise<JsonObject>[] = [];
  world.meanwhile = () => others.push(askOther('tasks/cancel', first));
  assert.equal((await ask('tasks/get', first))['status'], 'cancelled');
  assert.equal(world.calls.length, 0);
  world.meanwhile = () => others.push(askOther('tasks/get', second));
  await ask('tasks/cancel', second);
  world.meanwhile = () => others.push(askOther('tasks/get', third));
  await ask('tasks/get', third);
  await Promise.all(others);
  for (const task of [second, third]) assert.match(JSON.stringify(await ask('tasks/get', task)), /approved-executed/);
  assert.deepEqual(world.calls, [{ name: '2' }, { name: '3' }]);
  assert.deepEqual(world.givenUp, [`ap_a ${first}`]);
});

test('a rejected task whose server has a part of its call already does not say that it was not made', async () => {
  const { world, begin, ask } = worldOf(() => Promise.resolve(done));
  const [whole, part] = [await begin({ name: 'echo' }), await begin({ name: 'echo', requestState: 'sealed' })];
  world.state = 'rejected';
  assert.match(JSON.stringify(await ask('tasks/get', whole)), /was not made.*denied-not-executed/);
  assert.match(JSON.stringify(await ask('tasks/get', part)), /was not continued.*outcome-unknown/);
});

test('a task whose approval another call has used was not made', async () => {
  const { world, begin, ask } = worldOf(() => Promise.resolve(done));
  const task = await begin({ name: 'pay' });
  world.state = 'consumed';
  assert.match(JSON.stringify(await ask('tasks/get', task)), /"completed".*denied-not-executed/);
  assert.equal(world.calls.length, 0);
});
