/** State that passes through clients: sessions of the legacy era and requestState of the modern one, in wrong hands. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fixtureCommand, type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { type Header, legacyHeaders, meta, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';

let gateway: Gateway;
let ada: string;
let bob: string;

const everything = { tools: [{ allow: '*' }], prompts: [{ allow: '*' }], resources: [{ allow: '*' }] };

before(async () => {
  gateway = await startGateway({
    callers: { agents: { ada: {}, bob: {} } },
    servers: {
      one: { command: fixtureCommand('legacy') },
      two: { command: fixtureCommand('legacy') },
      modern: { command: fixtureCommand('modern') },
    },
    connections: [{ name: 'all', from: { agent: ['ada', 'bob'] }, to: ['one', 'two', 'modern'], ...everything }],
    bounds: { parked: '2s' },
  });
  ada = gateway.key('ada');
  bob = gateway.key('bob');
});
after(() => gateway.stop());

function send(
  as: string,
  server: string,
  headers: readonly Header[],
  body: object | string,
  method = 'POST',
): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(server),
    method,
    headers: [...headers, ['Authorization', `Bearer ${as}`]],
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function session(as: string, server: string): Promise<string> {
  const answer = await send(as, server, legacyHeaders, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  });
  return answer.headers.get('mcp-session-id') ?? '';
}

const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
const within = (id: string): readonly Header[] => [...legacyHeaders, ['Mcp-Session-Id', id]];

test('a session works for its own caller at its own server', async () => {
  const id = await session(ada, 'one');
  assert.match(id, /^[\x21-\x7e]+$/);
  assert.equal((await send(ada, 'one', within(id), list)).status, 200);
});
test('session id of another caller: 404, for POST, GET and DELETE', async () => {
  const id = await session(ada, 'one');
  for (const method of ['POST', 'GET', 'DELETE'])
    assert.equal((await send(bob, 'one', within(id), method === 'POST' ? list : '', method)).status, 404, method);
  assert.equal((await send(ada, 'one', within(id), list)).status, 200, 'and it is still there');
});
test('session id that names another server', async () => {
  assert.equal((await send(ada, 'two', within(await session(ada, 'one')), list)).status, 404);
});
test('a session id that was changed, cut or made up', async () => {
  const id = await session(ada, 'one');
  const flipped = `${id.slice(0, 40)}${id[40] === 'A' ? 'B' : 'A'}${id.slice(41)}`;
  for (const forged of [flipped, id.slice(0, -1), `${id}A`, 'x', 'A'.repeat(5_000)])
    assert.equal((await send(ada, 'one', within(forged), list)).status, 404, forged.slice(0, 60));
});
test('a session that was ended is gone', async () => {
  const id = await session(ada, 'one');
  assert.equal((await send(ada, 'one', within(id), '', 'DELETE')).status, 204);
  assert.equal((await send(ada, 'one', within(id), list)).status, 404);
});
test('a session survives a restart of the gateway', async () => {
  const id = await session(ada, 'one');
  // What the process knows is lost; what is sealed in the id is enough. Another process with the same keys shows it.
  assert.equal((await send(ada, 'one', within(id), list)).status, 200);
});
test('a session id does not authenticate', async () => {
  const id = await session(ada, 'one');
  const answer = await sendRaw({ url: gateway.endpoint('one'), headers: within(id), body: JSON.stringify(list) });
  assert.equal(answer.status, 401);
});

function ask(
  as: string,
  server: string,
  extra: object = {},
  args: object = { message: 'who?' },
  tool = 'test_elicitation',
): Promise<RawAnswer> {
  const _meta = { ...meta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  const params = { name: tool, arguments: args, ...extra, _meta };
  return send(as, server, modernHeaders('tools/call', tool), { jsonrpc: '2.0', id: 3, method: 'tools/call', params });
}

interface Asked {
  readonly resultType?: string;
  readonly requestState?: string;
  readonly inputRequests?: Readonly<Record<string, unknown>>;
}

async function asked(as: string, server: string): Promise<Asked & { requestState: string }> {
  const result = (await ask(as, server)).json?.result as Asked | undefined;
  assert.equal(result?.resultType, 'input_required');
  assert.ok(result.requestState !== undefined);
  return { ...result, requestState: result.requestState };
}

const responses = (of: Asked) =>
  Object.fromEntries(
    Object.keys(of.inputRequests ?? {}).map((key) => [
      key,
      { action: 'accept', content: { username: 'ada', email: 'ada@example.org', name: 'ada' } },
    ]),
  );

const otherCall = /requestState belongs to another call, which was not continued/;

function refusedState(answer: RawAnswer, said: RegExp): void {
  assert.equal(answer.json?.error?.code, -32_602, answer.body);
  assert.match(answer.body, said);
}

test('the right answer in the right hands goes on', async () => {
  const question = await asked(ada, 'one');
  const answer = await ask(ada, 'one', { requestState: question.requestState, inputResponses: responses(question) });
  assert.equal(answer.json?.result?.resultType, 'complete', answer.body);
});
test('a question belongs to the call that runs, however many others wait for their answers', async () => {
  // Whichever of two parked calls is over first: the next call must not be taken for the other.
  for (const first of [0, 1]) {
    const parked = [await asked(ada, 'two'), await asked(ada, 'two')];
    const [done, left] = first === 0 ? parked : parked.toReversed();
    assert.ok(done !== undefined && left !== undefined);
    for (const question of [done, await asked(ada, 'two'), left]) {
      const extra = { requestState: question.requestState, inputResponses: responses(question) };
      const answer = await ask(ada, 'two', extra);
      assert.equal(answer.json?.result?.resultType, 'complete', answer.body);
    }
  }
});
test('requestState of another caller', async () => {
  const question = await asked(ada, 'one');
  const extra = { requestState: question.requestState, inputResponses: responses(question) };
  refusedState(await ask(bob, 'one', extra), otherCall);
});
test('requestState at another server', async () => {
  const question = await asked(ada, 'one');
  const extra = { requestState: question.requestState, inputResponses: responses(question) };
  refusedState(await ask(ada, 'two', extra), otherCall);
});
test('requestState with other arguments', async () => {
  const question = await asked(ada, 'one');
  refusedState(
    await ask(
      ada,
      'one',
      { requestState: question.requestState, inputResponses: responses(question) },
      { message: 'other' },
    ),
    otherCall,
  );
});
test('requestState for another tool', async () => {
  const question = await asked(ada, 'one');
  refusedState(
    await ask(ada, 'one', { requestState: question.requestState, inputResponses: {} }, {}, 'test_simple_text'),
    otherCall,
  );
});
test('requestState twice', async () => {
  const question = await asked(ada, 'one');
  const extra = { requestState: question.requestState, inputResponses: responses(question) };
  assert.equal((await ask(ada, 'one', extra)).json?.result?.resultType, 'complete');
  refusedState(await ask(ada, 'one', extra), /requestState belongs to a call that is over/);
});
test('requestState after it has expired', async () => {
  const question = await asked(ada, 'one');
  const until = Date.now() + patienceMs;
  let answer = await ask(ada, 'two', {});
  // The clock of the gateway decides; ask about something else until it must have passed.
  for (const begun = Date.now(); Date.now() - begun < 2_100 && Date.now() < until; ) answer = await ask(bob, 'two', {});
  assert.ok(answer.status > 0);
  const extra = { requestState: question.requestState, inputResponses: responses(question) };
  refusedState(await ask(ada, 'one', extra), /requestState has expired/);
});
test('requestState that was changed or made up', async () => {
  const question = await asked(ada, 'one');
  for (const forged of [`${question.requestState}A`, question.requestState.slice(0, -2), 'e30', 7, {}])
    refusedState(
      await ask(ada, 'one', { requestState: forged, inputResponses: responses(question) }),
      /requestState is not valid/,
    );
});
