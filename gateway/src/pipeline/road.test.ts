/** The road in one process: every exit leaves exactly one record, and what is refused never reaches the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../test/support/policy.ts';
import { type Road, type RoadOptions, result, roadOf, type ToyRequest } from '../../test/support/road.ts';
import { writeReply } from '../listeners/reply-text.ts';
import type { JsonObject } from '../protocol/json.ts';
import { Cancellation } from './cancellation.ts';
import type { Inspector } from './contracts/inspector.ts';
import type { OutboundCall, Step } from './contracts/upstream.ts';

const everything = `- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }], resources: [{ allow: "*" }], requests: { elicitation: allow } }`;

function cancelled(): Cancellation {
  const cancellation = new Cancellation();
  cancellation.cancel();
  return cancellation;
}

const bigSchema = { name: 'strict', inputSchema: { type: 'object', properties: { n: { type: 'integer' } } } };
const failing = (kind: 'unavailable' | 'timeout' | 'misbehaved', sent: boolean): RoadOptions => ({
  server: {
    answer: () => ({ kind: 'failed', failure: { kind, detail: 'x', ...(sent ? { sent: true as const } : {}) } }),
  },
});
const blocking: Inspector = {
  id: 'toy',
  summary: 'Stops everything.',
  inbound: () => ({ refuse: { reason: 'denied', detail: 'toy' } }),
};
const withholding: Inspector = {
  id: 'toy',
  summary: 'Withholds results.',
  outbound: ({ kind }) => (kind === 'result' ? { withhold: 'because' } : undefined),
};

interface Exit {
  readonly name: string;
  readonly connections?: string;
  readonly options?: RoadOptions;
  readonly request?: ToyRequest;
  /** Outcome and reason in the record. */
  readonly end: readonly [outcome: string, reason?: string];
  /** Whether the server got the call. */
  readonly called?: true;
}

const exits: readonly Exit[] = [
  { name: 'answered', end: ['answered'], called: true },
  {
    name: 'answered with the error of a tool',
    options: { server: { answer: () => result({ isError: true, content: [] }) } },
    end: ['tool-error'],
    called: true,
  },
  {
    name: 'answered with an error of the protocol',
    options: { server: { answer: () => ({ kind: 'error', error: { code: -32000, message: 'no' } }) } },
    end: ['error'],
    called: true,
  },
  {
    name: 'without a credential',
    request: { received: { identity: { ok: false, refusal: { reason: 'credentials-missing' } } } },
    end: ['refused', 'credentials-missing'],
  },
  {
    name: 'of a caller without a connection',
    request: { caller: callerOf({ agent: 'b' }) },
    end: ['refused', 'endpoint-unknown'],
  },
  {
    name: 'of a server that nothing leads to',
    request: { received: { endpoint: { kind: 'server', server: 'none' } } },
    end: ['refused', 'endpoint-unknown'],
  },
  {
    name: 'of a tool that is not there',
    request: { params: { name: 'none' } },
    end: ['refused', 'capability-unknown'],
  },
  { name: 'with a name that is no text', request: { params: { name: 1 } }, end: ['refused', 'bad-params'] },
  {
    name: 'denied by a rule',
    connections: '- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*", when: "args.text == \'no\'" }] }',
    end: ['refused', 'denied'],
  },
  {
    name: 'held',
    connections: '- { name: c, from: { agent: a }, to: s, tools: [{ hold: "*" }] }',
    end: ['refused', 'held'],
  },
  {
    name: 'with arguments that do not fit',
    options: { server: { tools: [bigSchema] } },
    request: { params: { name: 'strict', arguments: { n: 'x' } } },
    end: ['refused', 'arguments-invalid'],
  },
  { name: 'stopped by an inspector', options: { inspectors: [blocking] }, end: ['refused', 'denied'] },
  {
    name: 'with a withheld result',
    options: { inspectors: [withholding] },
    end: ['unknown', 'content-withheld'],
    called: true,
  },
  {
    name: 'that listens without saying to what',
    request: { method: 'subscriptions/listen', params: {} },
    end: ['refused', 'bad-params'],
  },
  { name: 'cancelled before it is sent', request: { cancellation: cancelled() }, end: ['cancelled', 'cancelled'] },
  {
    name: 'to a server that is down',
    options: failing('unavailable', false),
    end: ['refused', 'server-unavailable'],
    called: true,
  },
  {
    name: 'to a server that ended meanwhile',
    options: failing('unavailable', true),
    end: ['unknown', 'call-unfinished'],
    called: true,
  },
  {
    name: 'to a server that hangs',
    options: failing('timeout', true),
    end: ['unknown', 'call-unfinished'],
    called: true,
  },
  {
    name: 'with a result that is too large',
    options: { server: { answer: () => ({ kind: 'result', result: {}, bytes: 2 ** 40 }) } },
    end: ['unknown', 'result-too-large'],
    called: true,
  },
  {
    name: 'ended by a bug',
    options: { server: { answer: () => Promise.reject(new Error('bug')) } },
    end: ['unknown', 'internal'],
    called: true,
  },
  {
    name: 'whose intent cannot be recorded',
    options: { audit: { intend: () => Promise.reject(new Error('full')) } },
    end: ['refused', 'record-unavailable'],
  },
  {
    name: 'with a state that is not ours',
    request: { params: { name: 'echo', arguments: {}, requestState: 'x' } },
    end: ['refused', 'state-invalid'],
  },
  { name: 'that lists', request: { method: 'tools/list', params: {} }, end: ['answered'] },
  { name: 'that discovers', request: { method: 'server/discover', params: {} }, end: ['answered'] },
];

