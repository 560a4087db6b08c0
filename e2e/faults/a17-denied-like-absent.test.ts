/** A17: what is denied looks like what does not exist: in words, in completions, and in time. */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import { legacyHeaders, meta, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { listen, startSession } from './events.ts';
import { PushingServer } from './pushing.ts';

let witness: Witness;
let gateway: Gateway;

before(async () => {
  witness = await startWitness([{ name: 'plain' }, { name: 'secret_tool' }]);
  gateway = await startGateway({
    authentication: { anonymous: { agent: 'client' } },
    // The same is asked many times here, and each time it must be looked at.
    bounds: { refusals: 1_000_000 },
    loops: 'off',
    callers: { agents: { client: {} } },
    servers: { witness: { url: witness.url } },
    connections: [
      {
        name: 'most',
        from: { agent: 'client' },
        to: 'witness',
        tools: [{ allow: '*' }, { deny: 'secret_*' }],
        resources: [{ allow: 'doc://projects/{id}' }, { deny: 'doc://projects/secret' }],
      },
    ],
  });
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

/** Everything that a client could compare, without what it sent itself. */
const shape = (body: string, sent: string): string => body.replaceAll(sent, 'SENT');

test('A17: a denied resource and an absent one have the same words, in both eras', async () => {
  for (const code of [-32_002, -32_602]) {
    witness.answer('resources/read', (response, { message }) =>
      sendJson(response, {
        jsonrpc: '2.0',
        id: message.id,
        error: { code, message: 'I know no such thing at /srv/x' },
      }),
    );
    const read = async (uri: string): Promise<string> => {
      const answer = await sendRaw({
        url: gateway.endpoint('witness'),
        headers: modernHeaders('resources/read', uri),
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri, _meta: meta } }),
      });
      return `${answer.status} ${shape(answer.body, uri)}`;
    };
    const denied = await read('doc://projects/secret');
    assert.match(denied, /Resource not found/);
    assert.equal(await read('doc://projects/absent'), denied);
    const session = await startSession(gateway.endpoint('witness'), undefined);
    using _events = session.events;
    const texts = [];
    for (const uri of ['doc://projects/secret', 'doc://projects/absent'])
      texts.push(shape((await session.request('resources/read', { uri })).replace(/"id":\d+/, ''), uri));
    assert.equal(texts[0], texts[1]);
    assert.match(texts[0] ?? '', /-32002/);
  }
});

test('A17: completions name no resource that the caller may not read', async () => {
  witness.answer('completion/complete', (response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      result: { resultType: 'complete', completion: { values: ['secret', 'open'], total: 2, hasMore: false } },
    }),
  );
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('completion/complete'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'completion/complete',
      params: {
        ref: { type: 'ref/resource', uri: 'doc://projects/{id}' },
        argument: { name: 'id', value: '' },
        _meta: meta,
      },
    }),
  });
  assert.deepEqual(answer.json?.result?.completion, { values: ['open'], hasMore: false }, answer.body);
});

const rounds = 2_000;
/** A busy machine makes fewer rounds: its calls differ more from each other, so that more of them would tell no more. */
const minRounds = 200;
const enoughMs = 15_000;

/** Milliseconds of each call, over one connection, in an order that a seed mixes. */
async function timesOf(url: string, names: readonly [string, string], headers: readonly (readonly [string, string])[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (name: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const asked = request(
        url,
        { method: 'POST', agent, headers: { ...Object.fromEntries(headers), 'mcp-name': name } },
        (response) => {
          response.resume();
          response.on('end', () => resolve(performance.now() - began));
        },
      );
      asked.on('error', reject);
      asked.end(modernCall(name));
    });
  const times: [number[], number[]] = [[], []];
  let state = Date.now() % 2_147_483_647;
  const seed = state;
  const began = performance.now();
  const isLate = (): boolean => performance.now() - began > enoughMs;
  for (let warm = 0; warm < 200 && !isLate(); warm++) for (const name of names) await call(name);
  for (let round = 0; round < rounds && (round < minRounds || !isLate()); round++) {
    state = (state * 48_271) % 2_147_483_647;
    for (const which of state % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      times[which].push(await call(names[which]));
    }
  }
  agent.destroy();
  return { seed, times };
}

