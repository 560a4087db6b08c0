/** Connections and bodies of strangers leave files and memory for the log and for callers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { meta, modernCall, modernHeaders } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, type Settings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { sallyportWith } from './commands.ts';
import { memoryOf } from './stall.ts';

const maxFiles = 300;
const newCalls = 5;
const bodyBytes = 4 * 1024 * 1024;
const maxGrowthBytes = 200 * 1024 * 1024;

let witness: Witness;

before(async () => {
  witness = await startWitness([
    { name: 'tool' },
    { name: 'long', inputSchema: { type: 'object', properties: { x: { type: 'string' } } } },
  ]);
});
after(() => witness[Symbol.asyncDispose]());

function start(prefix?: readonly [string, ...string[]], more: Settings = {}): Promise<Gateway> {
  return startGateway(
    {
      callers: { agents: { ada: {}, bob: {} } },
      servers: { witness: { url: witness.url } },
      connections: [{ name: 'all', from: { agent: ['ada', 'bob'] }, to: 'witness', tools: [{ allow: '*' }] }],
      ...more,
    },
    prefix === undefined ? {} : { prefix },
  );
}

/** Connections that say what `head` says, and nothing else. Those that the gateway does not want are closed. */
class Crowd implements Disposable {
  readonly sockets: Socket[] = [];
  readonly answers: string[] = [];

  async connect(gateway: Gateway, count: number, head = ''): Promise<void> {
    const { hostname, port } = new URL(gateway.mcp);
    await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect({ host: hostname, port: Number(port) });
        const index = this.sockets.push(socket) - 1;
        this.answers.push('');
        // Each wait for what comes next listens.
        socket.setMaxListeners(0);
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => (this.answers[index] += chunk.toString()));
        await Promise.race([event(socket, 'connect'), event(socket, 'close')]);
        if (head !== '') socket.write(head);
      }),
    );
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

function postHead(gateway: Gateway, key?: string): string {
  const { host, pathname } = new URL(gateway.endpoint('witness'));
  const headers = [
    ...modernHeaders('tools/call', 'tool'),
    ['Host', host],
    ['Content-Length', String(bodyBytes)],
    ...(key === undefined ? [] : [['Authorization', `Bearer ${key}`]]),
  ];
  return `POST ${pathname} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`;
}

async function call(gateway: Gateway, key: string, agent: Agent | false = false): Promise<number> {
  const asked = request(gateway.endpoint('witness'), {
    method: 'POST',
    agent,
    headers: { ...Object.fromEntries(modernHeaders('tools/call', 'tool')), authorization: `Bearer ${key}` },
  });
  asked.end(modernCall('tool'));
  return statusOf(asked);
}

async function statusOf(asked: ClientRequest): Promise<number> {
  const [response] = (await once(asked, 'response', { signal: AbortSignal.timeout(patienceMs) })) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

test('A10: with few files, more idle connections than files stop neither calls nor their records', async () => {
  await using gateway = await start(['sh', '-c', `ulimit -n ${maxFiles}; exec "$0" "$@"`]);
  const key = gateway.key('ada');
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    assert.equal(await call(gateway, key, kept), 200);
    using crowd = new Crowd();
    await crowd.connect(gateway, maxFiles + 30);
    assert.equal(await call(gateway, key, kept), 200, 'on a connection from before');
    for (let count = 0; count < newCalls; count++) assert.equal(await call(gateway, key), 200, 'on a new one');
    assert.equal(await call(gateway, key, kept), 200);
    const found = await sallyportWith(
      '',
      'audit',
      'search',
      '--server',
      'witness',
      '--json',
      '--config',
      gateway.config,
    );
    const { records } = JSON.parse(found.stdout) as { records: readonly { outcomeRecord?: { outcome?: string } }[] };
    assert.equal(
      records.filter(({ outcomeRecord }) => outcomeRecord?.outcome === 'answered').length,
      newCalls + 3,
      found.stdout.slice(0, 2_000),
    );
    assert.doesNotMatch(gateway.errors(), /EMFILE|audit log write failed/);
  } finally {
    kept.destroy();
  }
});