for (const { name, connections = everything, options, request = {}, end, called } of exits)
  test(`a request ${name} leaves one record`, async () => {
    const road = await roadOf(connections, options);
    await road.send(request);
    assert.equal(road.records.length, 1);
    const [recorded] = road.records;
    assert.deepEqual([recorded?.end?.outcome, recorded?.end?.reason].filter(Boolean), end);
    assert.equal(road.calls.length, called === true ? 1 : 0);
    // An outcome repeats the facts of its intent, and no call leaves without one.
    assert.equal(road.intents.length >= road.calls.length, true);
    if (road.intents[0] !== undefined) assert.equal(recorded?.facts, road.intents[0]);
    // The room that it took is free again.
    const limit = { ...road.snapshot, bounds: { ...road.snapshot.bounds, concurrency: 1, streams: 1 } };
    assert.equal(road.stages.admit(road.identified(), limit).ok, true);
  });

test('beyond the limit of its caller a request is refused and recorded, and leads nowhere', async () => {
  const { promise: held, resolve: go } = Promise.withResolvers<undefined>();
  const road = await roadOf(everything, { server: { answer: async () => (await held, result({ content: [] })) } });
  // One in eight is for other servers.
  const limit = (road.snapshot.bounds.concurrency / 8) * 7;
  const waiting = Array.from({ length: limit }, () => road.send({}));
  const { reply } = await road.send({});
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'too-many-requests');
  assert.equal(road.records.length, 1);
  go(undefined);
  await Promise.all(waiting);
  assert.equal(road.records.length, limit + 1);
  assert.equal((await road.send({})).reply.kind, 'text');
});

test('arguments that an inspector changes are decided on, forwarded and recorded', async () => {
  const toy: Inspector = {
    id: 'toy',
    summary: 'Replaces a text.',
    inbound: ({ content }) => ({ change: { ...content, text: 'other' } }),
  };
  const only = (text: string): string =>
    `- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*", when: "args.text == '${text}'" }] }`;
  const road = await roadOf(`- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }] }`, { inspectors: [toy] });
  await road.send({});
  assert.deepEqual(road.calls[0]?.params.arguments, { text: 'other' });
  assert.deepEqual(road.records[0]?.facts.arguments, { text: 'other' });
  // What the rules say is about what is sent: this one was allowed as the client wrote it.
  const narrow = await roadOf(only('hi'), { inspectors: [toy] });
  const { reply } = await narrow.send({});
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'denied');
  assert.deepEqual(narrow.records[0]?.facts.arguments, { text: 'other' });
  assert.equal(narrow.calls.length, 0);
});

/** A server that asks for input first, and then answers; it has a state of its own, or none. */
function asking(state?: string): RoadOptions {
  const asked = {
    kind: 'input-required',
    requests: { name: { method: 'elicitation/create', params: { message: 'Who?' } } },
  };
  const step = { ...asked, resume: { kind: 'state', state }, answer: () => result({}), detach() {}, abandon() {} };
  return {
    server: { answer: ({ params }) => (params.inputResponses === undefined ? step : result({ content: [] })) as Step },
  };
}

const answers: JsonObject = { name: { action: 'accept', content: {} } };

/** The sealed state of a call that its server has a part of. */
async function stateOf(road: Road): Promise<string> {
  const { reply } = await road.send({});
  const { requestState } = JSON.parse(reply.kind === 'text' ? reply.text : '{}') as JsonObject;
  return typeof requestState === 'string' ? requestState : assert.fail('there is no state');
}

async function textOf(road: Road, more: JsonObject): Promise<string> {
  const { reply } = await road.send({ params: { name: 'echo', arguments: { text: 'hi' }, ...more } });
  return writeReply(reply, { id: 1, method: 'tools/call', era: 'modern', reference: 'r' }).text;
}

