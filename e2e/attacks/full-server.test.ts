/** A caller whose calls take all connections to a server keeps no other caller from that server. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { startSession } from '../faults/events.ts';
import { InProcessServer } from '../fixtures/in-process.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { modernCall, modernCallWith, modernHeaders, sendRaw } from './raw.ts';
import { sendJson, startWitness, type Witness } from './witness.ts';

const connections = 32;
const agents = ['ada', 'eve', 'bob'];

let witness: Witness;
/** Calls that the server has not answered. */
const held = new Map<ServerResponse, number>();

before(async () => {
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } } };
  witness = await startWitness([{ name: 'held', inputSchema }, { name: 'tool' }]);
  witness.answer('held', (response, { message }) => {
    held.set(response, message.id);
    response.once('close', () => held.delete(response));
  });
});
after(() => witness[Symbol.asyncDispose]());

/** A legacy server of stdio whose tool `hold` does not answer. */
const program = `
  const tools = ['hold', 'tool'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const results = {
    initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
    'tools/list': { tools },
    'tools/call': { content: [{ type: 'text', text: 'the program was called' }] },
    ping: {},
  };
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined || params?.name === 'hold') return;
    const result = results[method];
    const answer = result === undefined ? { error: { code: -32601, message: 'no' } } : { result };
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n');
  });`;

/** Over the transport of 2024-11-05, on which a session needs a stream. */
class Streaming extends InProcessServer {
  readonly #open: ServerResponse[] = [];
  readonly #posts: ServerResponse[] = [];
  /** Are calls taken when they come? */
  isQuick = true;
  /** What is sent with a call that is taken, in place of an answer on the stream. */
  instead = '';
  calls = 0;

  get posts(): number {
    return this.#posts.length;
  }

  /** Takes the calls that have come. */
  takeAll(): void {
    for (const response of this.#posts.splice(0)) response.writeHead(202).end();
  }

  get sessions(): number {
    return this.#open.length;
  }

  protected take(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'GET') {
      this.openStream(response);
      response.write(`event: endpoint\ndata: /mcp?stream=${this.#open.push(response) - 1}\n\n`);
      return;
    }
    const stream = new URL(request.url ?? '', 'http://here').searchParams.get('stream');
    if (stream === null) return void response.writeHead(405).end();
    const { id, method } = JSON.parse(body) as { readonly id?: number; readonly method: string };
    if (method === 'tools/call') this.calls++;
    if (method === 'tools/call' && !this.isQuick) return void this.#posts.push(response);
    if (method === 'tools/call' && this.instead !== '') return void response.writeHead(200).end(this.instead);
    response.writeHead(202).end();
    const result = streamed[method] ?? {};
    if (id !== undefined) this.#open[Number(stream)]?.write(this.event({ jsonrpc: '2.0', id, result }));
  }

  protected event(message: object): string {
    return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
  }
}

const streamed: Readonly<Record<string, object>> = {
  initialize: { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
  'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object', properties: { n: {} } } }] },
  'tools/call': { content: [{ type: 'text', text: 'the server was called' }] },
};

const all = { name: 'all', from: { agent: agents }, tools: [{ allow: '*' }] };

/** Of the tests whose calls wait for as long as they must. */
let patient: Gateway;
/** Of the tests whose calls are given up, or whose answers are too large. */
let strict: Gateway;
const streaming = new Map<string, Streaming>();

