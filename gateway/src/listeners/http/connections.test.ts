import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type NetConnectOpts, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { Connections } from './connections.ts';

const max = 40;
const long = 8 * 1024 * 1024;
/** TLS by a key that both have, which needs no certificates. */
const psk = Buffer.alloc(32, 7);
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const asClient = { pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined };

/**
 * Answers `/<caller>` for that caller, `/` for none, and `/<caller>/long` with megabytes; the answer to `/<caller>/held` does not
 * end, that to `/<caller>/slow` does not begin, and that to `/<caller>/refused` waits for the rest of the body.
 */
async function serve(proxies: readonly string[] = [], secured = false) {
  const connections = new Connections({ max, proxies, log: { warn: () => {} }, remedy: 'none' });
  const answer: RequestListener = (request, response) => {
    connections.asked(request.socket, response);
    const [, caller = '', how] = (request.url ?? '').split('/');
    if (caller === '') connections.unknown(request.socket);
    else if (!connections.known(request.socket, caller)) return void request.socket.destroy();
    if (how === 'slow') return;
    if (how === 'refused') return void response.writeHead(413, { 'content-length': 3 }).write('no.');
    if (how === 'held') response.write('held');
    else response.end(how === 'long' ? Buffer.alloc(long, 0x78) : 'short');
  };
  const server = secured ? createSecureServer({ ...tls, pskCallback: () => psk }, answer) : createServer(answer);
  connections.watch(server);
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  return {
    connections,
    async open(options: Partial<NetConnectOpts> & { readonly host?: string; readonly localPort?: number } = {}) {
      const place = { host: '127.0.0.1', ...options, port };
      const socket = secured ? connectSecurely({ ...place, ...tls, ...asClient }) : connect(place);
      socket.on('error', () => {});
      socket.setMaxListeners(0);
      sockets.push(socket);
      await Promise.race([once(socket, secured ? 'secureConnect' : 'connect'), once(socket, 'close')]);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const ask = (socket: Socket, path: string): void => void socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);

/** The first that comes, or an empty text where the connection ends before that. */
async function answered(socket: Socket, path: string): Promise<string> {
  ask(socket, path);
  const [first] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as unknown[];
  return Buffer.isBuffer(first) ? first.toString() : '';
}

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

test('of the idle connections of a caller, those are closed that were used longest ago', {
  timeout: 10_000,
}, async (context) => {
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
    for (let n = 0; n < max - 1; n++) {
      const socket = await world.open();
      const caller = n < max * 0.75 ? 'ada' : 'bob';
      socket.write(
        `POST /${caller}/${how} HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
      );
      await once(socket, 'data');
      slow.push(socket);
    }
    let isAnswered = false;
    // Some are closed each tenth of a second.
    for (let tries = 0; tries < 3 && !isAnswered; tries++, now += 101)
      isAnswered = (await answered(await world.open(), '/eve')).startsWith('HTTP/1.1 200');
    assert.equal(isAnswered, true);
    assert.deepEqual([kept.destroyed, slow.at(-1)?.destroyed], [false, false]);
    assert.ok(slow.some(({ destroyed }) => destroyed));
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
