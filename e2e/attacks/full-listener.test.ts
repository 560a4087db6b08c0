/** Who fills the listener keeps no other caller from being served, and no request of a caller is lost to strangers. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { modernCall, modernHeaders } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

const max = 40;
const uploaders = Array.from({ length: 6 }, (_, index) => `uploader-${index}`);
const guests = Array.from({ length: max + 5 }, (_, index) => `guest-${index}`);
const agents = ['ada', 'bob', 'eve', ...uploaders, ...guests];
const bodyBytes = 100_000;

let witness: Witness;

before(async () => {
  witness = await startWitness([{ name: 'tool' }, { name: 'held' }]);
  witness.answer('held', () => {});
});
after(() => witness[Symbol.asyncDispose]());

const start = (isProxied: boolean): Promise<Gateway> =>
  startGateway({
    listen: { mcp: { port: 0, behindProxy: isProxied ? ['127.0.0.1'] : [] }, admin: { port: 0 } },
    callers: { agents: Object.fromEntries(agents.map((agent) => [agent, {}])) },
    bounds: { connections: max },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'all', from: { agent: agents }, to: 'witness', tools: [{ allow: '*' }] }],
  });

interface Post {
  /** None where it is of a stranger. */
  readonly key?: string;
  readonly length: number;
  readonly tool?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

function headOf(gateway: Gateway, { key, length, tool = 'tool', headers = [] }: Post): string {
  const { host, pathname } = new URL(gateway.endpoint('witness'));
  const all = [
    ...modernHeaders('tools/call', tool),
    ['Host', host],
    ['Content-Length', String(length)],
    ['Authorization', `Bearer ${key ?? 'unknown'}`],
    ...headers,
  ];
  return `POST ${pathname} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`;
}

/** A connection, and everything that comes on it. */
class Client {
  readonly socket: Socket;
  text = '';

  constructor(gateway: Gateway) {
    const { hostname, port } = new URL(gateway.mcp);
    this.socket = connect({ host: hostname, port: Number(port) });
    this.socket.setMaxListeners(0);
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
  }

  /** Until this holds of what has come, or the connection is gone. */
  async until(holds: (text: string) => boolean): Promise<void> {
    while (!holds(this.text) && !this.socket.destroyed)
      await new Promise<void>((resolve) => {
        for (const event of ['data', 'close']) this.socket.once(event, () => resolve());
      });
  }
}

/** Calls on a connection of its own; what is answered, nothing where the gateway does not take it. */
async function call(gateway: Gateway, key?: string): Promise<string> {
  const client = new Client(gateway);
  const body = modernCall('tool');
  client.socket.write(headOf(gateway, { length: body.length, ...(key !== undefined && { key }) }) + body);
  await client.until((text) => text.includes('"jsonrpc"'));
  client.socket.destroy();
  return client.text;
}

/** Requests whose bodies do not come to their end. */
class Crowd implements Disposable {
  readonly clients: Client[] = [];
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** So many more, each of which is there, was refused, or is gone. */
  async send(count: number, key?: string): Promise<void> {
    // It says that the request has come.
    const headers = [['Expect', '100-continue']] as const;
    const head = headOf(this.#gateway, { length: bodyBytes, headers, ...(key !== undefined && { key }) });
    for (let n = 0; n < count; n++) {
      const client = new Client(this.#gateway);
      this.clients.push(client);
      client.socket.write(head);
      await client.until((text) => (key === undefined ? text.includes('"jsonrpc"') : text !== ''));
      client.socket.write('{');
    }
  }

  /** Those that go on send some more. */
  drip(): void {
    for (const { socket } of this.clients) if (!socket.destroyed) socket.write(' ');
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.clients) socket.destroy();
  }
}

/** How many of some calls of eve are answered, while these fill the listener again. */
async function answered(gateway: Gateway, crowd: Crowd, keys: readonly (string | undefined)[]): Promise<number> {
  const eve = gateway.key('eve');
  assert.match(await call(gateway, eve), /the witness was called/);
  for (const key of keys) await crowd.send(max, key);
  let count = 0;
  for (let tries = 0; tries < 10; tries++) {
    if ((await call(gateway, eve)).includes('the witness was called')) count++;
    crowd.drip();
    for (const key of keys) await crowd.send(2, key);
  }
  return count;
}

for (const place of ['directly', 'through a proxy'])
  test(`a third caller is answered where two fill the listener with slow bodies ${place}`, async () => {
    await using gateway = await start(place !== 'directly');
    using crowd = new Crowd(gateway);
    assert.equal(await answered(gateway, crowd, [gateway.key('ada'), gateway.key('bob')]), 10);
    using refused = new Crowd(gateway);
    assert.equal(await answered(gateway, refused, [undefined, undefined]), 10, 'beside strangers who were refused');
  });

for (const place of ['directly', 'through a proxy'])
  test(`a third caller is answered where two open connections ${place} and keep them idle`, async () => {
    await using gateway = await start(place !== 'directly');
    const clients: Client[] = [];
    const body = modernCall('tool');
    const open = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++)
        for (const agent of ['ada', 'bob']) {
          const client = new Client(gateway);
          clients.push(client);
          client.socket.write(headOf(gateway, { key: gateway.key(agent), length: body.length }) + body);
          await client.until((text) => text.includes('"jsonrpc"'));
        }
    };
    await open(max);
    for (let tries = 0; tries < 10; tries++) {
      assert.match(await call(gateway, gateway.key('eve')), /the witness was called/, `after ${tries}`);
      await open(5);
    }
    for (const { socket } of clients) socket.destroy();
  });

