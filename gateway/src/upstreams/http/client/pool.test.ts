import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Dial, dialler } from './dial.ts';
import { type Abandon, Pool } from './pool.ts';
import { fieldsText, type HttpRequest, merged } from './request.ts';

const fields = fieldsText({ accept: 'application/json' });
const post = (body: string): HttpRequest => ({ method: 'POST', path: '/mcp', fields, body });
const answer = (body: string, more = '') => `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

/** A server that hands every request to the script of the test, and counts connections. */
class Scripted implements AsyncDisposable {
  readonly server: Server;
  readonly sockets: Socket[] = [];
  connections = 0;

  constructor(onRequest: (text: string, socket: Socket, connection: number) => void) {
    this.server = createServer((socket) => {
      const connection = ++this.connections;
      this.sockets.push(socket);
      let text = '';
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
        const end = text.indexOf('\r\n\r\n');
        if (end === -1 || Buffer.byteLength(text.slice(end + 4)) < length) return;
        const request = text;
        text = '';
        onRequest(request, socket, connection);
      });
    });
  }

  async pool(connections = 4, onDialled: (socket: Socket) => void = () => {}): Promise<Pool> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}`);
    const dial = dialler(url, { timeoutMs: 2_000, tls: () => ({}) });
    const watched: Dial = (done) =>
      dial((dialled) => {
        if (dialled.ok) onDialled(dialled.socket);
        done(dialled);
      });
    return new Pool(url.host, watched, connections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly error?: string;
}

function send(pool: Pool, request: HttpRequest, keep?: (handle: Abandon) => void): Promise<Answered> {
  return new Promise((resolve) => {
    let status = 0;
    let body = '';
    const handle = pool.send(request, {
      onHead: (code) => {
        status = code;
      },
      onData: (chunk) => {
        body += chunk.toString();
      },
      onEnd: () => resolve({ status, body }),
      onError: (error) => resolve({ status, body, error }),
    });
    keep?.(handle);
  });
}

