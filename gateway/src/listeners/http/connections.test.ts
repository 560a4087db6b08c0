import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { answered, ask, long, max, next, serve, slowly } from '../../../test/support/bounded-server.ts';

async function twoAtOnce(world: Awaited<ReturnType<typeof serve>>): Promise<void> {
  const sockets = await Promise.all([world.open(), world.open()]);
  const answers = await Promise.all(sockets.map((socket) => answered(socket, '/eve')));
  for (const answer of answers) assert.match(answer, /^HTTP\/1.1 200/);
}

test('with nine tenths of the connections in use, those that come together are all answered', async () => {
  await using world = await serve();
  for (const [caller, count] of [
    ['ada', 20],
    ['bob', 16],
  ] as const)
    for (let n = 0; n < count; n++)
      assert.match(await answered(await world.open(), `/${caller}/held`), /^HTTP\/1.1 200/);
  await twoAtOnce(world);
});

test('a caller with many connections loses its own idle ones, and no answer that is being taken', async () => {
  await using world = await serve();
  const reading = await world.open();
  reading.pause();
  ask(reading, '/ada/long');
  const idleOfBob = await world.open();
  assert.match(await answered(idleOfBob, '/bob'), /^HTTP\/1.1 200/);
  const idle = await world.open();
  assert.match(await answered(idle, '/ada'), /^HTTP\/1.1 200/);
  const closed = once(idle, 'close');
  // Three fifths of 40, with the two from above.
  for (let n = 0; n < 23; n++) assert.match(await answered(await world.open(), '/ada'), /^HTTP\/1.1 200/);
  await closed;
  let length = 0;
  reading.on('data', (chunk: Buffer) => (length += chunk.length)).resume();
  const isWhole = (): boolean => length > long;
  const gone = once(reading, 'close');
  while (!isWhole() && !reading.destroyed) await Promise.race([once(reading, 'data'), gone]);
  assert.ok(isWhole(), `${length} of ${long} bytes`);
  assert.match(await answered(idleOfBob, '/bob'), /^HTTP\/1.1 200/);
});

test('of the idle connections of a caller, those are closed that were used longest ago', async (context) => {
  await using world = await serve();
  const used = await world.open();
  const idle = await world.open();
  let now = 10_000;
  context.mock.method(performance, 'now', () => now);
  for (const socket of [used, idle]) assert.match(await answered(socket, '/ada'), /^HTTP\/1.1 200/);
  // Less than a second makes no difference.
  now += 1_001;
  assert.match(await answered(used, '/ada'), /^HTTP\/1.1 200/);
  const closed = once(idle, 'close');
  // Three fifths of 40, with the two from above.
  for (let n = 0; n < 23; n++) assert.match(await answered(await world.open(), '/ada'), /^HTTP\/1.1 200/);
  await closed;
  assert.match(await answered(used, '/ada'), /^HTTP\/1.1 200/);
});

test('callers that together hold nine tenths get no more than an equal part, and another one gets some', async () => {
  await using world = await serve();
  const held = async (caller: string): Promise<boolean> =>
    (await answered(await world.open(), `/${caller}/held`)).startsWith('HTTP/1.1 200');
  for (let n = 0; n < 18; n++) assert.deepEqual([await held('ada'), await held('bob')], [true, true]);
  assert.deepEqual([await held('ada'), await held('bob')], [false, false]);
  assert.equal(await held('eve'), true);
});

test('requests that do not come to their end make room, those of the caller with the most first', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  for (const [proxies, how] of [
    [[], 'slow'],
    [['127.0.0.1'], 'slow'],
    [[], 'refused'],
  ] as const) {
    await using world = await serve(proxies);
    const kept = await world.open();
    assert.match(await answered(kept, '/dan/held'), /^HTTP\/1.1 200/);
    const slow: Socket[] = [];
    for (let n = 0; n < max - 1; n++) slow.push(await slowly(world, `/${n < max * 0.75 ? 'ada' : 'bob'}/${how}`));
    let isAnswered = false;
    // Some are closed each tenth of a second.
    for (let tries = 0; tries < 3 && !isAnswered; tries++, now += 101)
      isAnswered = (await answered(await world.open(), '/eve')).startsWith('HTTP/1.1 200');
    assert.equal(isAnswered, true);
    const ofAda = slow.slice(0, max * 0.75);
    assert.deepEqual([kept.destroyed, slow[ofAda.length]?.destroyed], [false, false]);
    assert.ok(ofAda.some(({ destroyed }) => destroyed));
  }
});