for (const place of ['directly', 'through a proxy'])
  test(`a caller is answered where as many others as there are connections keep one idle ${place}`, async () => {
    await using gateway = await start(place !== 'directly');
    const clients = new Map<string, Client>();
    const body = modernCall('tool');
    const open = async (guest: string): Promise<void> => {
      if (clients.get(guest)?.socket.destroyed === false) return;
      const client = new Client(gateway);
      clients.set(guest, client);
      client.socket.write(headOf(gateway, { key: gateway.key(guest), length: body.length }) + body);
      await client.until((text) => text.includes('"jsonrpc"'));
    };
    for (const guest of guests) await open(guest);
    for (let tries = 0; tries < 20; tries++) {
      assert.match(await call(gateway, gateway.key('eve')), /the witness was called/, `after ${tries}`);
      // Some come again before room is made for them.
      await Promise.all(guests.map(open));
    }
    for (const { socket } of clients.values()) socket.destroy();
  });

for (const place of ['directly', 'through a proxy'])
  test(`a third caller is answered where two fill the listener ${place}, one with connections that begin at once`, async () => {
    await using gateway = await start(place !== 'directly');
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((agent) => gateway.key(agent));
    using crowd = new Crowd(gateway);
    await crowd.send(Math.floor(max * 0.74), ada);
    const idle: Client[] = [];
    const body = modernCall('tool');
    const open = (): number => [...crowd.clients, ...idle].filter(({ socket }) => !socket.destroyed).length;
    const from = performance.now();
    while (open() < max && performance.now() - from < 1_000)
      await Promise.all(
        Array.from({ length: max - open() }, () => {
          const client = new Client(gateway);
          idle.push(client);
          client.socket.write(headOf(gateway, { key: bob ?? '', length: body.length }) + body);
          return client.until((text) => text.includes('"jsonrpc"'));
        }),
      );
    for (const { socket } of idle)
      if (!socket.destroyed) socket.write(`${headOf(gateway, { key: bob ?? '', length: bodyBytes })}{`);
    for (let tries = 0; tries < 10; tries++)
      assert.match(await call(gateway, eve), /the witness was called/, `after ${tries}`);
    for (const { socket } of idle) socket.destroy();
  });

test('a third caller is answered where two fill the listener with calls', async () => {
  await using gateway = await start(false);
  const body = modernCall('held');
  const clients: Client[] = [];
  for (const agent of ['ada', 'bob'])
    for (let n = 0; n < max; n++) {
      const client = new Client(gateway);
      clients.push(client);
      const headers = [['Expect', '100-continue']] as const;
      client.socket.write(headOf(gateway, { key: gateway.key(agent), tool: 'held', length: body.length, headers }));
      await client.until((text) => text !== '');
      client.socket.write(body);
    }
  assert.match(await call(gateway, gateway.key('eve')), /the witness was called/);
  for (const { socket } of clients) socket.destroy();
});

test('long requests of callers are not lost to strangers', async () => {
  await using gateway = await start(false);
  using crowd = new Crowd(gateway);
  // Nine tenths.
  for (const uploader of uploaders) await crowd.send(6, gateway.key(uploader));
  for (let visits = 0; visits < 20; visits++) await call(gateway);
  const body = modernCall('tool');
  const rest = ' '.repeat(bodyBytes - body.length) + body.slice(1);
  for (const client of crowd.clients) {
    client.socket.write(rest);
    await client.until((text) => text.includes('"jsonrpc"'));
  }
  const answers = crowd.clients.filter(({ text }) => text.includes('the witness was called'));
  assert.equal(answers.length, crowd.clients.length);
});
