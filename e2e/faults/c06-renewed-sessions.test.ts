/** C6: a bound on sessions that are begun in vain keeps no call from a session that is lost, whatever went before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HttpBehaviour, OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

async function start(behaviour: Omit<HttpBehaviour, 'eras'>) {
  const resources = new AsyncDisposableStack();
  const server = resources.use(await new OtherServer({ eras: 'legacy', ...behaviour }).listen());
  const gateway = resources.use(await startGateway(openSettings('client', { other: { url: server.url } })));
  const client = resources.use(await openAskingClient(gateway.endpoint('other'), 'legacy'));
  return { server, client, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

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
