/** Attacks on the rules for resources, against a server that reads URIs as the SDK does: with `new URL`. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Gateway, startFixture, startGateway } from '../harness.ts';
import type { Running } from '../process.ts';
import { meta, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

let fixture: Running & { readonly url: string };
let witness: Witness;
let gateway: Gateway;

before(async () => {
  fixture = await startFixture('modern');
  witness = await startWitness([]);
  const agent = 'client';
  gateway = await startGateway({
    authentication: { anonymous: { agent } },
    callers: { agents: { [agent]: {} } },
    servers: {
      closed: { url: fixture.url },
      conditional: { url: fixture.url },
      witness: { url: witness.url },
    },
    connections: [
      {
        name: 'everything but the text',
        from: { agent },
        to: 'closed',
        resources: [{ allow: '*' }, { deny: 'test://static-text' }],
      },
      {
        name: 'what the condition says',
        from: { agent },
        to: 'conditional',
        resources: [{ allow: 'test://{name}', when: 'uri.name == "static-text"' }],
      },
      {
        name: 'everything but some files',
        from: { agent },
        to: 'witness',
        resources: [{ allow: '*' }, { deny: ['file:///secret/**', 'https://127.0.0.1/**', 'note://day/12:30'] }],
      },
    ],
  });
});
after(async () => {
  await gateway.stop();
  await fixture.stop();
  await witness[Symbol.asyncDispose]();
});

beforeEach(() => witness.forget());

function send(server: string, method: string, params: object, name?: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: modernHeaders(method, name),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }),
  });
}

function read(server: string, uri: string): Promise<RawAnswer> {
  const encoded = `=?base64?${Buffer.from(uri).toString('base64')}?=`;
  return send(server, 'resources/read', { uri }, encoded);
}

test('a denied resource is not read under any of its spellings', async () => {
  assert.match((await read('closed', 'test://watched-resource')).body, /can be watched/, 'what is allowed is read');
  for (const uri of [
    'test://static-text',
    'test://static-text:',
    'test://static-text:#',
    'TEST://static-text',
    'test://static-text?',
    'test://static-text ',
    'test://static-text\u0000',
    ' test://static-text',
    'te\tst://static-text',
    'test://static-text/..',
    'test://@static-text',
    'test:/../static-text',
  ]) {
    const answer = await read('closed', uri);
    assert.equal(answer.json?.error?.code, -32_602, `${uri}: ${answer.body}`);
    assert.doesNotMatch(answer.body, /content of the static text/);
  }
});

test('what leads around a denied path, host or segment does not reach the server', async () => {
  await read('witness', 'file:///open/a');
  assert.equal(witness.calls().length, 1, 'what is allowed is read');
  witness.forget();
  for (const uri of [
    'file://anything/secret/a',
    'file:////secret//a',
    'file:///open/%25%32%65%25%32%65/secret/a',
    'file:///open/..%3b/secret/a',
    'https://0x7f.1/a',
    'https://127.0.0.1.:0443/a',
    'https://\uff11\uff12\uff17.0.0.1/a',
    'https:///127.0.0.1/a',
    'https:127.0.0.1/a',
    'note://day/12%3A30',
    'note://day:/12:30',
  ]) {
    assert.equal((await read('witness', uri)).json?.error?.code, -32_602, uri);
    assert.deepEqual(witness.calls(), [], uri);
  }
});

test('no completion for a template of which every URI is denied or refused', async () => {
  const complete = (uri: string) =>
    send('witness', 'completion/complete', { ref: { type: 'ref/resource', uri }, argument: { name: 'x', value: '' } });
  await complete('file:///open/{x}');
  assert.equal(witness.calls().length, 1, 'what is allowed is completed');
  witness.forget();
  for (const uri of ['file:///secret/{x}', 'file:////secret/{x}', 'file:///./secret/{x}', 'file://{host}/secret/{x}']) {
    assert.equal((await complete(uri)).json?.error?.code, -32_602, uri);
    assert.deepEqual(witness.calls(), [], uri);
  }
});

test('a resource that may not be read may not be watched either', async () => {
  assert.equal((await read('conditional', 'test://watched-resource')).json?.error?.code, -32_602);
  const stop = new AbortController();
  const uris = ['test://static-text', 'test://watched-resource'];
  const stream = await fetch(gateway.endpoint('conditional'), {
    method: 'POST',
    headers: Object.fromEntries(modernHeaders('subscriptions/listen')),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions: uris }, _meta: meta },
    }),
    signal: stop.signal,
  });
  const first = await stream.body?.pipeThrough(new TextDecoderStream()).getReader().read();
  assert.match(first?.value ?? '', /acknowledged/);
  assert.match(first?.value ?? '', /static-text/);
  assert.doesNotMatch(first?.value ?? '', /watched-resource/);
  stop.abort();
});
