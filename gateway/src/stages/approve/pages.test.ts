/** A held call whose client is sent to a page after it has answered its server: nothing of what it answered is lost. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { callerOf } from '../../../test/support/policy.ts';
import { result, roadOf } from '../../../test/support/road.ts';
import { writeReply } from '../../listeners/reply-text.ts';
import type { Step } from '../../pipeline/contracts/upstream.ts';
import { asText, isObject, type JsonObject } from '../../protocol/json.ts';
import { createApprovals } from './approve.ts';
import { openApprovalStore } from './store.ts';

const client = { era: 'modern', capabilities: { elicitation: { form: {}, url: {} } } } as const;
const page = 'https://gateway.internal/page';

async function worldOf() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pages-'));
  const store = openApprovalStore(folder, Buffer.alloc(32, 5));
  const asked = {
    kind: 'input-required',
    requests: { name: { method: 'elicitation/create', params: { message: 'Who?' } } },
    resume: { kind: 'state', state: 'of the server' },
    answer: () => result({}),
    detach() {},
    abandon() {},
  } as unknown as Step;
  const road = await roadOf(
    '- { name: c, from: { agent: [a, b] }, to: s, tools: [{ hold: "*" }], requests: { elicitation: allow } }',
    {
      server: { answer: ({ params }) => (params.inputResponses === undefined ? asked : result({ content: [] })) },
      approvals: (rights) =>
        createApprovals({
          store,
          audit: { record: () => Promise.resolve() },
          rights,
          waitMs: () => 0,
          operatorNow: () => undefined,
          announce: () => {},
          pageFor: () => page,
          onPageOver: () => {},
          onState: () => {},
        }),
    },
  );
  return {
    road,
    async send(more: JsonObject = {}, agent = 'a'): Promise<JsonObject> {
      const caller = callerOf({ agent, user: 'dana' });
      const params = { name: 'echo', arguments: { text: 'hi' }, ...more };
      const { reply } = await road.send({ client, caller, params });
      const { text } = writeReply(reply, { id: 1, method: 'tools/call', era: 'modern', reference: 'r' });
      const said = JSON.parse(text) as { readonly result?: JsonObject; readonly error?: JsonObject };
      return said.result ?? said.error ?? {};
    },
    /** What waits, and has these words. */
    async approve(words = ''): Promise<void> {
      const all = store.list({ state: 'pending' }, Date.now());
      const pending = all.find(({ id }) => JSON.stringify(store.get(id, Date.now())).includes(words));
      const vote = { by: 'os:dana', kind: 'machine', at: Date.now() } as const;
      assert.equal((await store.vote(pending?.id ?? '', 'approve', vote)).ok, true);
    },
    [Symbol.dispose]() {
      store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const visited: JsonObject = { 'sallyport-approval': { action: 'accept' } };
const answers: JsonObject = { name: { action: 'accept', content: { name: 'Dana' } } };
const eve: JsonObject = { name: { action: 'accept', content: { name: 'Eve' } } };

/** The keys of what the client is asked, and what it comes back with. */
function asks({ inputRequests, requestState = '' }: JsonObject): readonly [string, string] {
  return [isObject(inputRequests) ? Object.keys(inputRequests).join() : '', asText(requestState)];
}

test('a client that is sent to a page comes back with what it had answered', async () => {
  using world = await worldOf();
  const { road } = world;
  assert.deepEqual(asks(await world.send()), ['sallyport-approval', '']);
  await world.approve();
  const [question, first] = asks(await world.send({ inputResponses: visited }));
  assert.equal(question, 'name');
  const held = await world.send({ inputResponses: answers, requestState: first });
  const [second, kept] = asks(held);
  assert.equal(second, 'sallyport-approval');
  assert.doesNotMatch(JSON.stringify(held), /Dana|of the server/);
  const back = { inputResponses: visited, requestState: kept };
  // Nothing is decided yet: it waits, and comes again with the same.
  assert.match(JSON.stringify(await world.send(back)), /was not continued yet.*with the same requestState again/);
  await world.approve();
  for (const [wrong, agent, said] of [
    [{ ...back, arguments: { text: 'ho' } }, 'a', /belongs to another call/],
    [back, 'b', /belongs to another call/],
    [{ ...back, requestState: `${kept.slice(0, -4)}AAAA` }, 'a', /is not valid/],
  ] as const)
    assert.match(JSON.stringify(await world.send(wrong, agent)), said);
  assert.equal(road.calls.length, 1);
  // Other answers are others, and held as such.
  const other = await world.send({ inputResponses: { ...visited, ...eve }, requestState: kept });
  assert.equal(asks(other)[0], 'sallyport-approval');
  assert.equal(road.calls.length, 1);
  const done = await world.send(back);
  assert.equal(JSON.stringify(done), '{"content":[],"resultType":"complete"}');
  assert.deepEqual(
    road.calls.map(({ params }) => [params.inputResponses, params.requestState]),
    [
      [undefined, undefined],
      [answers, 'of the server'],
    ],
  );
  // The approval is spent: what comes again is held again.
  assert.equal(asks(await world.send(back))[0], 'sallyport-approval');
  assert.equal(road.calls.length, 2);
  // What was answered anew is kept in its turn.
  await world.approve(JSON.stringify(eve));
  await world.send({ inputResponses: visited, requestState: asks(other)[1] });
  assert.deepEqual(road.calls.at(-1)?.params.inputResponses, eve);
});

test('answers are approved for the question that they answer', async () => {
  using world = await worldOf();
  const states: string[] = [];
  for (let time = 0; time < 2; time++) {
    await world.send();
    await world.approve();
    states.push(asks(await world.send({ inputResponses: visited }))[1]);
  }
  const [first = '', second = ''] = states;
  await world.send({ inputResponses: answers, requestState: first });
  await world.approve('"messages":{"name":"Who?"}');
  assert.equal(asks(await world.send({ inputResponses: answers, requestState: second }))[0], 'sallyport-approval');
  assert.equal(world.road.calls.length, 2);
  const said = await world.send({ inputResponses: answers, requestState: first });
  assert.equal(JSON.stringify(said), '{"content":[],"resultType":"complete"}');
});