/** Streams of one caller, each on a connection of its own. */
function listenHead(gateway: Gateway, key: string): string {
  const { host, pathname } = new URL(gateway.endpoint('witness'));
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: {}, _meta: meta },
  });
  const headers = [
    ...modernHeaders('subscriptions/listen'),
    ['Host', host],
    ['Content-Length', String(body.length)],
    ['Authorization', `Bearer ${key}`],
  ];
  return `POST ${pathname} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`;
}

test('A10: connections of one caller have a share, and another caller works', async () => {
  await using gateway = await start(undefined, { bounds: { connections: 40, streams: 100 } });
  const [ada, bob] = [gateway.key('ada'), gateway.key('bob')];
  using crowd = new Crowd();
  await crowd.connect(gateway, 50, listenHead(gateway, ada));
  const isSettled = (socket: Socket, index: number): boolean =>
    socket.destroyed || (crowd.answers[index] ?? '').startsWith('HTTP/1.1 200');
  while (!crowd.sockets.every(isSettled))
    await Promise.race(crowd.sockets.flatMap((socket) => [event(socket, 'data'), event(socket, 'close')]));
  // Three quarters of 40.
  assert.equal(crowd.answers.filter((answer) => answer.startsWith('HTTP/1.1 200')).length, 30);
  const statuses = await Promise.all(Array.from({ length: newCalls }, () => call(gateway, bob)));
  assert.deepEqual(
    statuses,
    Array.from({ length: newCalls }, () => 200),
  );
});

async function health(gateway: Gateway, agent: Agent | false, headers = {}, path = '/healthz'): Promise<number> {
  const asked = request(`${gateway.admin}${path}`, { agent, headers });
  asked.end();
  return statusOf(asked);
}

test('A10: connections to the admin listener of those who show no token make room, and one operator has a share', async () => {
  await using gateway = await start(['sh', '-c', `ulimit -n ${maxFiles}; exec "$0" "$@"`]);
  const sallyport = (...args: readonly string[]) => sallyportWith('', ...args, '--config', gateway.config);
  const tokens: string[] = [];
  for (const name of ['dana', 'erin']) {
    assert.equal((await sallyport('operator', 'create', name, '--role', 'approver')).code, 0);
    tokens.push((await sallyport('operator', 'token', name, '--quiet')).stdout.trim());
  }
  const [dana, erin] = tokens.map((token) => ({ authorization: `Bearer ${token}` }));
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const list = '/api/v1/approvals';
  try {
    assert.equal(await health(gateway, kept, dana, list), 200);
    const admin = { ...gateway, mcp: gateway.admin };
    using crowd = new Crowd();
    await crowd.connect(admin, maxFiles);
    assert.equal(await health(gateway, kept, dana, list), 200, 'on a connection from before');
    for (let count = 0; count < newCalls; count++) assert.equal(await health(gateway, false), 200, 'on a new one');
    // A tenth of the files, of which three quarters are one operator's. Each of these sends a body that does not end.
    using busy = new Crowd();
    const headers = { ...erin, host: new URL(gateway.admin).host, 'content-type': 'application/json' };
    const lines = Object.entries({ ...headers, 'content-length': '100', expect: '100-continue' });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    for (let count = 1; count <= maxFiles / 10; count++) {
      await busy.connect(admin, 1, `POST ${list}/ap_x/approve HTTP/1.1\r\n${head}\r\n`);
      const socket = busy.sockets.at(-1);
      assert.ok(socket !== undefined);
      await Promise.race([event(socket, 'data'), event(socket, 'close')]);
      assert.equal(await health(gateway, false, dana, list), 200, `beside ${count}`);
    }
    assert.ok(busy.answers.some((answer) => answer.includes('HTTP/1.1 429')));
  } finally {
    kept.destroy();
  }
});

