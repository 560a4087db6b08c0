/** Loops on the whole road: what is told, what is refused, and what ordinary sessions do without being told anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../../test/support/policy.ts';
import { type Road, type RoadOptions, result, roadOf, type ToyRequest } from '../../../../test/support/road.ts';
import { Checks } from '../../../pipeline/checks.ts';
import type { OutboundCall, Step } from '../../../pipeline/contracts/upstream.ts';
import type { Admitted } from '../../../pipeline/exchange.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import { Loops } from './loops.ts';

const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object', properties: { n: {} } } });
const tools = ['read', 'write', 'poll'].map(tool);
const connection =
  '- { name: c, from: { anyone: true }, to: s, tools: [{ allow: "*" }, { deny: "*", when: "has(args.n) && args.n == 7" }] }';

function timer(): { readonly now: () => { steady: number; wall: number }; pass(ms: number): void } {
  let at = 1_000_000;
  return { now: () => ({ steady: at, wall: at }), pass: (ms) => void (at += ms) };
}

const looping = (answer: (call: OutboundCall) => Step, options: RoadOptions = {}): Promise<Road> =>
  roadOf(connection, { server: { tools, answer }, settings: 'loops: on', ...options });

const text = (said: string, isError = false): Step =>
  result({ content: [{ type: 'text', text: said }], ...(isError && { isError }) });
const call = (name: string, n: number, more: ToyRequest = {}): ToyRequest => ({
  params: { name, arguments: { n } },
  ...more,
});

/** `told`: with a note; else the reason of a refusal, or `ok`. */
async function send(road: Road, request: ToyRequest): Promise<string> {
  const { reply } = await road.send(request);
  if (reply.kind === 'refused') return reply.note === undefined ? reply.refusal.reason : `${reply.refusal.reason} told`;
  return reply.kind === 'text' && reply.text.includes('Note of the gateway') ? 'told' : 'ok';
}

async function sendAll(road: Road, ...requests: readonly ToyRequest[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const request of requests) all.push(await send(road, request));
  return all;
}

const times = (count: number, ...requests: ToyRequest[]): ToyRequest[] =>
  Array.from({ length: count }, () => requests).flat();

test('the same call with the same result is told the third time, and refused after the fifth until its pause is over', async () => {
  const time = timer();
  const road = await looping(() => text('same'), { now: time.now });
  assert.deepEqual(await sendAll(road, ...times(7, call('read', 1))), [
    'ok',
    'ok',
    'told',
    'told',
    'told',
    'call-repeated',
    'call-repeated',
  ]);
  assert.equal(road.calls.length, 5);
  assert.deepEqual(await sendAll(road, call('read', 2), call('write', 1)), ['ok', 'ok'], 'other calls go on');
  const { end, facts } = road.records[5] ?? {};
  assert.deepEqual([end?.outcome, end?.reason, facts?.server], ['refused', 'call-repeated', 's']);
  assert.deepEqual(road.records[2]?.end?.checks, [{ name: 'loops', part: 'calls', verdict: 'told after 3' }]);
  time.pass(30_001);
  assert.equal(await send(road, call('read', 1)), 'ok');
});

test('pairs that alternate and cycles of up to four calls are told and refused', async () => {
  for (const length of [2, 3, 4]) {
    const road = await looping(() => text('same'));
    const cycle = Array.from({ length }, (_, n) => call('read', n + 10));
    const said = await sendAll(road, ...times(6, ...cycle));
    assert.equal(said.findIndex((each) => each === 'told') + 1, 3 * length, `a cycle of ${length}`);
    assert.equal(said.findIndex((each) => each === 'call-repeated') + 1, 5 * length + 1, `a cycle of ${length}`);
  }
});

test('what was refused again and again is looked at when another revision is in force', async () => {
  const road = await looping(() => text('same'), { settings: '' });
  await sendAll(road, ...times(6, call('read', 7)));
  const params = { name: 'read', arguments: { n: 7 } };
  const exchange = { ...road.identified(), params, checks: new Checks() } as unknown as Admitted;
  assert.equal(road.stages.loops.held(exchange, road.snapshot)?.reason, 'call-repeated');
  const next = { ...road.snapshot, revision: 'next' };
  assert.equal(road.stages.loops.held(exchange, next), undefined);
});

