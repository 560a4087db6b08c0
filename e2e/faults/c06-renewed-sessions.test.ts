/** C6: a bound on sessions that are begun in vain keeps no call from a session that is lost, whatever went before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HttpBehaviour, OtherServer } from '../fixtures/other/http.ts';
import { sharedGateway } from '../shared-gateway.ts';
import { until } from '../until.ts';
import { openAskingClient } from './asking-client.ts';

const shared = sharedGateway(8);

async function start(behaviour: Omit<HttpBehaviour, 'eras'>) {
  const resources = new AsyncDisposableStack();
  const server = resources.use(new OtherServer({ eras: 'legacy', ...behaviour }));
  const client = resources.use(await openAskingClient(await shared.place(server), 'legacy'));
  return { server, client, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

test('C6: a server that is down for a while, and has forgotten the session then, is called in a new one', async () => {
  const refused: Record<string, { status: number }> = { echo: { status: 503 }, ping: { status: 503 } };
  await using world = await start({ refused });
  const { server, client } = world;
  for (let a = 0; a < 8; a++) assert.match(await client.call('echo', { a }), /broke off before it answered/);
  for (const name of Object.keys(refused)) delete refused[name];
  server.forgetSessions();
  assert.match(await client.call('echo', { a: 9 }), /"a":9/);
});

test('C6: where sessions are forgotten often, and told with 500, each costs one call', async () => {
  await using world = await start({ unknownSession: { status: 500 } });
  for (let a = 0; a < 10; a++) {
    world.server.forgetSessions();
    await world.client.call('echo', { a });
    assert.match(await world.client.call('echo', { a }), /"a":/, `after ${a + 1}`);
  }
});

test('C6: where 404 says nothing of the session, few are begun for many calls at once', async () => {
  await using world = await start({ refused: { fail: { status: 404 } } });
  const { server, client } = world;
  for (let round = 0; round < 8; round++)
    await Promise.all(Array.from({ length: 8 }, (_, a) => client.call('fail', { a })));
  assert.ok(server.core.countOf('initialize') <= 6, `${server.core.countOf('initialize')} sessions`);
});

test('C6: a server that was replaced by one that refuses pings begins few sessions as well', async () => {
  const refused: Record<string, { status: number }> = { fail: { status: 400 } };
  await using world = await start({ refused });
  const { server, client } = world;
  assert.match(await client.call('fail'), /cannot be reached/);
  refused['ping'] = { status: 400 };
  for (let a = 0; a < 12; a++) assert.match(await client.call('fail', { a }), /cannot be reached/);
  assert.ok(server.core.countOf('initialize') <= 6, `${server.core.countOf('initialize')} sessions`);
});

test('C6: a server that answers no ping but with an error is called in a new session as often as it forgets one', async () => {
  const unknown = { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' } };
  const refused: Record<string, { status: number; body?: object }> = { ping: { status: 200, body: unknown } };
  await using world = await start({ refused: refused as never });
  const { server, client } = world;
  refused['fail'] = { status: 404 };
  for (let a = 0; a < 8; a++) assert.match(await client.call('fail', { a }), /cannot be reached/);
  server.forgetSessions();
  assert.match(await client.call('echo', { a: 1 }), /"a":1/);
});

test('C6: a level that is refused with 404 ends no session', async () => {
  await using world = await start({ refused: { 'logging/setLevel': { status: 404 } } });
  const { server, client } = world;
  await client.client.setLoggingLevel('debug');
  for (let a = 0; a < 6; a++) assert.match(await client.call('echo', { a }), /"a":/);
  assert.equal(server.core.countOf('initialize'), 1);
});

test('C6: a subscription that is refused with 404 ends no session', async () => {
  const capabilities = { tools: {}, resources: { subscribe: true } };
  await using world = await start({ capabilities, refused: { 'resources/subscribe': { status: 404 } } });
  const { server, client } = world;
  await client.client.subscribeResource({ uri: 'file:///a' });
  for (let a = 0; a < 6; a++) assert.match(await client.call('echo', { a }), /"a":/);
  assert.equal(server.core.countOf('resources/subscribe'), 1);
  assert.equal(server.core.countOf('initialize'), 1);
});

test('C6: a server is called again soon after each of several outages', async () => {
  await using world = await start({});
  const { server, client } = world;
  await client.call('echo', { a: 0 });
  for (let round = 1; round <= 4; round++) {
    server.outage = 503;
    assert.match(await client.call('echo', { a: round }), /broke off before it answered/);
    assert.match(await client.call('echo', { a: round }), /cannot be reached/);
    server.outage = undefined;
    const since = performance.now();
    await until(async () => /"a":/.test(await client.call('echo', { a: round })), 'an answer');
    const waited = performance.now() - since;
    assert.ok(waited < 1_500, `${waited} ms after outage ${round}`);
  }
});