/** Sends all of a body but its last byte, as far as the gateway takes it. */
async function sendSlowly(crowd: Crowd): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, 0x20);
  for (let sent = 0; sent + piece.length < bodyBytes; sent += piece.length)
    await Promise.all(
      crowd.sockets.map(async (socket) => {
        if (socket.destroyed || !socket.writable) return;
        // A gateway that does not read holds nothing: what it has not taken after a moment stays here.
        if (!socket.write(piece)) await Promise.race([event(socket, 'drain'), event(socket, 'close'), moment()]);
      }),
    );
}

/** Unlike `once` of Node, without a failure when the gateway resets the connection. */
const event = (socket: Socket, name: string): Promise<void> =>
  new Promise((resolve) => socket.once(name, () => resolve()));

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

test('A10: slow bodies of strangers are not kept', async () => {
  await using gateway = await start();
  const key = gateway.key('ada');
  assert.equal(await call(gateway, key), 200);
  const before = await memoryOf(gateway.pid);
  using crowd = new Crowd();
  await crowd.connect(gateway, 120, postHead(gateway));
  const sending = sendSlowly(crowd);
  let maxBytes = 0;
  const state = { over: false };
  void sending.finally(() => (state.over = true));
  while (!state.over) {
    assert.equal(await call(gateway, key), 200);
    maxBytes = Math.max(maxBytes, await memoryOf(gateway.pid));
  }
  await sending;
  const growth = maxBytes - before;
  assert.ok(growth < maxGrowthBytes, `${Math.round(growth / 1024 ** 2)} MiB`);
  assert.ok(crowd.answers.every((answer) => answer === '' || answer.startsWith('HTTP/1.1 401')));
});

test('A10: slow bodies of one caller have a share, and another caller works', async () => {
  await using gateway = await start();
  const [ada, bob] = [gateway.key('ada'), gateway.key('bob')];
  using crowd = new Crowd();
  await crowd.connect(gateway, 64, postHead(gateway, ada));
  await sendSlowly(crowd);
  assert.equal(await call(gateway, bob), 200);
  const tooMany = (): number => crowd.answers.filter((answer) => answer.startsWith('HTTP/1.1 429')).length;
  const deadline = Date.now() + patienceMs;
  while (tooMany() < 40) {
    assert.ok(Date.now() < deadline, `${tooMany()} were refused`);
    assert.equal(await call(gateway, bob), 200);
  }
  // Sixteen of 4 MiB fit into the share.
  assert.ok(tooMany() <= 64 - 15, `${tooMany()}`);
});

test('A10: long messages of calls that one caller has under way have a share, and another caller works', async () => {
  await using gateway = await start();
  const [ada, bob] = [gateway.key('ada'), gateway.key('bob')];
  const held: ServerResponse[] = [];
  witness.answer('long', (response) => void held.push(response));
  const long = modernCall('long', { x: 'x'.repeat(3_500_000) });
  const send = async (): Promise<number> => {
    const asked = request(gateway.endpoint('witness'), {
      method: 'POST',
      agent: false,
      headers: { ...Object.fromEntries(modernHeaders('tools/call', 'long')), authorization: `Bearer ${ada}` },
    });
    asked.end(long);
    const [response] = (await once(asked, 'response', { signal: AbortSignal.timeout(patienceMs) })) as [
      IncomingMessage,
    ];
    return response.resume().statusCode ?? 0;
  };
  const before = await memoryOf(gateway.pid);
  let refused = 0;
  // One that goes on sending for long after it was refused may find the connection closed.
  const sent = Array.from({ length: 60 }, async () => {
    const status = await send().catch(() => 429);
    if (status === 429) refused += 1;
  });
  while (held.length + refused < sent.length) await moment();
  // Nineteen of them fit into 64 MiB, and what others have sent until they were refused.
  assert.ok(held.length > 0 && held.length <= 19, `${held.length}`);
  const growth = (await memoryOf(gateway.pid)) - before;
  assert.ok(growth < 3 * maxGrowthBytes, `${Math.round(growth / 1024 ** 2)} MiB`);
  assert.equal(await call(gateway, bob), 200);
  for (const response of held.splice(0)) response.destroy();
  await Promise.all(sent);
  const again = send();
  while (held.length === 0) await moment();
  for (const response of held) response.destroy();
  assert.equal(await again, 200);
});
