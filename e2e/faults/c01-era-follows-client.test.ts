/** C1: a server that speaks both eras has a connection for each, so that it can ask a legacy client as if direct. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Behaviour } from '../fixtures/other/core.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { type OtherProgram, otherProgram } from './other-program.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((eras) =>
  (['legacy', 'modern'] as const).map((first) => ({ eras, first, name: `${eras}-program-${first}-client-first` })),
);
const asking: Behaviour = { eras: 'legacy', asksBeforeList: true };

/** Each test has its own of these, which are behind one gateway. A program runs from the first call on. */
const servers = {
  dual: new OtherServer({ eras: 'dual', answers: 'events' }),
  replaced: new OtherServer({ eras: 'legacy' }),
  asking: new OtherServer({ ...asking, answers: 'events' }),
};
const programs = new Map<string, OtherProgram>();
const programOf = (name: string): OtherProgram => programs.get(name) ?? assert.fail(name);
let gateway: Gateway;

before(async () => {
  for (const server of Object.values(servers)) await server.listen();
  for (const { eras, name } of pairs) programs.set(name, await otherProgram({ eras }));
  programs.set('at-once', await otherProgram({ eras: 'legacy' }));
  programs.set('dual-program', await otherProgram({ eras: 'dual' }));
  programs.set('asking-program', await otherProgram(asking));
  const shared = [...programs].filter(([name]) => !name.startsWith('dual') && !name.startsWith('asking'));
  gateway = await startGateway(
    openSettings('client', {
      ...Object.fromEntries(Object.entries(servers).map(([name, { url }]) => [name, { url }])),
      ...Object.fromEntries([...programs].map(([name, { command }]) => [name, { command }])),
      ...Object.fromEntries(shared.map(([name, { command }]) => [name, { command, sharing: 'shared' }])),
    }),
  );
});
after(async () => {
  await gateway.stop();
  for (const each of [...Object.values(servers), ...programs.values()]) await each[Symbol.asyncDispose]();
});

const all = ['elicitation/create', 'sampling/createMessage', 'roots/list'];

test('C1: a legacy client is asked by a server of both eras, a modern client of the same server is served', async () => {
  for (const name of ['dual', 'dual-program']) {
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
  assert.equal(servers.dual.core.countOf('server/discover'), 1);
  assert.equal((await programOf('dual-program').starts()).length, 2);
});

for (const { eras, first, name } of pairs)
  test(`C1: a shared ${eras} program is started no more often than needed for clients of both eras, the ${first} one first`, async () => {
    const second = first === 'legacy' ? 'modern' : 'legacy';
    await using one = await openAskingClient(gateway.endpoint(name), first);
    await using two = await openAskingClient(gateway.endpoint(name), second);
    for (const each of [one, two, one, two]) assert.match(await each.call('echo', { a: 1 }), /"a":1/);
    // Only a second process can tell that a modern server has no legacy era.
    const needed = eras === 'modern' ? 2 : 1;
    assert.equal((await programOf(name).starts()).length, needed);
  });

test('C1: clients of both eras that come at once wait for one start of a program that has one era', async () => {
  const url = gateway.endpoint('at-once');
  const clients = await Promise.all(
    (['legacy', 'modern', 'legacy', 'modern'] as const).map((era) => openAskingClient(url, era)),
  );
  await using stack = new AsyncDisposableStack();
  for (const each of clients) stack.use(each);
  for (const each of clients) assert.match(await each.call('echo', { a: 1 }), /"a":1/);
  assert.equal((await programOf('at-once').starts()).length, 1);
});

test('C1: a server that is replaced by one of the other era is found out again', async () => {
  await using client = await openAskingClient(gateway.endpoint('replaced'), 'legacy');
  assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  (servers.replaced.core as { behaviour: Behaviour }).behaviour = { eras: 'modern' };
  servers.replaced.forgetSessions();
  // The call that meets the new server may fail, and what it leaves is that the era is asked for again.
  await client.call('echo', { a: 2 }).catch(() => undefined);
  assert.match(await client.call('echo', { a: 3 }), /"a":3/);
});

test('C1: a server that asks while the gateway reads its list is refused, and the list arrives', async () => {
  for (const name of ['asking', 'asking-program']) {
    await using client = await openAskingClient(gateway.endpoint(name), 'legacy');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
    assert.deepEqual(client.asked, []);
  }
});