const quantile = (values: readonly number[], at: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * at)] ?? 0;

for (const [where, path, names] of [
  ['a single endpoint', '/servers/witness/mcp', ['secret_tool', 'absent_tool']],
  ['the portal', '/mcp', ['witness__secret_tool', 'witness__absent_tool']],
] as const)
  test(`A17: at ${where} a denied tool takes as long as an absent one`, async () => {
    const url = `${gateway.mcp}${path}`;
    const { seed, times } = await timesOf(url, names, modernHeaders('tools/call'));
    const [denied, absent] = times;
    const spread = quantile(absent, 0.75) - quantile(absent, 0.25);
    for (const at of [0.25, 0.5, 0.75]) {
      const difference = Math.abs(quantile(denied, at) - quantile(absent, at));
      // A whole round to the server took 25 ms here; what is left must drown in the noise of the machine.
      assert.ok(difference < Math.max(0.15, spread / 2), `seed ${seed}: quantile ${at} differs by ${difference} ms`);
    }
  });

test('A17: a change of hidden tools alone is no change for the caller', async () => {
  await using server = await new PushingServer().listen();
  await using own = await startGateway({
    authentication: { anonymous: { agent: 'client' } },
    callers: { agents: { client: {} } },
    servers: { pushing: { url: server.url } },
    connections: [{ name: 'plain', from: { agent: 'client' }, to: 'pushing', tools: [{ allow: 'plain*' }] }],
  });
  const url = own.endpoint('pushing');
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  await sendRaw({ url, headers: modernHeaders('tools/list'), body: list });
  using events = await listen(url, undefined, { toolsListChanged: true });
  await server.until(() => server.streams >= 1);
  const lists = server.calls('tools/list').length;
  server.tools = ['hold', 'plain', 'hidden'];
  server.push('notifications/tools/list_changed');
  await server.until(() => server.calls('tools/list').length > lists);
  server.tools = ['hold', 'plain', 'hidden', 'plain-2'];
  server.push('notifications/tools/list_changed');
  await events.until((text) => text.includes('list_changed'));
  // The second change was seen; the first one, of which nothing was said, came before it.
  assert.equal(events.text().split('list_changed').length - 1, 1, events.text());
});

test('A17: who asks again and again is told the same of both, and slowed down after as many', async () => {
  await using strict = await startGateway({
    authentication: { anonymous: { agent: 'client' } },
    callers: { agents: { client: {} } },
    servers: { witness: { url: witness.url } },
    bounds: { refusals: 9 },
    connections: [
      {
        name: 'most',
        from: { agent: 'client' },
        to: 'witness',
        resources: [{ allow: 'doc://projects/{id}' }, { deny: 'doc://projects/secret' }],
      },
    ],
  });
  witness.answer('resources/read', (response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, error: { code: -32_602, message: 'not found' } }),
  );
  const all: string[] = [];
  for (const uri of ['doc://projects/secret', 'doc://projects/absent'])
    for (let at = 0; at < 5; at++) {
      const { status, body } = await sendRaw({
        url: strict.endpoint('witness'),
        headers: modernHeaders('resources/read', uri),
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri, _meta: meta } }),
      });
      all.push(`${status} ${shape(body, uri).replace(/reference\W+[\w-]+/g, '')}`);
    }
  assert.deepEqual(all.slice(5, 9), all.slice(0, 4));
  assert.match(all[2] ?? '', /this call was refused 3 times/);
  assert.match(all[9] ?? '', /this call was refused 5 times/);
  const { status, body } = await sendRaw({
    url: strict.endpoint('witness'),
    headers: modernHeaders('resources/read', 'doc://projects/other'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'resources/read',
      params: { uri: 'doc://projects/other', _meta: meta },
    }),
  });
  assert.equal(status, 429, body);
});

test('A17: a legacy client cannot tell either', async () => {
  const url = gateway.endpoint('witness');
  const answers = [];
  for (const name of ['secret_tool', 'absent_tool']) {
    const { status, body } = await sendRaw({
      url,
      headers: legacyHeaders,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
    });
    answers.push(`${status} ${shape(body, name)}`);
  }
  assert.equal(answers[0], answers[1]);
});
