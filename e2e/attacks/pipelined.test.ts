/** Requests that come on a connection before those ahead of them are answered (RFC 9112, section 9.3.2). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { makeAuthority } from '../certificates.ts';
import { cpuMsOf, memoryOf } from '../faults/stall.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { meta, modernCall, modernHeaders } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

let witness: Witness;
let gateway: Gateway;
let key: string;

const manyTools = Array.from({ length: 200 }, (_, index) => ({
  name: `tool-${index}`,
  description: 'x'.repeat(200),
}));

before(async () => {
  witness = await startWitness(manyTools);
  gateway = await startGateway({
    callers: { agents: { ada: {} } },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'all', from: { agent: 'ada' }, to: 'witness', tools: [{ allow: '*' }] }],
  });
  key = gateway.key('ada');
});

after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

function post(method: string, body: string, name?: string, more: readonly (readonly [string, string])[] = []): string {
  const { host, pathname } = new URL(gateway.endpoint('witness'));
  const headers = [
    ...modernHeaders(method, name),
    ['Host', host],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Authorization', `Bearer ${key}`],
    ...more,
  ];
  return `POST ${pathname} HTTP/1.1\r\n${headers.map(([head, value]) => `${head}: ${value}`).join('\r\n')}\r\n\r\n${body}`;
}

const list = (id: number): string =>
  post('tools/list', JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { _meta: meta } }));

async function opened(): Promise<Socket> {
  const { hostname, port } = new URL(gateway.mcp);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Reads until this holds of the text, or the connection ends. */
async function read(socket: Socket, holds: (text: string) => boolean): Promise<string> {
  let text = '';
  const signal = AbortSignal.timeout(patienceMs);
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    signal.throwIfAborted();
    text += String(chunk);
    if (holds(text)) break;
  }
  return text;
}

test('the requests of a client that pipelines are answered in their order', async () => {
  const socket = await opened();
  const call = (at: number): string => post('tools/call', modernCall(`tool-${at}`), `tool-${at}`);
  socket.write(list(1) + call(5) + list(2) + call(6) + list(3));
  const text = await read(socket, (each) => /"id":3[,}]/.test(each) && each.endsWith('}'));
  socket.destroy();
  assert.equal(text.split('HTTP/1.1 200').length - 1, 5, text.slice(0, 1_000));
  assert.deepEqual(
    [...text.matchAll(/"id":(\d+)/g)].map(([, id]) => Number(id)),
    [1, 7, 2, 7, 3],
  );
  assert.deepEqual(
    witness.calls().map(({ message }) => message.params['name']),
    ['tool-5', 'tool-6'],
  );
});

test('what is pipelined without being read costs one answer, and then the connection', async () => {
  const connections = 32;
  const requests = 300;
  const alone = await opened();
  alone.write(list(1));
  const length = (await read(alone, (text) => text.endsWith('}'))).length;
  alone.destroy();
  const sockets = await Promise.all(Array.from({ length: connections }, opened));
  const [memory, cpuMs] = [await memoryOf(gateway.pid), await cpuMsOf(gateway.pid)];
  const many = Array.from({ length: requests }, (_, id) => list(id)).join('');
  // A reset is what some of them see.
  const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of sockets) {
    socket.pause();
    socket.write(many);
  }
  for (const socket of sockets) socket.resume();
  await Promise.all(closed);
  const growth = (await memoryOf(gateway.pid)) - memory;
  const spentMs = (await cpuMsOf(gateway.pid)) - cpuMs;
  const all = connections * requests;
  assert.ok(
    growth < (all * length) / 4,
    `${all} answers of ${length} characters; ${Math.round(growth / 1024 ** 2)} MiB`,
  );
  assert.ok(spentMs < 1_000, `${spentMs} ms`);
});

/** Sends this behind a call that is not answered: the connection ends, and the call with it. */
async function closedAfter(text: string): Promise<void> {
  const [held, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  witness.answer('tool-9', (response) => {
    response.on('close', () => over.resolve());
    held.resolve();
  });
  const socket = await opened();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('data', () => {});
  socket.write(post('tools/call', modernCall('tool-9'), 'tool-9'));
  await held.promise;
  socket.write(text);
  await closed;
  await over.promise;
}

test('bodies of requests that wait have a bound for each connection', async () => {
  const long = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta, x: 'x'.repeat(40_000) } };
  await closedAfter(post('tools/list', JSON.stringify(long)).repeat(2));
});

test('a body that cannot wait ends the connection, and the call ahead of it', async () => {
  const long = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta, x: 'x'.repeat(70_000) } };
  const whole = post('tools/list', JSON.stringify(long));
  const chunked = whole.replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked').replace(/\{.*/s, '1\r\n{');
  // It would hold up what comes of the client, also that it is gone.
  for (const text of [whole, chunked]) await closedAfter(text);
});

test('a client that was refused before its body was sent may send its next body right behind it', async () => {
  const socket = await opened();
  const refused = list(1).replace(/Bearer [^\r]+/, 'Bearer unknown');
  socket.write(refused.slice(0, -1));
  // The whole answer is here: nothing is asked early.
  assert.match(await read(socket, (text) => /\r\n\r\n\{.*\}$/s.test(text)), /^HTTP\/1.1 401 /);
  const long = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: { _meta: meta, x: 'x'.repeat(70_000) } };
  socket.write(refused.slice(-1) + post('tools/list', JSON.stringify(long)));
  assert.match(await read(socket, (text) => text.endsWith('}')), /^HTTP\/1.1 200 /);
  socket.destroy();
});

test('header fields of requests that wait have a bound for each connection', async () => {
  const short = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } };
  const fields = Array.from({ length: 600 }, (_, at) => [`x${at}`, ''] as const);
  await closedAfter(post('tools/list', JSON.stringify(short), undefined, fields).repeat(2));
});

test('a client over TLS that has an answer may send any body at once', async () => {
  using authority = makeAuthority();
  const { certFile, keyFile } = authority.issue('gateway', 'IP:127.0.0.1');
  const tool = { name: 'take', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };
  await using taking = await startWitness([tool]);
  await using own = await startGateway({
    listen: { mcp: { port: 0, tls: { certificate: certFile, key: keyFile } }, admin: { port: 0 } },
    callers: { agents: { ada: {} } },
    servers: { witness: { url: taking.url } },
    connections: [{ name: 'all', from: { agent: 'ada' }, to: 'witness', tools: [{ allow: 'take' }] }],
  });
  const agent = new Agent({ ca: authority.cert, keepAlive: true, maxSockets: 1 });
  const authorization = `Bearer ${own.key('ada')}`;
  const ask = async (text: string, length: object): Promise<{ readonly body: string; readonly port?: number }> => {
    const sent = modernCall('take', { text });
    const headers = { ...Object.fromEntries(modernHeaders('tools/call', 'take')), authorization, ...length };
    const asking = request(own.endpoint('witness'), { method: 'POST', agent, headers });
    asking.end(sent);
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    const port = asking.socket?.localPort;
    return { body, ...(port !== undefined && { port }) };
  };
  const long = 'x'.repeat(70_000);
  const ports = new Set<number | undefined>();
  for (let at = 0; at < 200; at++) {
    const { body, port } = await (at % 4 === 0
      ? ask(long, { 'content-length': Buffer.byteLength(modernCall('take', { text: long })) })
      : ask('short', { 'transfer-encoding': 'chunked' }));
    assert.match(body, /the witness was called/);
    ports.add(port);
  }
  agent.destroy();
  assert.equal(ports.size, 1, 'connections');
  assert.equal(taking.calls().length, 200);
});
