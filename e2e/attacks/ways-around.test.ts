/** A client tries to get a secret to a server past the guardrail that blocks it, in each part of each request. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { meta, modernHeaders, sendRaw } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

// Put together here, so that no scanner of repositories takes it for a real one.
const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');

let witness: Witness;
let gateway: Gateway;

before(async () => {
  const open = { type: 'object', additionalProperties: true };
  witness = await startWitness([{ name: 'open', inputSchema: open }]);
  const agent = 'client';
  gateway = await startGateway({
    authentication: { anonymous: { agent } },
    callers: { agents: { [agent]: {} } },
    servers: { witness: { url: witness.url } },
    guardrails: { secretive: { secrets: 'block' } },
    connections: [
      {
        name: 'guarded',
        from: { agent },
        to: 'witness',
        guardrails: { request: 'secretive' },
        tools: [{ allow: '*' }],
        prompts: [{ allow: '*' }],
        resources: [{ allow: ['file:///open/**', 'doc://**'] }],
      },
    ],
  });
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

type Params = Readonly<Record<string, unknown>>;

const called = (params: Params): Params => ({ name: 'open', arguments: {}, ...params });
const said = (_meta: Params): Params => called({ _meta });
const prompt = { type: 'ref/prompt', name: 'open' };
const template = { type: 'ref/resource', uri: 'file:///open/{x}' };
const argument = { name: 'a', value: 'x' };

const attempts: readonly (readonly [string, string, Params])[] = [
  ['an argument', 'tools/call', called({ arguments: { a: secret } })],
  ['the name of an argument', 'tools/call', called({ arguments: { [secret]: 1 } })],
  ['a member beside the arguments', 'tools/call', called({ other: secret })],
  ['an answer to nothing', 'tools/call', called({ inputResponses: { a: { [secret]: secret } } })],
  ['the name of an answer', 'tools/call', called({ inputResponses: { [secret]: { action: 'accept' } } })],
  ['baggage', 'tools/call', said({ baggage: `k=${secret}` })],
  ['the state of a trace', 'tools/call', said({ tracestate: `k=${secret}` })],
  ['the parent of a trace', 'tools/call', said({ traceparent: secret })],
  ['metadata', 'tools/call', said({ 'com.example/x': secret })],
  ['the name of metadata', 'tools/call', said({ [`com.example/${secret}`]: 1 })],
  ['a progress token', 'tools/call', said({ progressToken: secret })],
  ['who the client is', 'tools/call', said({ 'io.modelcontextprotocol/clientInfo': { name: secret, version: '1' } })],
  ['a capability', 'tools/call', said({ 'io.modelcontextprotocol/clientCapabilities': { [secret]: {} } })],
  ['a level', 'tools/call', said({ 'io.modelcontextprotocol/logLevel': secret })],
  ['a reserved name', 'tools/call', said({ 'io.modelcontextprotocol/x': secret })],
  ['an argument of a prompt', 'prompts/get', called({ arguments: { a: secret } })],
  ['a member of a prompt', 'prompts/get', called({ other: secret })],
  ['a URI', 'resources/read', { uri: `doc://projects/${secret}` }],
  ['a fragment', 'resources/read', { uri: `doc://projects/a#${secret}` }],
  ['a watched URI', 'subscriptions/listen', { notifications: { resourceSubscriptions: [`doc://projects/${secret}`] } }],
  [
    'a watched URI among others',
    'subscriptions/listen',
    {
      notifications: { resourceSubscriptions: ['doc://projects/1', `doc://projects/2?${secret}`] },
    },
  ],
  [
    'a member of a subscription',
    'subscriptions/listen',
    { notifications: { toolsListChanged: true, [secret]: secret } },
  ],
  ['what is completed', 'completion/complete', { ref: prompt, argument: { name: 'a', value: secret } }],
  ['the name of what is completed', 'completion/complete', { ref: prompt, argument: { name: secret, value: 'x' } }],
  ['a member of what is completed', 'completion/complete', { ref: prompt, argument: { ...argument, other: secret } }],
  [
    'the context of a completion',
    'completion/complete',
    { ref: prompt, argument, context: { arguments: { b: secret } } },
  ],
  ['a member of the context', 'completion/complete', { ref: prompt, argument, context: { other: secret } }],
  ['the title of a reference', 'completion/complete', { ref: { ...prompt, title: secret }, argument }],
  ['a member of a reference', 'completion/complete', { ref: { ...prompt, uri: secret }, argument }],
  [
    'a member of a template',
    'completion/complete',
    { ref: { ...template, name: secret }, argument: { ...argument, name: 'x' } },
  ],
  [
    'a template that there is not',
    'completion/complete',
    { ref: { ...template, uri: `file:///open/${secret}/{x}` }, argument: { ...argument, name: 'x' } },
  ],
  ['a prompt that there is not', 'completion/complete', { ref: { ...prompt, name: secret }, argument }],
];

/** The first bytes that come back: a stream stays open. */
async function begun(url: URL, headers: readonly (readonly [string, string])[], body: string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  const head = [`POST ${url.pathname} HTTP/1.1`, `Host: ${url.host}`, `Content-Length: ${body.length}`];
  socket.write([...head, ...headers.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n'));
  let seen = '';
  for await (const bytes of socket) {
    seen += String(bytes);
    if (/acknowledged|"error"/.test(seen)) break;
  }
  return seen;
}

test('no part of a request carries to a server what a guardrail blocks', async (t) => {
  for (const [name, method, params] of attempts)
    await t.test(name, async () => {
      witness.forget();
      const { _meta, ...rest } = params;
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: secret,
        method,
        params: { ...rest, _meta: { ...meta, ...(_meta as Params | undefined) } },
      });
      const named = params['name'] ?? params['uri'];
      const headers = [
        ...modernHeaders(method, typeof named === 'string' ? named : undefined),
        ['User-Agent', secret],
        ['Baggage', `k=${secret}`],
      ] as const;
      const url = gateway.endpoint('witness');
      if (method === 'subscriptions/listen') {
        assert.match(await begun(new URL(url), headers, body), /subscriptions\/acknowledged/);
        // What the stream asks of the server is before this on its connection.
        await sendRaw({
          url,
          headers: modernHeaders('tools/call', 'open'),
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: called({ _meta: meta }) }),
        });
      } else await sendRaw({ url, headers, body });
      for (const seen of witness.calls()) assert.ok(!JSON.stringify(seen).includes(secret), seen.body);
    });
  witness.forget();
});
