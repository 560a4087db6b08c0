/** Attacks from the client's side: each test is named after the line of the threat list that it stands for. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { type Header, legacyHeaders, meta, modern, modernCall, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

let witness: Witness;
let gateway: Gateway;
let key: string;
let otherKey: string;

before(async () => {
  witness = await startWitness([
    { name: 'open' },
    { name: 'hidden' },
    { name: 'deny-throws', inputSchema: { type: 'object', properties: { n: { type: 'number' } } } },
    {
      name: 'mirrored',
      inputSchema: {
        type: 'object',
        properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, count: { type: 'integer' } },
      },
    },
    {
      name: 'numbers',
      inputSchema: { type: 'object', properties: { n: { type: 'number' }, limit: { type: 'number' } } },
    },
    {
      name: 'broken-header',
      inputSchema: { type: 'object', properties: { a: { type: 'object', 'x-mcp-header': 'A' } } },
    },
  ]);
  gateway = await startGateway({
    callers: { agents: { attacker: {}, other: {} } },
    servers: { witness: { url: witness.url }, second: { url: witness.url } },
    connections: [
      {
        name: 'attacker',
        from: { agent: 'attacker' },
        to: 'witness',
        tools: [
          { allow: ['open', 'mirrored', 'broken-header', 'deny-throws'] },
          { deny: 'deny-throws', when: 'args.missing.deeper == 1' },
          { allow: 'numbers', when: 'args.limit <= 100 && args.n != 9007199254740993' },
        ],
        prompts: [{ allow: 'open' }],
        resources: [{ allow: 'doc://projects/1' }],
      },
      { name: 'other', from: { agent: 'other' }, to: ['witness', 'second'], tools: [{ allow: 'hidden' }] },
    ],
  });
  key = gateway.key('attacker');
  otherKey = gateway.key('other');
});

after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

beforeEach(() => witness.forget());

function send(
  headers: readonly Header[],
  body: string | Buffer,
  options: { as?: string | null; server?: string; method?: string } = {},
): Promise<RawAnswer> {
  const as = options.as === undefined ? key : options.as;
  const credentials: Header[] = as === null ? [] : [['Authorization', `Bearer ${as}`]];
  return sendRaw({
    url: gateway.endpoint(options.server ?? 'witness'),
    headers: [...headers, ...credentials],
    body,
    ...(options.method === undefined ? {} : { method: options.method }),
  });
}

function refused(answer: RawAnswer, status: number, code: number): void {
  assert.equal(answer.status, status, answer.body);
  assert.equal(answer.json?.error?.code, code, answer.body);
  assert.deepEqual(witness.calls(), [], 'nothing reaches the server');
}

const open = modernCall('open');

test('the proper call goes through, so that the attacks below fail for their own reason', async () => {
  const answer = await send(modernHeaders('tools/call', 'open'), open);
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.body, /the witness was called/);
  assert.equal(witness.calls().length, 1);
});

test('header differs from the body: Mcp-Name names an allowed tool, the body another', async () => {
  refused(await send(modernHeaders('tools/call', 'open'), modernCall('hidden')), 400, -32_020);
});
test('header differs from the body: Mcp-Method', async () => {
  refused(await send(modernHeaders('tools/list', 'open'), open), 400, -32_020);
});
test('header differs from the body: MCP-Protocol-Version', async () => {
  const headers = modernHeaders('tools/call', 'open').map(
    ([name, value]): Header => [name, value === modern ? '2025-11-25' : value],
  );
  refused(await send(headers, open), 400, -32_020);
});
for (const missing of ['MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name'])
  test(`header is missing: ${missing}`, async () => {
    const headers = modernHeaders('tools/call', 'open').filter(([name]) => name !== missing);
    refused(await send(headers, open), 400, -32_020);
  });
test('duplicate headers: Mcp-Name twice, in different case', async () => {
  refused(await send([...modernHeaders('tools/call', 'open'), ['mcp-NAME', 'open']], open), 400, -32_020);
});
test('duplicate headers: Authorization twice', async () => {
  const answer = await send([...modernHeaders('tools/call', 'open'), ['Authorization', 'Bearer nothing']], open);
  refused(answer, 401, 401);
});
test('blanks around a header value are no difference', async () => {
  assert.equal((await send(modernHeaders('tools/call', '  open  '), open)).status, 200);
});
test('header injection: a base64 value with CRLF does not become headers', async () => {
  const evil = `open\r\nX-Evil: 1`;
  const encoded = `=?base64?${Buffer.from(evil).toString('base64')}?=`;
  const answer = await send(modernHeaders('tools/call', encoded), modernCall(evil));
  assert.equal(answer.json?.error?.code, -32_602, answer.body);
  assert.deepEqual(witness.calls(), []);
});
test('malformed base64 in a header', async () => {
  refused(await send(modernHeaders('tools/call', '=?base64?b3Blbg?='), open), 400, -32_020);
});
test('Mcp-Param on a legacy request', async () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'mirrored', arguments: { region: 'eu' } },
  });
  refused(await send([...legacyHeaders, ['Mcp-Param-Region', 'us']], body), 400, -32_020);
});
test('Mcp-Param against the argument', async () => {
  const headers: Header[] = [...modernHeaders('tools/call', 'mirrored'), ['Mcp-Param-Region', 'us']];
  refused(await send(headers, modernCall('mirrored', { region: 'eu' })), 400, -32_020);
});
test('Mcp-Param without the argument, and the argument without Mcp-Param', async () => {
  refused(
    await send([...modernHeaders('tools/call', 'mirrored'), ['Mcp-Param-Region', 'us']], modernCall('mirrored')),
    400,
    -32_020,
  );
  refused(await send(modernHeaders('tools/call', 'mirrored'), modernCall('mirrored', { region: 'eu' })), 400, -32_020);
});
test('what is forwarded is mirrored anew: a header that the schema does not know stays here', async () => {
  const headers: Header[] = [
    ...modernHeaders('tools/call', 'mirrored'),
    ['Mcp-Param-Region', 'eu'],
    ['Mcp-Param-Other', 'x'],
  ];
  const answer = await send(headers, modernCall('mirrored', { region: 'eu' }));
  assert.equal(answer.status, 200, answer.body);
  const [call] = witness.calls();
  assert.equal(call?.headers['mcp-param-region'], 'eu');
  assert.equal(call?.headers['mcp-param-other'], undefined);
});
test('legacy downgrade: a modern header without _meta', async () => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open', arguments: {} } });
  refused(await send(modernHeaders('tools/call', 'open'), body), 400, -32_602);
});
test('legacy downgrade: without header and _meta the same rules hold', async () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'hidden', arguments: {} },
  });
  refused(await send(legacyHeaders, body), 200, -32_602);
});
test('initialize that carries modern _meta', async () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' }, _meta: meta },
  });
  refused(await send(modernHeaders('initialize'), body), 404, -32_601);
});
test('_meta lacks clientCapabilities', async () => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': modern } },
  });
  refused(await send(modernHeaders('tools/list'), body), 400, -32_602);
});
test('batch: a modern call in an array', async () => {
  refused(await send(modernHeaders('tools/call', 'open'), `[${open}]`), 400, -32_600);
});
test('batch: in a version without batches', async () => {
  const body = '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]';
  refused(await send([...legacyHeaders, ['MCP-Protocol-Version', '2025-11-25']], body), 400, -32_600);
});
test('batch: each message in 2025-03-26 is decided by itself', async () => {
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: {} },
  });
  const answer = await send(
    [...legacyHeaders, ['MCP-Protocol-Version', '2025-03-26']],
    JSON.stringify([call(1, 'open'), call(2, 'hidden')]),
  );
  const [first, second] = JSON.parse(answer.body) as { result?: object; error?: { code: number } }[];
  assert.ok(first?.result !== undefined);
  assert.equal(second?.error?.code, -32_602);
  assert.deepEqual(
    witness.calls().map(({ message }) => message.params.name),
    ['open'],
  );
});

const bodies: readonly (readonly [string, string | Buffer, number])[] = [
  ['duplicate JSON keys', open.replace('"name":"open"', '"name":"hidden","name":"open"'), -32_700],
  [
    'duplicate JSON keys, one of them escaped',
    open.replace('"name":"open"', '"name":"hidden","n\\u0061me":"open"'),
    -32_700,
  ],
  ['lone surrogate', open.replace('"arguments":{}', '"arguments":{"a":"\\ud800"}'), -32_700],
  ['overlong UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xae]), Buffer.from('"}')]), -32_700],
  ['byte order mark', `\ufeff${open}`, -32_700],
  [
    'the key __proto__ in arguments',
    open.replace('"arguments":{}', '"arguments":{"__proto__":{"admin":true}}'),
    -32_700,
  ],
  ['deep nesting', open.replace('"arguments":{}', `"arguments":{"a":${'['.repeat(70)}${']'.repeat(70)}}`), -32_700],
  ['truncated body', open.slice(0, -5), -32_700],
  ['null id', open.replace('"id":7', '"id":null'), -32_600],
  ['fractional id', open.replace('"id":7', '"id":7.5'), -32_600],
  ['an id that is too long', open.replace('"id":7', `"id":"${'x'.repeat(300)}"`), -32_600],
  ['a request and a response at once', open.replace('"id":7', '"id":7,"result":{}'), -32_600],
  ['another version of JSON-RPC', open.replace('"2.0"', '"1.0"'), -32_600],
];
for (const [name, body, code] of bodies)
  test(`body: ${name}`, async () => refused(await send(modernHeaders('tools/call', 'open'), body), 400, code));

test('case-folded keys are other keys', async () => {
  const answer = await send(
    modernHeaders('tools/call', 'open'),
    open.replace('"name":"open"', '"name":"open","Name":"hidden"'),
  );
  assert.equal(answer.status, 200, answer.body);
  assert.equal(witness.calls()[0]?.headers['mcp-name'], 'open');
});
test('numbers beyond double precision reach the server as they were', async () => {
  const args = '{"n":12345678901234567890,"limit":1e2}';
  const body = modernCall('numbers').replace('"arguments":{}', `"arguments":${args}`);
  const answer = await send(modernHeaders('tools/call', 'numbers'), body);
  assert.equal(answer.status, 200, answer.body);
  assert.match(witness.calls()[0]?.body ?? '', /"n":12345678901234567890/);
});
test('a condition sees the exact number, not its neighbour', async () => {
  const body = modernCall('numbers').replace('"arguments":{}', '"arguments":{"n":9007199254740993,"limit":1}');
  const answer = await send(modernHeaders('tools/call', 'numbers'), body);
  assert.equal(answer.json?.result?.isError, true, answer.body);
  assert.deepEqual(witness.calls(), []);
});
test('a limit just above, hidden behind precision, does not pass', async () => {
  const body = modernCall('numbers').replace('"arguments":{}', '"arguments":{"n":1,"limit":100.00000000000000001}');
  const answer = await send(modernHeaders('tools/call', 'numbers'), body);
  assert.equal(answer.json?.result?.isError, true, answer.body);
  assert.deepEqual(witness.calls(), []);
});

for (const type of ['text/plain', 'application/jsonp', 'application/json; charset=utf-16', ''])
  test(`content type: ${type === '' ? 'none' : type}`, async () => {
    const headers = modernHeaders('tools/call', 'open').filter(([name]) => name !== 'Content-Type');
    refused(await send(type === '' ? headers : [['Content-Type', type], ...headers], open), 415, -32_600);
  });
test('content type: Application/JSON; Charset=UTF-8 is JSON', async () => {
  const headers = modernHeaders('tools/call', 'open').filter(([name]) => name !== 'Content-Type');
  assert.equal((await send([['Content-Type', 'Application/JSON; Charset=UTF-8'], ...headers], open)).status, 200);
});
test('smuggling: Content-Length and chunked at once', async () => {
  const answer = await send(
    [...modernHeaders('tools/call', 'open'), ['Content-Length', '4'], ['Transfer-Encoding', 'chunked']],
    `0\r\n\r\n`,
  );
  assert.equal(answer.status, 400);
  assert.deepEqual(witness.calls(), []);
});

test('no credentials: 401 with a challenge, whatever the body', async () => {
  for (const body of [open, '{', '[]']) {
    const answer = await send(modernHeaders('tools/call', 'open'), body, { as: null });
    assert.equal(answer.status, 401, answer.body);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
  assert.deepEqual(witness.calls(), []);
});
test('credentials in the URL', async () => {
  const answer = await sendRaw({
    url: `${gateway.endpoint('witness')}?access_token=${key}`,
    headers: modernHeaders('tools/call', 'open'),
    body: open,
  });
  refused(answer, 400, -32_600);
});
test('GET and DELETE ask for credentials as well', async () => {
  for (const method of ['GET', 'DELETE'])
    assert.equal((await send(legacyHeaders, '', { as: null, method })).status, 401);
});

test('a hidden tool answers like one that does not exist, character by character', async () => {
  const hidden = await send(modernHeaders('tools/call', 'hidden'), modernCall('hidden'));
  const absent = await send(modernHeaders('tools/call', 'absent'), modernCall('absent'));
  assert.equal(hidden.body.replaceAll('hidden', 'absent'), absent.body);
  assert.equal(hidden.status, absent.status);
  assert.deepEqual(witness.calls(), []);
});
test('a hidden tool answers like one that does not exist at the portal as well', async () => {
  const portal = (name: string) =>
    sendRaw({
      url: `${gateway.mcp}/mcp`,
      headers: [...modernHeaders('tools/call', name), ['Authorization', `Bearer ${key}`]],
      body: modernCall(name),
    });
  assert.match((await portal('witness__open')).body, /the witness was called/);
  const hidden = await portal('witness__hidden');
  const absent = await portal('witness__absent');
  const elsewhere = await portal('second__hidden');
  assert.equal(hidden.body.replaceAll('hidden', 'absent'), absent.body);
  assert.equal(elsewhere.body.replaceAll('second__hidden', 'witness__absent'), absent.body);
  assert.equal(witness.calls().length, 1);
});
test('a server without a connection answers like one that does not exist', async () => {
  const hidden = await send(modernHeaders('tools/call', 'open'), open, { server: 'second' });
  const absent = await send(modernHeaders('tools/call', 'open'), open, { server: 'nowhere' });
  assert.equal(hidden.body, absent.body);
  assert.equal(hidden.status, 404);
});
test('a hidden prompt and resource: by get, read, completion and subscription', async () => {
  const request = (method: string, params: object) =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } });
  const prompt = await send(modernHeaders('prompts/get', 'secret'), request('prompts/get', { name: 'secret' }));
  refused(prompt, 200, -32_602);
  const uri = 'doc://projects/2';
  refused(await send(modernHeaders('resources/read', uri), request('resources/read', { uri })), 200, -32_602);
  const completion = { ref: { type: 'ref/prompt', name: 'secret' }, argument: { name: 'a', value: '' } };
  refused(await send(modernHeaders('completion/complete'), request('completion/complete', completion)), 200, -32_602);
  for (const disguised of [
    'doc://projects/1/../2',
    'doc://projects/%32',
    'DOC://projects/2',
    'doc://projects/1%2f..%2f2',
  ])
    refused(
      await send(modernHeaders('resources/read', disguised), request('resources/read', { uri: disguised })),
      200,
      -32_602,
    );
});
test('a deny rule that throws denies', async () => {
  const answer = await send(modernHeaders('tools/call', 'deny-throws'), modernCall('deny-throws', { n: 1 }));
  assert.equal(answer.json?.result?.isError, true, answer.body);
  assert.deepEqual(witness.calls(), []);
});
test('a tool with an invalid x-mcp-header does not exist', async () => {
  refused(await send(modernHeaders('tools/call', 'broken-header'), modernCall('broken-header')), 200, -32_602);
});
test('extra, missing and mistyped arguments are refused with path and problem', async () => {
  const extra = await send(modernHeaders('tools/call', 'open'), modernCall('open', { surprise: 1 }));
  assert.match(extra.body, /surprise/);
  assert.equal(extra.json?.result?.isError, true);
  const mistyped = await send(modernHeaders('tools/call', 'mirrored'), modernCall('mirrored', { count: 'many' }));
  assert.match(mistyped.body, /count.*integer/);
  assert.deepEqual(witness.calls(), []);
});
test('lists of one caller are not served to another', async () => {
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  const mine = await send(modernHeaders('tools/list'), list);
  const theirs = await send(modernHeaders('tools/list'), list, { as: otherKey });
  assert.match(mine.body, /"open"/);
  assert.doesNotMatch(mine.body, /"hidden"/);
  assert.match(theirs.body, /"hidden"/);
  assert.doesNotMatch(theirs.body, /"open"/);
  assert.equal(mine.json?.result?.cacheScope, 'private');
});
test('unknown methods and extensions: 404 and -32601', async () => {
  for (const method of ['tasks/list', 'sampling/createMessage', 'logging/setLevel', 'ping', 'resources/subscribe'])
    refused(
      await send(modernHeaders(method), JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta } })),
      404,
      -32_601,
    );
});
test('an unknown version: -32022 with what is supported', async () => {
  const version = '2099-01-01';
  const headers = modernHeaders('tools/list').map(
    ([name, value]): Header => [name, value === modern ? version : value],
  );
  const answer = await send(
    headers,
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
      params: { _meta: { ...meta, 'io.modelcontextprotocol/protocolVersion': version } },
    }),
  );
  refused(answer, 400, -32_022);
  assert.deepEqual(answer.json?.error?.data, { supported: [modern], requested: version });
});
test('a foreign Host or Origin', async () => {
  refused(await send([['Host', 'evil.example'], ...modernHeaders('tools/call', 'open')], open), 403, -32_600);
  refused(await send([['Origin', 'https://evil.example'], ...modernHeaders('tools/call', 'open')], open), 403, -32_600);
});
test('members of a request that the gateway does not know are not forwarded: a task, for example', async () => {
  await send(modernHeaders('tools/call', 'open'), modernCall('open', {}, { task: { ttl: 1 }, surprise: true }));
  assert.deepEqual(Object.keys(witness.calls()[0]?.message.params ?? {}).toSorted(), ['_meta', 'arguments', 'name']);
});
test('an inbound credential is never forwarded', async () => {
  await send([...modernHeaders('tools/call', 'open'), ['Cookie', 'a=b'], ['X-Api-Key', 'c']], open);
  const [call] = witness.calls();
  assert.equal(call?.headers.authorization, undefined);
  assert.equal(call?.headers.cookie, undefined);
  assert.equal(call?.headers['x-api-key'], undefined);
});
test('metric labels come from tables, not from clients', async () => {
  const method = 'made/up-by-a-client';
  await send(modernHeaders(method), JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta } }));
  await send(
    modernHeaders('tools/list'),
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    { server: 'made-up-server' },
  );
  const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
  assert.match(metrics, /sallyport_exchanges_total/);
  assert.doesNotMatch(metrics, /made.up/);
});
