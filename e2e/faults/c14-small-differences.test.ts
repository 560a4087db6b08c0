/** C14 and B10: small things in which a call through the gateway differed from a direct one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { legacyHeaders, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { type Gateway, gatewayFile, openSettings, startFixture, startGateway } from '../harness.ts';
import { patienceMs, runToEnd } from '../process.ts';
import { openAskingClient } from './asking-client.ts';
import { programWith } from './program-with.ts';

const broken = programWith('broken', `console.log('{"jsonrpc":"2.0","id":' + id + ',"result":{"content":[NaN]}}');`);
const last = programWith(
  'last',
  `const result = { content: [{ type: 'text', text: 'last words' }] };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }), () => process.exit(0));`,
);

/** The servers of the gateway that the tests share. */
const servers = {
  other: new OtherServer({ eras: 'legacy' }),
  probed: new OtherServer({ eras: 'legacy' }),
  unsubscribable: new OtherServer({ eras: 'legacy', capabilities: { resources: {} } }),
};
const { other } = servers;
let fixture: Awaited<ReturnType<typeof startFixture>>;
let gateway: Gateway;

before(async () => {
  fixture = await startFixture('modern');
  const urls = Object.entries(servers).map(async ([name, server]) => [name, { url: (await server.listen()).url }]);
  const settings = openSettings('client', {
    ...(Object.fromEntries(await Promise.all(urls)) as Record<string, object>),
    modern: { url: fixture.url },
    broken: { command: [process.execPath, '-e', broken] },
    last: { command: [process.execPath, '-e', last] },
  });
  const small = { from: { agent: 'client' }, to: 'small', tools: [{ allow: 'echo', when: 'args.a <= 10' }] };
  gateway = await startGateway({
    ...settings,
    listen: { mcp: { port: 0, allowedOrigins: ['https://app.example'] }, admin: { port: 0 } },
    servers: { ...(settings['servers'] as object), small: { url: other.url } },
    connections: [...(settings['connections'] as object[]), { name: 'small', ...small }],
  });
});
after(async () => {
  await gateway.stop();
  await fixture.stop();
  for (const server of Object.values(servers)) await server[Symbol.asyncDispose]();
});

/** A legacy session at a server of the shared gateway. */
async function startSession(server: string) {
  const url = gateway.endpoint(server);
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const begun = await sendRaw({
    url,
    headers: legacyHeaders,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  const session = begun.headers.get('mcp-session-id');
  assert.ok(session !== undefined, begun.body);
  return (body: string) => sendRaw({ url, headers: [...legacyHeaders, ['Mcp-Session-Id', session]], body });
}

test('C14: unknown notifications are taken, an argument object may be null, 1.0 stays 1.0', async () => {
  const send = await startSession('other');
  assert.equal((await send('{"jsonrpc":"2.0","method":"notifications/of-tomorrow"}')).status, 202);
  const nothing = await send(
    '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":null}}',
  );
  assert.match(nothing.body, /"text":"\{\}"/);
  const bodies: string[] = [];
  other.onBody = (body) => bodies.push(body);
  await send(
    '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1.0,-2.50,10,1e2]}}}',
  );
  assert.ok(
    bodies.some((body) => body.includes('[1.0,-2.50,10,100]')),
    bodies.join(),
  );
});

test('C14: a condition compares 10.0 as the number that it is', async () => {
  const send = await startSession('small');
  const call = async (a: string) =>
    (await send(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"a":${a}}}}`)).body;
  assert.match(await call('10.0'), /"text":"\{\\"a\\":10\}"/);
  assert.doesNotMatch(await call('10.50'), /"text":"\{\\"a\\"/);
});

test('C14: what is wrong with one message of a batch spoils its own answer only', async () => {
  const url = gateway.endpoint('other');
  const answer = await sendRaw({
    url,
    headers: legacyHeaders,
    body: JSON.stringify([
      { jsonrpc: '2.0', id: 1, method: 'of/tomorrow' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { a: 1 } } },
      { jsonrpc: '2.0', id: 3 },
    ]),
  });
  const answers = JSON.parse(answer.body) as { id?: number; error?: { code: number }; result?: object }[];
  assert.deepEqual(
    answers.map(({ id, error, result }) => [id, error?.code, result !== undefined]),
    [
      [1, -32601, false],
      [2, undefined, true],
      [3, -32600, false],
    ],
  );
});

test('C14: a page may send the headers that mirror arguments, and a compressed body is 415', async () => {
  const preflight = await fetch(gateway.endpoint('other'), {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,mcp-param-region,x-other',
    },
  });
  const allowed = preflight.headers.get('access-control-allow-headers') ?? '';
  assert.match(allowed, /mcp-param-region/);
  assert.doesNotMatch(allowed, /x-other/);
  const compressed = await fetch(gateway.endpoint('other'), {
    method: 'POST',
    headers: {
      ...Object.fromEntries(modernHeaders('tools/list', '')),
      'content-encoding': 'gzip',
    },
    body: gzipSync('{}'),
  });
  assert.equal(compressed.status, 415);
  assert.match(await compressed.text(), /without Content-Encoding/);
});

test('C14: subscribing at a server without subscriptions is an error', async () => {
  const send = await startSession('unsubscribable');
  const { body } = await send('{"jsonrpc":"2.0","id":2,"method":"resources/subscribe","params":{"uri":"file:///x"}}');
  assert.match(body, /-32601/);
});

test('C14: a legacy client gets no serverInfo in _meta, a modern one does', async () => {
  const call = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"test_simple_text"}}';
  const send = await startSession('modern');
  assert.doesNotMatch((await send(call)).body, /serverInfo/);
  await using modern = await openAskingClient(gateway.endpoint('modern'), 'modern');
  const result = await modern.client.callTool({ name: 'test_simple_text', arguments: {} });
  assert.ok(result._meta !== undefined && 'io.modelcontextprotocol/serverInfo' in result._meta);
});

test('C14: what a probe opens at a server it closes', async () => {
  const probed = await runToEnd({
    command: [process.execPath, gatewayFile, 'server', 'probe', 'probed', '--config', gateway.config],
    within: patienceMs,
  });
  assert.equal(probed.code, 0, probed.stdout);
  const { core, requests } = servers.probed;
  assert.equal(core.countOf('initialize'), 1);
  assert.ok(requests.includes('DELETE /mcp'), requests.join());
});

test('C14: a line of a server that is no message is logged, and its call told at once', async () => {
  await using client = await openAskingClient(gateway.endpoint('broken'), 'legacy');
  const began = performance.now();
  // Its process has done what it was called for.
  assert.match(await client.call('broken'), /may have been made/);
  assert.ok(performance.now() - began < 10_000);
  await gateway.until(() => /server wrote a line that is no message/.test(gateway.errors()));
});

test('C14: the answer that a process writes last, without a newline, is heard', async () => {
  await using client = await openAskingClient(gateway.endpoint('last'), 'legacy');
  assert.equal(await client.call('last'), 'last words');
});

test('B10: a resource at the portal is read at the server that has it, before any list was asked for', async () => {
  await using without = await new OtherServer({ eras: 'legacy' }).listen();
  await using fixture = await startFixture('legacy');
  await using gateway = await startGateway(
    openSettings('client', { first: { url: without.url }, second: { url: fixture.url } }),
  );
  await using client = await openAskingClient(`${gateway.mcp}/mcp`, 'modern');
  const { contents } = await client.client.readResource({ uri: 'test://static-text' });
  assert.equal(contents.length, 1);
  assert.equal(without.core.countOf('resources/read'), 0);
});
