/** Calls that go on after their server asked for input, on the whole road: what counts, what is kept, and what they are bound to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Road, result, roadOf, type ToyRequest, type ToyServer } from '../../../test/support/road.ts';
import { writeReply } from '../../listeners/reply-text.ts';
import type { Inspector } from '../../pipeline/contracts/inspector.ts';
import type { Step } from '../../pipeline/contracts/upstream.ts';
import { withUrlPrompt } from '../../pipeline/url-prompt.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { createSeal } from '../../secrets/seal.ts';
import { maxStateLength, ParkedRequests } from './input-requests.ts';

const everything =
  '- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }], requests: { elicitation: allow } }';
const requests = { name: { method: 'elicitation/create', params: { message: 'Who?' } } };
const answers: JsonObject = { name: { action: 'accept', content: {} } };
const modern = { era: 'modern', capabilities: { elicitation: { url: {} } } } as const;

/** What a server asks; `answer` is what comes once it is answered in the same process. */
function asked(resume: object, answer: () => unknown = () => result({ content: [] })): Step {
  const step = { kind: 'input-required', requests, resume, answer, detach() {}, abandon() {} };
  return step as unknown as Step;
}

const withState: Step = asked({ kind: 'state', state: 'of the server' });

/** A server that asks as often as this, and then answers. */
function askingTimes(times: number): ToyServer {
  let left = times;
  return { answer: () => (left-- > 0 ? withState : result({ content: [] })) };
}

async function send(road: Road, more: JsonObject = {}, request: ToyRequest = {}): Promise<JsonObject> {
  const params = { name: 'echo', arguments: { text: 'hi' }, ...more };
  const { reply } = await road.send({ client: modern, params, ...request });
  const { text } = writeReply(reply, { id: 1, method: 'tools/call', era: 'modern', reference: 'r' });
  const { result: given, error } = JSON.parse(text) as { result?: JsonObject; error?: JsonObject };
  return given ?? error ?? {};
}

/** The call, and what comes of it when each round is answered, for so many rounds at most. */
async function answerAll(road: Road, most: number): Promise<JsonObject> {
  let said = await send(road);
  for (let round = 0; round < most && said['resultType'] === 'input_required'; round++)
    said = await send(road, { inputResponses: answers, requestState: said['requestState'] ?? '' });
  return said;
}

test('a server asks no more often during one call than bounds.rounds, however new its states are', async () => {
  const settings = 'bounds: { rounds: 3 }';
  const enough = await roadOf(everything, { server: askingTimes(3), settings });
  assert.equal((await answerAll(enough, 9))['resultType'], 'complete');
  assert.equal(enough.calls.length, 4);
  const more = await roadOf(everything, { server: askingTimes(1_000), settings });
  assert.match(JSON.stringify(await answerAll(more, 9)), /more than 3 input requests during one call/);
  assert.equal(more.calls.length, 4);
  assert.equal(more.records.at(-1)?.end?.outcome, 'unknown');
});

test('what a server allows counts each request, and a call after a page is another one', async () => {
  const quota = await roadOf(everything, { server: askingTimes(9), serverSettings: '  quota: [{ calls: 2/day }]' });
  assert.match(JSON.stringify(await answerAll(quota, 9)), /not continued/);
  assert.equal(quota.calls.length, 2);
  const page = { mode: 'url', url: 'https://pages.internal/', message: 'Look', elicitationId: 'e' };
  const error = { kind: 'error', error: { code: -32_042, message: 'a page', data: { elicitations: [page] } } };
  const visits = await roadOf(everything, {
    server: { answer: () => error as unknown as Step },
    settings: 'limits: [{ per: caller, calls: 2/day, name: l }]',
  });
  for (let time = 0; time < 2; time++) {
    const said = await send(visits, { inputResponses: { 'visit-1': { action: 'accept' } } });
    assert.equal(said['resultType'], 'input_required');
    assert.equal(said['requestState'], undefined);
  }
  assert.match(JSON.stringify(await send(visits)), /is reached/);
});

test('a state is bound to the parameters as they came, whatever inspectors make of them', async () => {
  const toy: Inspector = {
    id: 'toy',
    summary: 'Replaces a text.',
    inbound: ({ content }) => ('text' in content ? { change: { ...content, text: 'other' } } : undefined),
  };
  const road = await roadOf(everything, { server: askingTimes(1), inspectors: [toy] });
  const { requestState = '' } = await send(road);
  const resumed = { inputResponses: answers, requestState };
  const other = await send(road, { ...resumed, arguments: { text: 'ho' } });
  assert.match(JSON.stringify(other), /belongs to another call/);
  assert.equal((await send(road, resumed))['resultType'], 'complete');
  assert.deepEqual(
    road.calls.map(({ params }) => params.arguments),
    [{ text: 'other' }, { text: 'other' }],
  );
});

const refusing: Inspector = {
  id: 'toy',
  summary: 'Refuses answers that say bad.',
  inbound: ({ kind, content }) =>
    kind === 'answer' && JSON.stringify(content).includes('bad')
      ? { refuse: { reason: 'denied', detail: 'toy' } }
      : undefined,
};
const bad: JsonObject = { name: { action: 'accept', content: { word: 'bad' } } };