test('connections that differ in the address they came to alone make room as others do', async () => {
  await using world = await serve();
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port: localPort } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  for (let n = 2; n <= max + 5; n++) await world.open({ host: `127.0.0.${n}`, localAddress: '127.0.0.1', localPort });
  await twoAtOnce(world);
});

test('through a proxy one caller has three quarters, and what others use it for is theirs', async () => {
  await using world = await serve(['127.0.0.1']);
  const answers = async (socket: Socket, path: string): Promise<boolean> =>
    (await answered(socket, path)).startsWith('HTTP/1.1 200');
  for (let n = 0; n < max * 0.75; n++) assert.equal(await answers(await world.open(), '/eve/held'), true);
  const kept = await world.open();
  assert.equal(await answers(kept, '/ada'), true);
  assert.equal(await answers(await world.open(), '/eve/held'), false);
  assert.equal(await answers(kept, '/bob'), true);
  // It goes on with requests of others until it is one too many of this caller.
  assert.equal(await answers(kept, '/eve'), false);
});

test('what strangers hold of the connections of a proxy counts for no caller, and makes room', async () => {
  await using world = await serve(['127.0.0.1']);
  const held: Socket[] = [];
  for (let n = 0; n < max; n++) {
    const socket = await world.open();
    assert.match(await answered(socket, '/ada'), /^HTTP\/1.1 200/, `${n} are held`);
    assert.match(await answered(socket, '//held'), /^HTTP\/1.1 200/);
    held.push(socket);
  }
  assert.deepEqual([held[0]?.destroyed, held.at(-1)?.destroyed], [true, false]);
});

test('what strangers held of the connections of a proxy over TLS is forgotten with its end', async () => {
  await using world = await serve(['127.0.0.1'], true);
  for (let n = 0; n < max; n++) {
    const socket = await world.open();
    for (const path of ['/ada', '/']) assert.match(await answered(socket, path), /^HTTP\/1.1 200/);
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  }
  // Those make room that are there.
  for (let n = 0; n < max + 5; n++) await world.open();
  await twoAtOnce(world);
});

test('uploads that hold nearly everything are not closed for those without a caller', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve();
  const slow: Socket[] = [];
  for (let n = 0; n < max; n++) slow.push(await slowly(world, `/${'abcd'[n % 4]}/slow`));
  const visit = async (): Promise<void> => {
    const stranger = await world.open();
    await answered(stranger, '/');
    // One that stayed would be closed in place of the requests.
    const gone = next(stranger, 'close');
    stranger.end();
    await gone;
  };
  await visit();
  const kept = slow.filter(({ destroyed }) => !destroyed);
  for (let n = 0; n < 20; n++, now += 1_001) await visit();
  assert.deepEqual(
    kept.map(({ destroyed }) => destroyed),
    kept.map(() => false),
  );
  assert.equal(kept.length, max * 0.9);
});

test('connections without a caller make the part of no caller smaller', async () => {
  await using world = await serve();
  for (const caller of ['bob', 'cleo'])
    assert.match(await answered(await world.open(), `/${caller}/held`), /^HTTP\/1.1 200/);
  for (let n = 0; n < 14; n++) assert.match(await answered(await world.open(), '/ada/held'), /^HTTP\/1.1 200/);
  for (let n = 0; n < max; n++) await world.open();
  assert.match(await answered(await world.open(), '/ada/held'), /^HTTP\/1.1 200/);
});

test('through a proxy two callers with everything leave room for a third', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve(['127.0.0.1']);
  const fill = async (): Promise<void> => {
    for (const caller of ['ada', 'bob']) for (let n = 0; n < max; n++) await slowly(world, `/${caller}/slow`);
  };
  await fill();
  let count = 0;
  for (let tries = 0; tries < 30; tries++, now += 101) {
    await fill();
    if ((await answered(await world.open(), '/eve')).startsWith('HTTP/1.1 200')) count++;
  }
  assert.ok(count >= 10, `${count} of 30`);
});

