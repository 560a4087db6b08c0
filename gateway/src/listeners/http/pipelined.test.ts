import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Pipelined, pipelinedBounds } from './pipelined.ts';

const long = 8 * 1024 * 1024;

/** Answers `/long` with megabytes, `/held` never, and anything else at once. Bodies that wait have 1,000 bytes together. */
async function serve() {
  const pipelined = new Pipelined({ ...pipelinedBounds, bytesTogether: 1_000 });
  const last = new WeakMap<Socket, ServerResponse>();
  const waiting = new Set<(bytes: number) => void>();
  const server = createServer((request, response) => {
    const { socket, url } = request;
    const ahead = last.get(socket);
    last.set(socket, response);
    const begin = (): void => {
      request.resume();
      if (url !== '/held') response.end(url === '/long' ? Buffer.alloc(long) : 'short');
    };
    if (pipelined.isNext(request, { response, ahead }, begin)) begin();
    for (const look of waiting) look(pipelined.bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  return {
    pipelined,
    open(): Socket {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('error', () => {});
      sockets.push(socket);
      return socket;
    },
    /** Until so many bytes wait. */
    until: (bytes: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (now: number): void => {
          if (now !== bytes) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look(pipelined.bytes);
      }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const post = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`;

/** Asks twice at once: the first answer is whole before it is taken. How many are answered. */
async function answersOf(socket: Socket): Promise<number> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(post('/', 0) + post('/', 500));
  const count = (): number => text.split('HTTP/1.1 200').length - 1;
  while (count() < 2 && !socket.destroyed)
    await new Promise<void>((resolve) => {
      for (const event of ['data', 'close']) socket.once(event, () => resolve());
    });
  return count();
}

for (const path of ['/long', '/held'])
  test(`what one client keeps waiting behind ${path} closes no request of another`, async (context) => {
    let now = 0;
    context.mock.method(performance, 'now', () => now);
    await using world = await serve();
    const greedy = world.open();
    greedy.pause();
    greedy.write(post(path, 0) + post('/', 900));
    await world.until(900);
    now += pipelinedBounds.untakenMs;
    assert.equal(await answersOf(world.open()), 2);
    assert.equal(world.pipelined.bytes, path === '/held' ? 900 : 0);
  });

test('what waits behind an answer that has just been given is not closed for others', async (context) => {
  context.mock.method(performance, 'now', () => 0);
  await using world = await serve();
  const reading = world.open();
  reading.pause();
  reading.write(post('/long', 0) + post('/', 900));
  await world.until(900);
  assert.ok((await answersOf(world.open())) < 2);
  const lengths: number[] = [];
  const length = (): number => lengths.reduce((sum, each) => sum + each, 0);
  reading.on('data', (chunk: Buffer) => void lengths.push(chunk.length)).resume();
  while (length() <= long && !reading.destroyed)
    await new Promise<void>((resolve) => {
      for (const event of ['data', 'close']) reading.once(event, () => resolve());
    });
  assert.ok(length() > long);
});
