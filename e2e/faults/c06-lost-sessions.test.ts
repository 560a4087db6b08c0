/** C6: a server that has forgotten a session says so in many ways; a new one is begun, and the call made once more. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { HttpBehaviour } from '../fixtures/other/http.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

const refusals: Readonly<Record<string, NonNullable<HttpBehaviour['unknownSession']>>> = {
  '404': { status: 404 },
  '400 with an error': {
    status: 400,
    body: { jsonrpc: '2.0', error: { code: -32000, message: 'Bad Request: No valid session ID provided' } },
  },
  '400 without a body': { status: 400 },
  '401 without a challenge': { status: 401 },
  '404 that is cut off': { status: 404, isCutOff: true },
  '400 that is cut off': { status: 400, isCutOff: true },
  '200 with -32001': { status: 200, body: { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' } } },
  '200 with -32000': { status: 200, body: { jsonrpc: '2.0', error: { code: -32000, message: 'Invalid session' } } },
  '500 with an error': {
    status: 500,
    body: { jsonrpc: '2.0', error: { code: -32000, message: 'session abc does not exist' } },
  },
  '500 without a word': { status: 500 },
};

const servers = new Map<string, OtherServer>();
const resources = new AsyncDisposableStack();
let gateway: Gateway;
const idOf = (name: string): string => name.replaceAll(' ', '-');

before(async () => {
  for (const [name, unknownSession] of Object.entries(refusals))
    servers.set(name, resources.use(await new OtherServer({ eras: 'legacy', unknownSession }).listen()));
  const entries = [...servers].map(([name, { url }]) => [idOf(name), { url }] as const);
  gateway = resources.use(await startGateway(openSettings('client', Object.fromEntries(entries))));
});
after(() => resources.disposeAsync());

for (const name of Object.keys(refusals))
  test(`C6: a restarted server that answers the old session with ${name}`, async () => {
    for (const era of ['legacy', 'modern'] as const) {
      await using client = await openAskingClient(gateway.endpoint(idOf(name)), era);
      assert.match(await client.call('echo', { a: 1 }), /"a":1/);
      servers.get(name)?.forgetSessions();
      const second = await client.call('echo', { a: 2 });
      // After a bare 500 the call may have been run: it is not made again, but the session begins anew.
      if (name !== '500 without a word') assert.match(second, /"a":2/);
      assert.match(await client.call('echo', { a: 3 }), /"a":3/);
    }
  });

for (const name of Object.keys(refusals).filter((each) => each !== '500 without a word'))
  test(`C6: of the calls that a restarted server refuses with ${name} at the same time, each is made once more`, async () => {
    const server = servers.get(name);
    assert.ok(server);
    await using client = await openAskingClient(gateway.endpoint(idOf(name)), 'legacy');
    const all = (): Promise<string[]> => Promise.all(Array.from({ length: 16 }, (_, a) => client.call('echo', { a })));
    await all();
    const before = server.core.countOf('tools/call');
    for (let round = 1; round <= 5; round++) {
      server.forgetSessions();
      for (const [a, text] of (await all()).entries()) assert.match(text, new RegExp(`"a":${a}`), `round ${round}`);
      assert.equal(server.core.countOf('tools/call'), before + 16 * round);
    }
  });

for (const name of Object.keys(refusals))
  test(`C6: a call under way comes to its end, while others are refused with ${name}`, async () => {
    const server = servers.get(name);
    assert.ok(server);
    await using client = await openAskingClient(gateway.endpoint(idOf(name)), 'legacy');
    const before = server.core.countOf('tools/call');
    const waits = client.call('wait');
    await server.until(() => server.core.countOf('tools/call') > before);
    server.forgetSessions();
    await client.call('echo', { a: 1 }).catch(() => {});
    assert.match(await client.call('echo', { a: 2 }), /"a":2/);
    server.core.release();
    assert.equal(await waits, 'waited');
  });

test('C6: an error of a tool that speaks of something else is not repeated', async () => {
  const server = servers.get('404');
  const before = server?.core.countOf('tools/call') ?? 0;
  await using client = await openAskingClient(gateway.endpoint('404'), 'legacy');
  await assert.rejects(client.call('fail', { a: 'the training session was moved' }), /the training session was moved/);
  assert.equal(server?.core.countOf('tools/call'), before + 1);
});
