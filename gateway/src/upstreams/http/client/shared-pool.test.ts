import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Abandon, HttpPool, ResponseHandler } from './pool.ts';
import type { HttpRequest } from './request.ts';
import { SharedPool } from './shared-pool.ts';

interface Sent {
  readonly request: HttpRequest;
  readonly handler: ResponseHandler;
}

/** Keeps what it is sent until the test answers it. */
class HeldPool implements HttpPool {
  readonly sent = new Set<Sent>();
  isClosed = false;

  send(request: HttpRequest, handler: ResponseHandler): Abandon {
    const sent = { request, handler };
    this.sent.add(sent);
    return {
      abort: () => this.sent.delete(sent),
    };
  }

  destroy(): void {
    this.isClosed = true;
    for (const sent of this.sent) this.#take(sent).onError('closed', 'sent');
  }

  count(sharer: string): number {
    return [...this.sent].filter(({ request }) => request.sharer === sharer).length;
  }

  /** The oldest one of this sharer is answered. */
  answer(sharer: string): void {
    const sent = [...this.sent].find(({ request }) => request.sharer === sharer);
    assert.ok(sent, `nothing of ${sharer} is under way`);
    this.#take(sent).onEnd();
  }

  #take(sent: Sent): ResponseHandler {
    this.sent.delete(sent);
    return sent.handler;
  }
}

interface Asked {
  readonly handle: Abandon;
  readonly ends: string[];
}

function ask(pool: HttpPool, sharer: string | undefined, count = 1): Asked[] {
  return Array.from({ length: count }, () => {
    const ends: string[] = [];
    const handler: ResponseHandler = {
      onHead: () => {},
      onData: () => {},
      onEnd: () => ends.push('end'),
      onError: (problem, left) => ends.push(`${problem}, ${left}`),
    };
    return { ends, handle: pool.send({ method: 'POST', path: '/', fields: '', sharer }, handler) };
  });
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('each takes a part of what the others leave', () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 128);
  for (const sharer of ['ada', 'bob', 'eve', 'dan', 'kim']) ask(pool, sharer, 200);
  const counts = ['ada', 'bob', 'eve', 'dan', 'kim'].map((sharer) => held.count(sharer));
  assert.deepEqual(counts, [85, 28, 10, 3, 1]);
  ask(pool, undefined);
  assert.equal([...held.sent].length, 128, 'the gateway has one for itself');
});

for (const connections of [1, 2, 3])
  test(`of ${connections} connections there is one for each as long as there are any`, () => {
    const held = new HeldPool();
    const pool = new SharedPool(held, connections);
    const sharers = ['ada', 'bob', 'eve'].slice(0, connections);
    for (const sharer of sharers) ask(pool, sharer, 9);
    assert.equal(held.sent.size, connections);
    if (connections < 3) for (const sharer of sharers) assert.equal(held.count(sharer), 1);
  });

test('those that wait take turns', () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 4);
  ask(pool, 'ada', 50);
  for (const sharer of ['bob', 'eve', 'dan', 'kim', 'zoe']) ask(pool, sharer, 3);
  const served: string[] = [];
  for (let round = 0; held.sent.size > 0; round++) {
    assert.ok(round < 100, 'it does not end');
    const [first] = held.sent;
    const sharer = first?.request.sharer ?? '';
    served.push(sharer);
    held.answer(sharer);
  }
  assert.equal(served.length, 65);
  const last = Math.max(...['bob', 'eve', 'dan', 'kim', 'zoe'].map((sharer) => served.lastIndexOf(sharer)));
  assert.ok(last < 30, `the last of them was served as number ${last}`);
});

test('what is given up makes room, whether it waited or was under way', () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 6);
  const asked = ask(pool, 'ada', 6);
  assert.equal(held.count('ada'), 4);
  assert.equal(asked[5]?.handle.abort(), false, 'nothing of it has left');
  assert.equal(asked[0]?.handle.abort(), true);
  assert.equal(held.count('ada'), 4, 'the one that waited is under way');
  assert.equal(asked[0]?.handle.abort(), true, 'once more changes nothing');
  for (let left = 4; left > 0; left--) held.answer('ada');
  assert.deepEqual(
    asked.map(({ ends }) => ends),
    [[], ['end'], ['end'], ['end'], ['end'], []],
  );
  ask(pool, 'bob', 9);
  assert.equal(held.count('bob'), 4, 'nothing is counted for ada any more');
});

test('a request after the end, and those that wait at the end, are told so', async () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 2);
  const asked = [...ask(pool, 'ada', 3), ...ask(pool, 'bob', 3), ...ask(pool, 'eve', 1)];
  pool.destroy();
  asked.push(...ask(pool, 'ada', 1));
  await settled();
  assert.ok(held.isClosed);
  const ends = asked.map((one) => one.ends.join());
  const waited = 'closed, unsent';
  assert.deepEqual(ends, ['closed, sent', waited, waited, 'closed, sent', ...Array(4).fill(waited)]);
});

test('what waits has a bound, and each a part of it', async () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 1);
  const [, ...asked] = ask(pool, 'ada', 5_000);
  await settled();
  const refused = asked.filter(({ ends }) => ends.length > 0);
  assert.equal(refused.length, 5_000 - 1 - 4_096);
  assert.deepEqual(refused[0]?.ends, ['too many requests wait for this server, unsent']);
  const others = ask(pool, 'bob', 2);
  await settled();
  assert.deepEqual(
    others.map(({ ends }) => ends),
    [[], []],
  );
  for (const name of ['eve', 'dan', 'kim']) ask(pool, name, 4_096);
  const [last] = ask(pool, 'zoe');
  await settled();
  assert.deepEqual(last?.ends, ['too many requests wait for this server, unsent']);
});

test('callers that are gone are forgotten, and a full pool costs each turn little', () => {
  const held = new HeldPool();
  const pool = new SharedPool(held, 4_096);
  for (let at = 0; at < 200_000; at++) {
    ask(pool, `caller ${at}`);
    held.answer(`caller ${at}`);
  }
  for (let at = 0; at < 4_096; at++) ask(pool, `caller ${at}`, 3);
  assert.equal(held.sent.size, 4_096);
  const begun = process.cpuUsage();
  for (let at = 0; at < 1_000; at++) {
    const [first] = held.sent;
    held.answer(first?.request.sharer ?? '');
  }
  const { user } = process.cpuUsage(begun);
  // Of each caller one is under way and others wait: each end looks for the one whose turn it is.
  assert.ok(user < 1_000_000, `${user} us for 1000 ends`);
});