test('one connection serves request after request, and says what it must', async () => {
  const seen: string[] = [];
  await using server = new Scripted((text, socket) => {
    seen.push(text);
    socket.write(answer('{"ok":1}'));
  });
  const pool = await server.pool();
  for (const body of ['{"a":1}', '{"ä":"ö€"}'])
    assert.deepEqual(await send(pool, post(body)), { status: 200, body: '{"ok":1}' });
  assert.equal(server.connections, 1);
  const { port } = server.server.address() as AddressInfo;
  assert.equal(
    seen[1],
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: application/json\r\ncontent-length: 14\r\n\r\n{"ä":"ö€"}`,
  );
  pool.destroy();
});

test('no more connections than allowed are open; who waits is served in turn', async () => {
  const open: Socket[] = [];
  await using server = new Scripted((_text, socket) => {
    open.push(socket);
    // The answers come when both connections are busy: a third one would have been opened by then.
    if (open.length === 2) for (const each of open) each.write(answer('ok'));
    if (open.length > 2) socket.write(answer('ok'));
  });
  const pool = await server.pool(2);
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(pool, post('{}'))));
  assert.deepEqual([...new Set(answers.map(({ body, error }) => error ?? body))], ['ok']);
  assert.equal(server.connections, 2);
  pool.destroy();
});

test('what a server says unasked never becomes the answer to the next request', async () => {
  await using server = new Scripted((_text, socket, connection) => {
    socket.write(answer(`from connection ${connection}`));
    // A second answer, for a request that has not been made yet.
    if (connection === 1) socket.write(answer('planted'));
  });
  const pool = await server.pool();
  assert.equal((await send(pool, post('{}'))).body, 'from connection 1');
  assert.equal((await send(pool, post('{}'))).body, 'from connection 2');
  pool.destroy();
});

test('an answer planted while the connection rests is not taken for another', async () => {
  await using server = new Scripted((_text, socket, connection) => {
    socket.write(answer(`from connection ${connection}`));
  });
  const pool = await server.pool();
  assert.equal((await send(pool, post('{}'))).body, 'from connection 1');
  const [socket] = server.sockets;
  assert.ok(socket);
  socket.write(answer('planted'));
  await once(socket, 'close');
  assert.equal((await send(pool, post('{}'))).body, 'from connection 2');
  pool.destroy();
});

test('a request of which nothing has left moves to another connection when its own is closed', async () => {
  await using server = new Scripted((_text, socket, connection) => socket.write(answer(`from ${connection}`)));
  const dialled: Socket[] = [];
  const pool = await server.pool(4, (socket) => dialled.push(socket));
  assert.equal((await send(pool, post('{}'))).body, 'from 1');
  // Requests leave at the end of the turn: this one has a connection already, and loses it before that.
  const second = send(pool, post('{}'));
  dialled[0]?.destroy();
  assert.equal((await second).body, 'from 2');
  pool.destroy();
});

test('a server that closes whatever it accepts is not dialled for ever', async () => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let accepted = 0;
  server.on('connection', () => accepted++);
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const pool = new Pool(url.host, dialler(url, { timeoutMs: 2_000, tls: () => ({}) }), 4);
  const { error } = await send(pool, post('{}'));
  assert.notEqual(error, undefined);
  assert.ok(accepted <= 4, `${accepted} connections`);
  pool.destroy();
  server.close();
});

test('a connection is not used again when the server says so, or when bytes follow the answer', async () => {
  const heads = ['Connection: close\r\n', 'Keep-Alive: timeout=1\r\n', ''];
  await using server = new Scripted((_text, socket, connection) => {
    socket.write(`${answer('ok', heads[connection - 1] ?? '')}${connection === 3 ? 'HTTP/1.1 200 OK\r\n' : ''}`);
  });
  const pool = await server.pool();
  for (let request = 0; request < 4; request++) assert.equal((await send(pool, post('{}'))).body, 'ok');
  assert.equal(server.connections, 4);
  pool.destroy();
});

for (const [name, text, problem] of [
  ['an answer that is cut short', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', /before the answer was whole/],
  ['an answer that is no HTTP', 'gopher\r\n\r\n', /not acceptable HTTP: malformed head/],
  ['an ambiguous answer', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', /ambiguous/],
] as const)
  test(`${name} fails the request, and the next one has a connection of its own`, async () => {
    await using server = new Scripted((_text, socket, connection) => {
      if (connection === 1) socket.end(text);
      else socket.write(answer('ok'));
    });
    const pool = await server.pool();
    assert.match((await send(pool, post('{}'))).error ?? '', problem);
    assert.equal((await send(pool, post('{}'))).body, 'ok');
    pool.destroy();
  });

test('giving up closes the connection, and the handler hears nothing more', async () => {
  await using server = new Scripted((_text, socket, connection) => {
    if (connection === 1) socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    else socket.write(answer('ok'));
  });
  const pool = await server.pool();
  let handle: Abandon | undefined;
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    handle = pool.send(post('{}'), {
      onHead: () => resolve(),
      onData: () => heard.push('data'),
      onEnd: () => heard.push('end'),
      onError: () => heard.push('error'),
    });
  });
  const [socket] = server.sockets;
  assert.ok(socket);
  handle?.abort();
  await once(socket, 'close');
  assert.equal((await send(pool, post('{}'))).body, 'ok');
  assert.deepEqual(heard, []);
  pool.destroy();
});

test('a long answer in very small chunks leaves others their turn of the loop', async (t) => {
  await using server = new Scripted((_text, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.write(`${'1\r\nx\r\n'.repeat(700_000)}0\r\n\r\n`);
  });
  const pool = await server.pool(1);
  // The time of a turn is over whenever it is asked for.
  let now = performance.now();
  t.mock.method(performance, 'now', () => (now += 10));
  let [bytes, inTurn, most, turns] = [0, 0, 0, 0];
  let isOver = false;
  const turn = (): void => {
    most = Math.max(most, inTurn);
    if (inTurn > 0) turns++;
    inTurn = 0;
    if (!isOver) setImmediate(turn);
  };
  turn();
  await new Promise<void>((resolve, reject) => {
    pool.send(post('{}'), {
      onHead: () => {},
      onData: (chunk) => {
        bytes += chunk.length;
        inTurn += chunk.length;
      },
      onEnd: resolve,
      onError: (problem) => reject(new Error(problem)),
    });
  });
  isOver = true;
  assert.equal(bytes, 700_000);
  // One read of the socket has 64 KiB.
  assert.ok(most <= (64 * 1024) / 6 + 1, `${most} bytes in one of ${turns} turns`);
  pool.destroy();
});

for (const rested of [false, true])
  test(`a request that is given up before it leaves is never sent, and its connection${rested ? ', which rested,' : ''} is used on`, async (t) => {
    const seen: string[] = [];
    await using server = new Scripted((text, socket) => {
      seen.push(text.slice(text.indexOf('\r\n\r\n') + 4));
      socket.write(answer('ok'));
    });
    const pool = await server.pool(2);
    assert.equal((await send(pool, post('first'))).body, 'ok');
    const now = performance.now.bind(performance);
    if (rested) t.mock.method(performance, 'now', () => now() + 5_000);
    const next: Promise<Answered>[] = [];
    for (let count = 0; count < 3; count++) {
      const heard: string[] = [];
      const given = pool.send(post('given up'), {
        onHead: () => heard.push('head'),
        onData: () => heard.push('data'),
        onEnd: () => heard.push('end'),
        onError: (problem) => heard.push(problem),
      });
      assert.equal(given.abort(), false, 'nothing of it has left');
      assert.deepEqual(heard, []);
    }
    next.push(send(pool, post('second')), send(pool, post('third')));
    for (const { body, error } of await Promise.all(next)) assert.equal(error ?? body, 'ok');
    assert.deepEqual(seen.toSorted(), ['first', 'second', 'third']);
    assert.equal(server.connections, 2);
    pool.destroy();
  });

test('a request that is given up when its connection is lost is not sent on another', async () => {
  const seen: string[] = [];
  await using server = new Scripted((text, socket) => {
    seen.push(text.slice(text.indexOf('\r\n\r\n') + 4));
    socket.write(answer('ok'));
  });
  let dialled: Socket | undefined;
  const pool = await server.pool(2, (socket) => (dialled ??= socket));
  assert.equal((await send(pool, post('first'))).body, 'ok');
  assert.ok(dialled);
  const handles: Abandon[] = [];
  void send(pool, post('given up'), (handle) => handles.push(handle));
  dialled.destroy();
  handles[0]?.abort();
  await once(dialled, 'close');
  assert.equal((await send(pool, post('second'))).body, 'ok');
  assert.deepEqual(seen, ['first', 'second']);
  pool.destroy();
});

test('a server that cannot be reached fails each request that waits for it, and says why', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  await once(server, 'close');
  const pool = new Pool(url.host, dialler(url, { timeoutMs: 2_000, tls: () => ({}) }), 2);
  const answers = await Promise.all(Array.from({ length: 5 }, () => send(pool, post('{}'))));
  for (const { error } of answers) assert.match(error ?? '', /^ECONNREFUSED: /);
  pool.destroy();
});

test('what would end a header before its time is never sent', async () => {
  let requests = 0;
  await using server = new Scripted((_text, socket) => {
    requests++;
    socket.write(answer('ok'));
  });
  const pool = await server.pool();
  for (const headers of [{ 'mcp-name': 'a\r\nx: y' }, { 'a b': 'c' }, { 'content-length': '1' }, { a: '\0' }]) {
    const { error } = await send(pool, { method: 'POST', path: '/', fields: fieldsText(headers), body: '{}' });
    assert.equal(error, 'a header cannot be sent as it is');
  }
  assert.equal(requests, 0);
  assert.equal(fieldsText(merged({ Authorization: 'a' }, { authorization: 'b' })), 'authorization: b\r\n');
  pool.destroy();
});

test('requests fail when the pool is closed, those that wait and those to come', async () => {
  await using server = new Scripted(() => {});
  const pool = await server.pool(1);
  const waiting = [send(pool, post('{}')), send(pool, post('{}'))];
  await once(server.server, 'connection');
  pool.destroy();
  for (const { error } of [...(await Promise.all(waiting)), await send(pool, post('{}'))])
    assert.equal(error, 'closed');
});

test('who gives up leaves the queue at once, wherever it stands; the others keep their order', async () => {
  const holds = Promise.withResolvers<Socket>();
  const seen: string[] = [];
  await using server = new Scripted((text, socket) => {
    if (seen.push(text.slice(text.indexOf('\r\n\r\n') + 4)) > 1) socket.write(answer('ok'));
    else holds.resolve(socket);
  });
  const pool = await server.pool(1);
  const first = send(pool, post('first'));
  const held = await holds.promise;
  const given: Abandon[] = [];
  const kept = Array.from({ length: 3 }, (_, index) => {
    // As many as may wait, all given up again: if one of them stayed, there would be no room for the next.
    for (let count = 0; count < 16_381; count++)
      void send(pool, post('given up'), (handle) => {
        given.push(handle);
      });
    const one = send(pool, post(`kept ${index}`));
    for (const handle of given.splice(0).toReversed()) handle.abort();
    return one;
  });
  held.write(answer('ok'));
  for (const answered of [await first, ...(await Promise.all(kept))])
    assert.equal(answered.error ?? answered.body, 'ok');
  assert.deepEqual(seen, ['first', 'kept 0', 'kept 1', 'kept 2']);
  pool.destroy();
});

test('no more requests wait than allowed', async () => {
  await using server = new Scripted(() => {});
  const pool = await server.pool(1);
  const waiting = Array.from({ length: 16_384 }, () => send(pool, post('{}')));
  assert.equal((await send(pool, post('{}'))).error, 'too many requests wait for this server');
  pool.destroy();
  for (const { error } of await Promise.all(waiting)) assert.equal(error, 'closed');
});
