/** A server leads a caller to resources that its rules hide: by links, and by embedding them in what it says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { waitsDuring } from '../faults/stall.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { meta, modernHeaders, sendRaw } from './raw.ts';
import { type Answering, startWitness, type Witness } from './witness.ts';

let witness: Witness;
let gateway: Gateway;

before(async () => {
  witness = await startWitness([{ name: 'show' }]);
  const agent = 'client';
  const tools = [{ allow: 'show' }];
  const requests = { sampling: 'allow' };
  gateway = await startGateway({
    authentication: { anonymous: { agent } },
    callers: { agents: { [agent]: {} } },
    servers: Object.fromEntries(
      ['ruled', 'unruled', 'open', 'conditional'].map((name) => [name, { url: witness.url }]),
    ),
    connections: [
      {
        name: 'some files',
        from: { agent },
        to: 'ruled',
        tools,
        prompts: [{ allow: 'open' }],
        requests,
        resources: [{ allow: ['file:///open/**', 'https://**'] }, { deny: 'file:///open/not/**' }],
      },
      { name: 'tools alone', from: { agent }, to: 'unruled', tools },
      { name: 'everything', from: { agent }, to: 'open', tools, resources: [{ allow: '*' }] },
      {
        name: 'what a condition says',
        from: { agent },
        to: 'conditional',
        tools,
        resources: [
          { allow: 'file:///{area}/**', when: 'uri.area == "open"' },
          { allow: 'note://**', when: 'caller.trust == "trusted"' },
        ],
      },
    ],
  });
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

const answering =
  (result: object): Answering =>
  (response, { message }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', ...result } }));
  };

interface Request {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

async function asked(server: string, { method, params }: Request): Promise<Record<string, unknown>> {
  const _meta = { ...meta, 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } };
  const { json } = await sendRaw({
    url: gateway.endpoint(server),
    headers: modernHeaders(method, String(params['name'] ?? params['uri'])),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  });
  assert.ok(json?.result !== undefined, JSON.stringify(json));
  return json.result;
}

function shown(server: string, result: object): Promise<Record<string, unknown>> {
  witness.answer('show', answering(result));
  return asked(server, { method: 'tools/call', params: { name: 'show', arguments: {} } });
}

const link = (uri: unknown): object => ({ type: 'resource_link', uri, name: 'n' });
const embedded = (uri: unknown): object => ({
  type: 'resource',
  resource: { uri, mimeType: 'text/plain', text: 'inside' },
});
const leftOut = { type: 'text', text: '[left out by the gateway: a resource that this caller cannot read]' };

test('links to hidden resources and embedded ones are left out of results, in every spelling', async () => {
  const text = { type: 'text', text: 'see file:///secret/a' };
  const seen = [
    text,
    link('file:///open/a'),
    embedded('file:///open/b'),
    link('https://example.org/'),
    embedded('https://a.example/b'),
  ];
  const hidden = [
    'file:///secret/a',
    'file:///open/not/a',
    'file:///open/../secret/a',
    'file:///open/%2e%2e/secret/a',
    'FILE:///secret/a',
    'file://host/open/a',
    'file:/secret/a',
    '/secret/a',
    '../secret/a',
    '',
    ' file:///open/a',
    'file:///open/\u0000a',
    `file:///open/${'a'.repeat(9_000)}`,
    undefined,
    7,
    { href: 'file:///secret/a' },
  ].flatMap((uri) => [link(uri), embedded(uri)]);
  const broken = [
    { type: 'resource' },
    { type: 'resource', resource: 'file:///secret/a' },
    { type: 'resource', resource: [{}] },
  ];
  const { content } = await shown('ruled', { content: [...seen, ...hidden, ...broken] });
  assert.deepEqual(content, [...seen, ...[...hidden, ...broken].map(() => leftOut)]);
});

test('prompts, input requests and the contents of a resource lead to nothing hidden either', async () => {
  const [open, secret] = [embedded('file:///open/a'), embedded('file:///secret/a')];
  witness.answer('open', answering({ messages: [open, secret].map((content) => ({ role: 'user', content })) }));
  const prompt = await asked('ruled', { method: 'prompts/get', params: { name: 'open' } });
  assert.deepEqual(
    prompt['messages'],
    [open, leftOut].map((content) => ({ role: 'user', content })),
  );

  const question = { role: 'user', content: { type: 'tool_result', toolUseId: 'x', content: [secret] } };
  const messages = [{ role: 'user', content: open }, { role: 'user', content: secret }, question];
  const inputRequests = { a: { method: 'sampling/createMessage', params: { messages, maxTokens: 9 } } };
  const waiting = await shown('ruled', { resultType: 'input_required', inputRequests, requestState: 's' });
  const { params } = (waiting['inputRequests'] as { readonly a: { readonly params: { readonly messages: unknown } } })
    .a;
  assert.deepEqual(params.messages, [messages[0], ...[1, 2].map(() => ({ role: 'user', content: leftOut }))]);

  const entry = (uri: string): object => ({ uri, mimeType: 'text/plain', text: 'inside' });
  const contents = ['file:///open/dir', 'file:///open/a', 'file:///secret/a'].map(entry);
  witness.answer('resources/read', answering({ contents }));
  const read = await asked('ruled', { method: 'resources/read', params: { uri: 'file:///open/dir' } });
  assert.deepEqual(read['contents'], [...contents.slice(0, 2), { ...contents[2], text: leftOut.text }]);
});

test('a condition on the URI leaves a link where it could hold, and one on the caller where it does hold', async () => {
  const blocks = [link('file:///open/a'), link('file:///secret/a'), link('note://a')];
  const { content } = await shown('conditional', { content: blocks });
  // Whether it is "open" is known when it is read: until then it is as visible as in a list.
  assert.deepEqual(content, [blocks[0], blocks[1], leftOut]);
});

test('where no rule speaks of resources, or one allows all, what a tool links and embeds crosses', async () => {
  const content = [link('file:///secret/a'), embedded('file:///secret/a'), link('')];
  for (const server of ['unruled', 'open']) assert.deepEqual((await shown(server, { content })).content, content);
});

test('a result of nothing but links costs no more than the first thousand of them', async () => {
  const links = Array.from({ length: 20_000 }, (_, index) => link(`file:///open/${index}/${'a/'.repeat(20)}a`));
  const { content } = await shown('ruled', { content: links });
  const crossed = (content as readonly { readonly type: string }[]).filter(({ type }) => type === 'resource_link');
  assert.equal(crossed.length, 1_000);
});

test('a result of nothing but the longest links holds up no other call', async () => {
  const links = Array.from({ length: 1_000 }, (_, index) => link(`file:///open/${'%41/'.repeat(1_900)}${index}`));
  const began = performance.now();
  const { result, worstMs } = await waitsDuring(gateway.admin, () => shown('ruled', { content: links }));
  const tookMs = performance.now() - began;
  assert.deepEqual(result['content'], links);
  assert.ok(worstMs < tookMs / 2, `of ${tookMs} ms others waited ${worstMs} ms at once`);
});