for (const state of ['of the server', undefined])
  test(`a refusal to go on with a call ${state === undefined ? 'without' : 'with'} a state does not say that it was not made`, async () => {
    for (const refuses of ['rule', 'record', 'switch'] as const) {
      const options = asking(state);
      let full = false;
      const audit = { intend: () => (full ? Promise.reject(new Error('full')) : undefined) };
      const road = await roadOf(everything, { ...options, audit });
      const requestState = await stateOf(road);
      const { snapshot } = road;
      if (refuses === 'record') full = true;
      if (refuses === 'switch') road.take({ ...snapshot, statusOf: () => 'draining' });
      if (refuses === 'rule') {
        const held = await roadOf(everything.replace('allow: "*"', 'hold: "*"'), options);
        road.take({ ...snapshot, policy: held.snapshot.policy });
      }
      assert.match(await textOf(road, { inputResponses: answers, requestState }), /was not continued/, refuses);
      // Answers alone go on with nothing: no server has a part of such a call.
      assert.match(await textOf(road, { inputResponses: answers }), /was not made/, refuses);
      assert.equal(road.calls.length, 1);
    }
  });

test('answers that resume nothing, and a state that is sent again, count under the limits', async () => {
  for (const state of ['of the server', undefined]) {
    const road = await roadOf(everything, {
      ...asking(state),
      settings: 'limits: [{ per: caller, calls: 3/day, name: l }]',
    });
    const requestState = await stateOf(road);
    const go = (more: JsonObject): Promise<string> => textOf(road, { inputResponses: answers, ...more });
    // The first went on with a call that was counted.
    assert.doesNotMatch(await go({ requestState }), /is reached/);
    assert.doesNotMatch(await go({ requestState }), /is reached/);
    assert.doesNotMatch(await go({}), /is reached/);
    assert.match(await go({ requestState }), /is reached, and the call was not continued/);
    assert.match(await go({}), /is reached, and the call was not made/);
    assert.match(await textOf(road, { inputResponses: { 'sallyport-approval': {} } }), /is reached/);
    assert.equal(road.calls.length, 4);
  }
});

test('a state whose call was refused by a limit still goes on with the call that was counted', async () => {
  const held = Promise.withResolvers<undefined>();
  const ready = asking('s').server?.answer ?? assert.fail();
  const isSlow = ({ params }: OutboundCall): boolean => JSON.stringify(params).includes('slow');
  const road = await roadOf(everything, {
    server: { answer: (call) => (isSlow(call) ? held.promise.then(() => result({ content: [] })) : ready(call)) },
    settings: 'limits: [{ concurrency: 1 }, { per: caller, calls: 2/day }]',
  });
  const requestState = await stateOf(road);
  const other = road.send({ params: { name: 'echo', arguments: { text: 'slow' } } });
  const resumed = { inputResponses: answers, requestState };
  assert.match(await textOf(road, resumed), /1 at once.*was not continued/);
  held.resolve(undefined);
  await other;
  assert.match(await textOf(road, resumed), /"resultType":"complete"/);
  assert.match(await textOf(road, resumed), /is reached/);
});

test('a server that cannot be reached with an answer has a part of the call', async () => {
  const failed = { kind: 'failed', failure: { kind: 'unavailable', detail: 'gone' } };
  const asked = { kind: 'input-required', requests: { name: { method: 'elicitation/create', params: {} } } };
  const step = { ...asked, resume: { kind: 'state', state: 's' }, answer: () => failed, detach() {}, abandon() {} };
  const road = await roadOf(everything, { server: { answer: () => step as unknown as Step } });
  const requestInput = () => Promise.resolve({ ok: true as const, result: { action: 'decline' } });
  const { reply } = await road.send({ client: { era: 'legacy', capabilities: { elicitation: {} } }, requestInput });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'call-unfinished');
  assert.deepEqual(
    road.records.map(({ end }) => end?.outcome),
    ['unknown'],
  );
});

test('a result that cannot be written is refused and recorded, and gives the room of its caller back', async () => {
  const endless: Record<string, unknown> = {};
  endless['self'] = endless;
  const road = await roadOf(everything, { server: { answer: () => result(endless as never) } });
  const { reply } = await road.send({});
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'internal');
  assert.deepEqual(
    road.records.map(({ end }) => end?.outcome),
    ['unknown'],
  );
  const limit = { ...road.snapshot, bounds: { ...road.snapshot.bounds, concurrency: 1 } };
  assert.equal(road.stages.admit(road.identified(), limit).ok, true);
});

test('a stream that opens while another revision comes into force ends with its connection', async () => {
  const opening = Promise.withResolvers<undefined>();
  const recorded = Promise.withResolvers<undefined>();
  const road = await roadOf(everything, {
    audit: {
      intend: () => {
        opening.resolve(undefined);
        return recorded.promise;
      },
    },
  });
  const stream = road.send({
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true } },
  });
  await opening.promise;
  road.take({ ...road.snapshot, policy: { ...road.snapshot.policy, grants: () => undefined, serversOf: () => [] } });
  recorded.resolve(undefined);
  assert.equal((await stream).reply.kind, 'text');
  assert.equal(road.records.length, 1);
});