test('what is closed of one caller alone delays no room for others', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve(['127.0.0.1']);
  const turns = await world.open();
  assert.match(await answered(turns, '/bob'), /^HTTP\/1.1 200/);
  for (let n = 0; n < 28; n++) await slowly(world, '/ada/slow');
  for (let n = 0; n < 14; n++) await slowly(world, '/bob/slow');
  let isAnswered = false;
  for (let tries = 0; tries < 30 && !isAnswered; tries++, now += 51) {
    for (const caller of ['bob', 'ada']) await answered(turns, `/${caller}`);
    isAnswered = (await answered(await world.open(), '/eve')).startsWith('HTTP/1.1 200');
  }
  assert.equal(isAnswered, true);
});

test('a caller with its part of the connections loses no request to those with more through a proxy', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve(['127.0.0.1']);
  const own = await Promise.all(['127.0.0.2', '127.0.0.2'].map((localAddress) => world.open({ localAddress })));
  for (const socket of own) {
    socket.write(`POST /dan/slow HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`);
    await once(socket, 'data');
  }
  for (const caller of ['ada', 'bob']) for (let n = 0; n < max; n++) await slowly(world, `/${caller}/slow`);
  for (let n = 0; n < 10; n++, now += 101) await answered(await world.open(), '/eve');
  assert.deepEqual(
    own.map(({ destroyed }) => destroyed),
    [false, false],
  );
});

test('answers that are not taken make room for others than their callers', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve();
  for (const [caller, count] of [
    ['ada', 30],
    ['bob', 10],
  ] as const)
    for (let n = 0; n < count; n++) {
      const socket = await world.open();
      ask(socket, `/${caller}/long`);
      // What waits behind one does not hide it.
      if (n % 2 === 0) ask(socket, `/${caller}/slow`);
      await next(socket, 'readable');
    }
  let isAnswered = false;
  for (let tries = 0; tries < 30 && !isAnswered; tries++, now += 101)
    isAnswered = (await answered(await world.open(), '/eve')).startsWith('HTTP/1.1 200');
  assert.equal(isAnswered, true);
});

test('what two callers hold with calls leaves room for others', async () => {
  for (const proxies of [[], ['127.0.0.1']]) {
    await using world = await serve(proxies);
    for (const caller of ['ada', 'bob'])
      for (let n = 0; n < max; n++) await answered(await world.open(), `/${caller}/held`);
    for (const caller of ['cleo', 'dan', 'eve'])
      assert.match(await answered(await world.open(), `/${caller}/held`), /^HTTP\/1.1 200/, caller);
  }
});

test('where many callers hold a stream each, one of them may call beside it', async () => {
  for (const proxies of [[], ['127.0.0.1']]) {
    await using world = await serve(proxies, false, 400);
    for (let n = 0; n < 364; n++) await answered(await world.open(), `/caller-${n}/held`);
    assert.match(await answered(await world.open(), '/caller-7/held'), /^HTTP\/1.1 200/);
  }
});

test('idle connections that a proxy keeps are closed before a caller with many is refused for long', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  await using world = await serve(['127.0.0.1'], false, 300);
  for (let n = 0; n < 165; n++) await answered(await world.open(), '/ada/held');
  const kept: Socket[] = [];
  for (let n = 0; n < 120; n++) {
    const socket = await world.open();
    assert.match(await answered(socket, `/caller-${n}`), /^HTTP\/1.1 200/);
    kept.push(socket);
  }
  let refused = 0;
  for (const socket of kept.toReversed()) {
    if ((await answered(socket, '/ada')).startsWith('HTTP/1.1 200')) break;
    refused++;
    now += 101;
  }
  // Two of a hundred are closed each tenth of a second.
  assert.ok(refused <= 3, `${refused} were refused`);
});

test('connections that a caller opens beyond its part cost no look at all of its own each', async (context) => {
  context.mock.method(performance, 'now', () => 0);
  await using world = await serve();
  for (const caller of ['ada', 'bob'])
    for (let n = 0; n < 18; n++) assert.match(await answered(await world.open(), `/${caller}/held`), /^HTTP\/1.1 200/);
  const looks = context.mock.method(world.connections, 'isIdle').mock;
  const refused = async (): Promise<void> => assert.equal(await answered(await world.open(), '/ada/held'), '');
  await refused();
  const first = looks.callCount();
  for (let n = 0; n < 20; n++) await refused();
  assert.ok(looks.callCount() - first <= 20, `${looks.callCount() - first} looks`);
});
