/** C1: a server that speaks both eras has a connection for each, so that it can ask a legacy client as if direct. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Behaviour } from '../fixtures/other/core.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { otherProgram } from './other-program.ts';

const all = ['elicitation/create', 'sampling/createMessage', 'roots/list'];

test('C1: a legacy client is asked by a server of both eras, a modern client of the same server is served', async () => {
  await using server = await new OtherServer({ eras: 'dual', answers: 'events' }).listen();
  await using other = await otherProgram({ eras: 'dual' });
  await using gateway = await startGateway(
    openSettings('client', { http: { url: server.url }, stdio: { command: other.command } }),
  );
  for (const name of ['http', 'stdio']) {
    // In both orders: neither client decides for the other.
    await using modern = await openAskingClient(gateway.endpoint(name), 'modern');
    assert.match(await modern.call('ask_form'), /unavailable on 2026-07-28 connections/);
    await using legacy = await openAskingClient(gateway.endpoint(name), 'legacy');
    assert.match(await legacy.call('ask_form'), /Ada/);
    assert.match(await legacy.call('ask_model'), /sampled/);
    assert.match(await legacy.call('ask_roots'), /file:\/\/\/here/);
    assert.deepEqual(legacy.asked, all);
    assert.match(await modern.call('echo', { a: 1 }), /"a":1/);
  }
  // Each era was found out once.
  assert.equal(server.core.countOf('server/discover'), 1);
  assert.equal((await other.starts()).length, 2);
});

for (const eras of ['legacy', 'modern'] as const)
  for (const first of ['legacy', 'modern'] as const)
    test(`C1: a shared ${eras} program is started no more often than needed for clients of both eras, the ${first} one first`, async () => {
      await using other = await otherProgram({ eras });
      await using gateway = await startGateway(
        openSettings('client', { other: { command: other.command, sharing: 'shared' } }),
      );
      const second = first === 'legacy' ? 'modern' : 'legacy';
      await using one = await openAskingClient(gateway.endpoint('other'), first);
      await using two = await openAskingClient(gateway.endpoint('other'), second);
      for (const each of [one, two, one, two]) assert.match(await each.call('echo', { a: 1 }), /"a":1/);
      // Only a second process can tell that a modern server has no legacy era.
      const needed = eras === 'modern' ? 2 : 1;
      assert.equal((await other.starts()).length, needed);
    });

test('C1: clients of both eras that come at once wait for one start of a program that has one era', async () => {
  await using other = await otherProgram({ eras: 'legacy' });
  await using gateway = await startGateway(
    openSettings('client', { other: { command: other.command, sharing: 'shared' } }),
  );
  const clients = await Promise.all(
    (['legacy', 'modern', 'legacy', 'modern'] as const).map((era) => openAskingClient(gateway.endpoint('other'), era)),
  );
  await using stack = new AsyncDisposableStack();
  for (const each of clients) stack.use(each);
  for (const each of clients) assert.match(await each.call('echo', { a: 1 }), /"a":1/);
  assert.equal((await other.starts()).length, 1);
});

test('C1: a server that is replaced by one of the other era is found out again', async () => {
  await using server = await new OtherServer({ eras: 'legacy' }).listen();
  await using gateway = await startGateway(openSettings('client', { http: { url: server.url } }));
  await using client = await openAskingClient(gateway.endpoint('http'), 'legacy');
  assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  (server.core as { behaviour: Behaviour }).behaviour = { eras: 'modern' };
  server.forgetSessions();
  // The call that meets the new server may fail, and what it leaves is that the era is asked for again.
  await client.call('echo', { a: 2 }).catch(() => undefined);
  assert.match(await client.call('echo', { a: 3 }), /"a":3/);
});

test('C1: a server that asks while the gateway reads its list is refused, and the list arrives', async () => {
  const behaviour: Behaviour = { eras: 'legacy', asksBeforeList: true };
  await using server = await new OtherServer({ ...behaviour, answers: 'events' }).listen();
  await using other = await otherProgram(behaviour);
  await using gateway = await startGateway(
    openSettings('client', { http: { url: server.url }, stdio: { command: other.command } }),
  );
  for (const name of ['http', 'stdio']) {
    await using client = await openAskingClient(gateway.endpoint(name), 'legacy');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
    assert.deepEqual(client.asked, []);
  }
});