before(async () => {
  for (const name of ['sessions', 'late', 'large']) streaming.set(name, await new Streaming().listen());
  const [sessions, late, large] = [...streaming.values()].map(({ url }) => url);
  const { url } = witness;
  const callers = { agents: Object.fromEntries(agents.map((agent) => [agent, {}])) };
  patient = await startGateway({
    callers,
    servers: {
      own: { url, connections, httpClient: 'own' },
      undici: { url, connections, httpClient: 'undici' },
      sessions: { url: sessions, streams: 6, timeouts: { connect: '2s' } },
      program: { command: [process.execPath, '-e', program], processes: 1 },
    },
    connections: [
      { ...all, to: ['own', 'undici', 'sessions'] },
      { name: 'bob', from: { agent: 'bob' }, to: 'program', tools: [{ allow: '*' }] },
      { name: 'ada', from: { agent: 'ada' }, to: 'program', tools: [{ hold: '*' }] },
    ],
    approvals: { wait: '30s' },
  });
  strict = await startGateway({
    callers,
    servers: {
      witness: { url, connections, timeouts: { firstByte: '1s' } },
      late: { url: late, transport: 'sse', connections: 3, timeouts: { firstByte: '2s' } },
      large: { url: large, transport: 'sse' },
    },
    connections: [{ ...all, to: ['witness', 'late', 'large'] }],
    bounds: { result: '64KiB' },
  });
});
after(async () => {
  await patient.stop();
  await strict.stop();
  for (const server of streaming.values()) await server[Symbol.asyncDispose]();
});

const streamingOf = (name: string): Streaming => streaming.get(name) ?? assert.fail(name);

interface Caller {
  readonly url: string;
  readonly key: string;
}

const callerOf = (gateway: Gateway, server: string, agent: string): Caller => ({
  url: gateway.endpoint(server),
  key: gateway.key(agent),
});

async function call({ url, key }: Caller, tool: string, n?: number): Promise<string> {
  const answer = await sendRaw({
    url,
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${key}`]],
    body: modernCall(tool, n === undefined ? {} : { n }),
  });
  return answer.body;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(patienceMs);
  while (!holds()) {
    assert.ok(!limit.aborted, `${what}, and not ${held.size}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function answerAll(): void {
  for (const [response, id] of held)
    sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [] } });
}

for (const httpClient of ['own', 'undici'])
  test(`two callers with more calls than there are connections leave one to a third, with ${httpClient} as client`, async () => {
    const [ada, eve, bob] = agents.map((agent) => callerOf(patient, httpClient, agent));
    assert.ok(ada !== undefined && eve !== undefined && bob !== undefined);
    // The first one has the part that it may have before the second one comes.
    const ofAda = Array.from({ length: 2 * connections }, (_, n) => call(ada, 'held', n));
    await until('21 calls are under way', () => held.size === 21);
    const ofEve = Array.from({ length: 2 * connections }, (_, n) => call(eve, 'held', n));
    await until('7 more calls are under way', () => held.size === 21 + 7);
    for (let round = 0; round < 20; round++) assert.match(await call(bob, 'tool'), /the witness was called/);
    assert.equal(held.size, 21 + 7, 'these were under way all the time');
    // Nothing that waited is lost.
    let isOver = false;
    const ended = Promise.all([...ofAda, ...ofEve]).finally(() => {
      isOver = true;
    });
    await until('all are answered', () => {
      answerAll();
      return isOver;
    });
    for (const body of await ended) assert.match(body, /"content":\[\]/);
  });

test('no connection is lost where many calls end in one turn while others wait for theirs', async () => {
  const [ada, eve] = [callerOf(strict, 'witness', 'ada'), callerOf(strict, 'witness', 'eve')];
  for (let round = 0; round < 3; round++) {
    // These leave connections that the calls which wait are given when others are late.
    await Promise.all(Array.from({ length: connections }, () => call(eve, 'tool')));
    const late = Array.from({ length: 2 * connections }, (_, n) => call(ada, 'held', n));
    while (held.size < 21) await call(eve, 'tool');
    for (const body of await Promise.all(late)) assert.match(body, /did not answer|cannot be reached/);
    await until('nothing is under way', () => held.size === 0);
  }
});

/** Each takes a process of its own, as a program may ask its client for what that says it can do. */
const capabilities = [{}, { elicitation: { form: {} } }, { elicitation: { url: {} } }].flatMap((asked) =>
  [{}, { sampling: {} }, { sampling: { tools: {} } }].map((more) => ({ ...asked, ...more })),
);