test('a changed result begins anew', async () => {
  let calls = 0;
  const road = await looping(() => text(++calls === 3 ? 'other' : 'same'));
  assert.deepEqual(await sendAll(road, ...times(6, call('read', 1))), ['ok', 'ok', 'ok', 'ok', 'ok', 'told']);
});

test('what is refused again and again is told so without being asked for, and the same for what does not exist', async () => {
  const road = await looping(() => text('same'), { settings: '' });
  const wanted = (reason: string): string[] => [
    reason,
    reason,
    `${reason} told`,
    `${reason} told`,
    `${reason} told`,
    'call-repeated',
  ];
  assert.deepEqual(await sendAll(road, ...times(6, call('read', 7))), wanted('denied'));
  assert.deepEqual(await sendAll(road, ...times(6, call('nothing', 1))), wanted('capability-unknown'));
  assert.deepEqual(await sendAll(road, ...times(6, call('read', 1))), Array(6).fill('ok'), 'answers are not looked at');
});

test('one failure after the other is told, whatever the arguments, and then refused', async () => {
  const road = await looping(() => text('failed', true));
  const said = await sendAll(road, ...Array.from({ length: 17 }, (_, n) => call('write', n + 100)));
  assert.deepEqual(
    said.flatMap((each, at) => (each === 'ok' ? [] : [`${at + 1} ${each}`])),
    ['8 told', '16 told', '17 told'],
  );
  assert.equal(await send(road, call('write', 116)), 'call-repeated');
});

test('ordinary sessions are told nothing: pages, retries, polling with progress, slow polling, many conversations', async () => {
  let step = 0;
  const progressing = await looping((sent) =>
    sent.params['name'] === 'poll' ? text(`${++step} percent`) : text(JSON.stringify(sent.params['arguments'])),
  );
  const pages = Array.from({ length: 40 }, (_, n) => call('read', n + 10));
  assert.ok((await sendAll(progressing, ...pages, ...times(40, call('poll', 1)))).every((each) => each === 'ok'));

  let failures = 0;
  const failing = await looping(() => (++failures % 3 === 0 ? text('done') : text('busy', true)));
  const retries = Array.from({ length: 10 }, (_, n) => times(3, call('write', n + 10))).flat();
  assert.ok((await sendAll(failing, ...retries)).every((each) => each === 'ok'));

  const time = timer();
  const slow = await looping(() => text('same'), { now: time.now });
  for (let at = 0; at < 10; at++) {
    assert.equal(await send(slow, call('poll', 1)), 'ok');
    time.pass(61_000);
  }

  const exempt = await looping(() => text('same'), { serverSettings: '  tools: { poll: { loops: off } }' });
  assert.ok((await sendAll(exempt, ...times(10, call('poll', 1)))).every((each) => each === 'ok'));

  const shared = await looping(() => text('same'));
  const session = (digest: string): ToyRequest =>
    call('read', 1, { client: { session: { digest, logLevel: undefined, watch: () => false, unwatch: () => {} } } });
  for (let at = 0; at < 20; at++) assert.equal(await send(shared, session(`s${at}`)), 'ok');
});

test('what a hundred thousand callers did fits in a bounded room, and the idlest is forgotten', async () => {
  const road = await looping(() => text('same'));
  const loops = new Loops({ onLoop: () => {} });
  const exchange = road.identified();
  const reply = { kind: 'refused', refusal: { reason: 'denied', detail: '' } } as const;
  for (let at = 0; at < 100_050; at++) {
    const caller = callerOf({ agent: `a${at}` });
    loops.saw({ ...exchange, caller }, reply, { resolved: undefined, snapshot: road.snapshot });
  }
  assert.equal(loops.size, 100_000);
});
