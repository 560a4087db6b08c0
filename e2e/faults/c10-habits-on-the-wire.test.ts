/** C4, C10, C11, C14: habits of other SDKs' servers on the wire. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type HttpBehaviour, OtherServer } from '../fixtures/other/http.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { otherProgram } from './other-program.ts';

const followed = [307, 308] as const;
const named = [
  [307, 'http://127.0.0.1:9/mcp'],
  [308, 'https://example.com/mcp'],
  [301, '/mcp/'],
] as const;
const discovers = ['silence', 'close', 500, 202] as const;

/** One server for each habit, all behind one gateway. */
const habits: Readonly<Record<string, HttpBehaviour>> = {
  'odd-legacy': { eras: 'legacy', answers: 'events', oddEvents: true },
  'odd-modern': { eras: 'modern', answers: 'events', oddEvents: true },
  ...Object.fromEntries(
    followed.map((status) => [`followed-${status}`, { eras: 'legacy', redirect: { status, to: '/mcp/' } }]),
  ),
  ...Object.fromEntries(named.map(([status, to]) => [`named-${status}`, { eras: 'legacy', redirect: { status, to } }])),
  circle: { eras: 'legacy', redirect: { status: 307, to: '/mcp' } },
  http: { eras: 'legacy' },
  'text-http': { eras: 'legacy', textIds: true },
  ...Object.fromEntries(discovers.map((discover) => [`discover-${discover}`, { eras: 'legacy', discover }])),
};

const servers = new Map<string, OtherServer>();
const resources = new AsyncDisposableStack();
let gateway: Gateway;

function serverOf(name: string): OtherServer {
  const server = servers.get(name);
  assert.ok(server !== undefined, name);
  return server;
}

before(async () => {
  for (const [name, behaviour] of Object.entries(habits))
    servers.set(name, resources.use(await new OtherServer(behaviour).listen()));
  const [program, text] = [
    resources.use(await otherProgram({ eras: 'legacy' })),
    resources.use(await otherProgram({ eras: 'modern', textIds: true })),
  ];
  const entries = [...servers].map(([name, { url }]) => {
    // A server that says nothing is given up soon.
    const timeouts = name === 'discover-silence' ? { timeouts: { connect: '1s' } } : {};
    return [name, { url, ...timeouts }] as const;
  });
  gateway = resources.use(
    await startGateway(
      openSettings('client', {
        ...Object.fromEntries(entries),
        program: { command: program.command },
        'text-program': { command: text.command },
      }),
    ),
  );
});
after(() => resources.disposeAsync());

for (const eras of ['legacy', 'modern'] as const)
  test(`C10: events of other types are no messages (${eras})`, async () => {
    await using client = await openAskingClient(gateway.endpoint(`odd-${eras}`), eras);
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  });

for (const status of followed)
  test(`C11: ${status} within the origin is followed, for calls, streams and the end of a session`, async () => {
    const server = serverOf(`followed-${status}`);
    {
      await using client = await openAskingClient(gateway.endpoint(`followed-${status}`), 'legacy');
      assert.match(await client.call('echo', { a: 1 }), /"a":1/);
    }
    await server.until(() => server.requests.includes('GET /mcp/'));
    // Where it leads is remembered.
    assert.ok(server.requests.filter((request) => request === 'POST /mcp').length <= 2, server.requests.join());
  });

for (const [status, to] of named)
  test(`C11: ${status} to ${to} is not followed, and named in the log`, async () => {
    const name = `named-${status}`;
    await assert.rejects(openAskingClient(gateway.endpoint(name), 'legacy'));
    await gateway.until(() => gateway.errors().includes(`HTTP status ${status}, which leads to ${to}`));
    assert.ok(!serverOf(name).requests.includes('POST /mcp/'));
  });

test('C11: a circle of redirects ends', async () => {
  await assert.rejects(openAskingClient(gateway.endpoint('circle'), 'legacy'));
  const { requests } = serverOf('circle');
  assert.ok(requests.length < 40, `${requests.length}`);
});

test('C4: a legacy server is told the least severe level that is wanted', async () => {
  for (const name of ['http', 'program']) {
    await using silent = await openAskingClient(gateway.endpoint(name), 'legacy');
    assert.match(await silent.call('log'), /the level is unset/);
    await silent.client.setLoggingLevel('warning');
    assert.match(await silent.call('log'), /the level is "warning"/);
    await using modern = await openAskingClient(gateway.endpoint(name), 'modern');
    const { content } = await modern.client.callTool({
      name: 'log',
      arguments: {},
      _meta: { 'io.modelcontextprotocol/logLevel': 'debug' },
    });
    assert.match(JSON.stringify(content), /the level is \\"debug\\"/);
  }
});

for (const discover of discovers)
  test(`C14: a legacy server whose answer to server/discover is ${discover}`, async () => {
    await using client = await openAskingClient(gateway.endpoint(`discover-${discover}`), 'modern');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  });

test('C14: answers whose ids are text reach their calls', async () => {
  for (const name of ['text-http', 'text-program']) {
    await using client = await openAskingClient(gateway.endpoint(name), 'modern');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  }
});