test('a call that waits for a person keeps its process, whatever others call meanwhile', async () => {
  const [ada, bob] = [callerOf(patient, 'program', 'ada'), callerOf(patient, 'program', 'bob')];
  const held = sendRaw(modernCallWith({ ...ada, tool: 'tool' }));
  const config = ['--config', patient.config];
  let id: string | undefined;
  while (id === undefined) {
    const listed = await runCommandHere('approval', 'list', '--json', ...config);
    id = /"id": "(ap_[a-z0-9]+)"/.exec(listed.stdout)?.[1];
  }
  const over = new AbortController();
  const others = Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let n = 0; n < 5 || !over.signal.aborted; n++) {
        const other = await sendRaw(modernCallWith({ ...bob, tool: 'tool' }));
        if (!over.signal.aborted) assert.match(other.body, /cannot be reached at the moment/);
      }
    }),
  );
  assert.equal((await runCommandHere('approval', 'approve', id, ...config)).code, 0);
  const { body } = await held.finally(() => over.abort());
  assert.match(body, /the program was called/);
  await others;
});

test('a caller whose calls take all processes of a server that it may have leaves one to another', async () => {
  const processes = 6;
  await using gateway = await startGateway({
    callers: { agents: { ada: {}, bob: {} } },
    servers: { program: { command: [process.execPath, '-e', program], processes } },
    connections: [
      {
        name: 'all',
        from: { agent: ['ada', 'bob'] },
        to: 'program',
        tools: [{ allow: '*' }],
        requests: { elicitation: 'allow', sampling: 'allow' },
      },
    ],
    bounds: { drain: '100ms' },
  });
  const url = gateway.endpoint('program');
  const [ada, bob] = ['ada', 'bob'].map((agent) => gateway.key(agent));
  const refused: string[] = [];
  const { promise: areRefused, resolve } = Promise.withResolvers<void>();
  const held = capabilities.map(async (each) => {
    const answer = await sendRaw(modernCallWith({ url, key: ada ?? '', tool: 'hold', capabilities: each }));
    if (refused.push(answer.body) === 3) resolve();
  });
  await areRefused;
  const answer = await sendRaw(modernCallWith({ url, key: bob ?? '', tool: 'tool' }));
  assert.match(answer.body, /the program was called/, refused.join());
  await gateway.stop();
  await Promise.allSettled(held);
});

test('a caller whose sessions take all streams of a server that they may have leaves one to another', async () => {
  const server = streamingOf('sessions');
  const { url, key } = callerOf(patient, 'sessions', 'ada');
  const opened = await Promise.allSettled(Array.from({ length: 8 }, () => startSession(url, key)));
  assert.equal(opened.filter(({ status }) => status === 'fulfilled').length, 4);
  const answer = await sendRaw(modernCallWith({ url, key: patient.key('bob'), tool: 'tool' }));
  assert.match(answer.body, /the server was called/);
  assert.equal(server.sessions, 5);
  for (const one of opened) if (one.status === 'fulfilled') one.value.events[Symbol.dispose]();
});

test('over HTTP+SSE, calls that were given up before they left do not come to the server', async () => {
  const server = streamingOf('late');
  const session = await startSession(strict.endpoint('late'), strict.key('bob'));
  assert.match(await session.request('tools/call', { name: 'tool', arguments: {} }), /the server was called/);
  server.isQuick = false;
  const calls = Array.from({ length: 8 }, (_, n) => session.request('tools/call', { name: 'tool', arguments: { n } }));
  await server.until(() => server.posts === 2);
  for (const body of await Promise.all(calls)) assert.match(body, /did not answer/);
  server.takeAll();
  server.isQuick = true;
  // What came before it is there by now.
  assert.match(await session.request('tools/call', { name: 'tool', arguments: {} }), /the server was called/);
  assert.equal(server.calls, 1 + 2 + 1);
  session.events[Symbol.dispose]();
});

test('over HTTP+SSE, a call whose POST has too long an answer may have been made, and its client is told so', async () => {
  const server = streamingOf('large');
  const session = await startSession(strict.endpoint('large'), strict.key('bob'));
  server.instead = 'x'.repeat(200_000);
  const answer = await session.request('tools/call', { name: 'tool', arguments: {} });
  assert.match(answer, /it was made/);
  assert.doesNotMatch(answer, /"retryable":true/);
  assert.equal(server.calls, 1);
  session.events[Symbol.dispose]();
});