for (const kind of ['state', 'parked'] as const)
  test(`answers that are refused can be sent again in other words, and count once: ${kind}`, async () => {
    const road = await roadOf(everything, {
      server: {
        answer: ({ params }) => (params.inputResponses === undefined ? asked({ kind }) : result({ content: [] })),
      },
      inspectors: [refusing],
      settings: 'limits: [{ per: caller, calls: 1/day, name: l }]',
    });
    const { requestState = '' } = await send(road);
    for (const refused of [bad, bad, { name: 'no object' }])
      assert.match(
        JSON.stringify(await send(road, { inputResponses: refused, requestState })),
        /Not allowed by policy|must be an object/,
      );
    const said = await send(road, { inputResponses: answers, requestState });
    assert.equal(JSON.stringify(said), '{"content":[],"resultType":"complete"}');
    const again = JSON.stringify(await send(road, { inputResponses: answers, requestState }));
    assert.match(again, kind === 'state' ? /is reached/ : /belongs to a call that is over/);
    assert.equal(road.calls.length, kind === 'state' ? 2 : 1);
  });

test('a call that could not be recorded leaves its state for the next one', async () => {
  let full = false;
  const road = await roadOf(everything, {
    server: askingTimes(1),
    settings: 'limits: [{ per: caller, calls: 1/day, name: l }]',
    audit: { intend: () => (full ? Promise.reject(new Error('full')) : undefined) },
  });
  const { requestState = '' } = await send(road);
  full = true;
  assert.match(JSON.stringify(await send(road, { inputResponses: answers, requestState })), /not continued because/);
  full = false;
  assert.equal((await send(road, { inputResponses: answers, requestState }))['resultType'], 'complete');
});

test('a client whose account ended after it had answered is not told that the call was not made', async () => {
  const prompt = { url: 'https://accounts.internal/', id: 'p' };
  const ended = { kind: 'failed', failure: { kind: 'account-required', detail: 'gone', prompt } };
  const road = await roadOf(everything, {
    server: { answer: () => asked({ kind: 'state', state: 's' }, () => Promise.resolve(ended)) },
    settings: 'limits: [{ per: caller, calls: 9/day }]',
  });
  const legacy = {
    era: 'legacy',
    version: '2025-11-25',
    capabilities: { elicitation: { url: {}, form: {} } },
  } as const;
  const requestInput = () => Promise.resolve({ ok: true as const, result: { action: 'accept', content: {} } });
  const { reply } = await road.send({ client: legacy, requestInput });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'call-unfinished');
  assert.equal(road.records[0]?.end?.outcome, 'unknown');
});

test('what was no state of the gateway goes on with nothing', async () => {
  const road = await roadOf(everything);
  const said = JSON.stringify(await send(road, { inputResponses: answers, requestState: 'made up' }));
  assert.match(said, /requestState is not valid for this request/);
  road.take({ ...road.snapshot, statusOf: () => 'draining' });
  assert.match(JSON.stringify(await send(road, { requestState: 'made up' })), /was not made/);
});

test('answers that are too long to come back with a page are not kept, and the client gets words', async () => {
  const seal = createSeal(Buffer.alloc(32, 1), 'input-request', maxStateLength);
  const states = new ParkedRequests(seal);
  const message = (await roadOf(everything)).identified();
  const keep = (params: JsonObject) => states.keepAnswers({ ...message, params: { ...message.params, ...params } });
  const long: JsonObject = { name: { action: 'accept', content: { text: 'x'.repeat(800_000) } } };
  const requestState = seal.close({ k: 'parked' });
  assert.equal(keep({ inputResponses: long, requestState }), undefined);
  assert.deepEqual(keep({ inputResponses: long, requestState: 'made up' }), {});
  assert.deepEqual(keep({ inputResponses: long }), {});
  const reply = {
    kind: 'refused',
    refusal: {
      reason: 'account-required',
      server: 's',
      detail: '',
      prompt: { server: 's', url: 'https://x.internal/', id: 'p' },
    },
  } as const;
  const received = { ...message, client: { ...message.client, ...modern } };
  assert.equal(
    withUrlPrompt(received, reply, () => undefined),
    reply,
  );
  assert.equal(withUrlPrompt(received, reply, () => ({})).kind, 'result');
});

test('a state whose calls are not sent is given back a number of times', async () => {
  let full = false;
  const road = await roadOf(everything, {
    server: askingTimes(1),
    settings: 'limits: [{ per: caller, calls: 1/day, name: l }]\nloops: off',
    audit: { intend: () => (full ? Promise.reject(new Error('full')) : undefined) },
  });
  const { requestState = '' } = await send(road);
  full = true;
  const said: string[] = [];
  for (let time = 0; time < 10; time++)
    said.push(JSON.stringify(await send(road, { inputResponses: answers, requestState })));
  assert.equal(said.filter((text) => text.includes('could not be recorded')).length, 9);
  assert.match(said.at(-1) ?? '', /is reached/);
});

test('a right that ends while answers are inspected sends none of them', async () => {
  const passed = Promise.withResolvers<undefined>();
  const inspecting = Promise.withResolvers<undefined>();
  const slow: Inspector = {
    id: 'toy',
    summary: 'Looks at answers for long.',
    inbound({ kind }) {
      if (kind !== 'answer') return undefined;
      inspecting.resolve(undefined);
      return passed.promise;
    },
  };
  const road = await roadOf(everything, { server: askingTimes(1), inspectors: [slow] });
  const { requestState = '' } = await send(road);
  const going = send(road, { inputResponses: answers, requestState });
  await inspecting.promise;
  const denying = await roadOf(everything.replace('allow: "*"', 'deny: "*"'));
  road.take({ ...road.snapshot, policy: denying.snapshot.policy });
  passed.resolve(undefined);
  assert.match(JSON.stringify(await going), /right to make this call ended while it waited: it was not continued/);
  assert.equal(road.calls.length, 1);
});
