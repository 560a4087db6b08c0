/** Limits of the configuration on the whole road: keys, kinds, filters, levels, and what a refusal leaves behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../test/support/policy.ts';
import { type Road, type RoadOptions, result, roadOf, type ToyRequest } from '../../../test/support/road.ts';
import { turnsUntil } from '../../../test/support/turns.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Now } from './limiter/meters.ts';

const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object', properties: { n: {} } } });
const server = { tools: ['search', 'update_a', 'update_b', 'drop'].map(tool) };

/** A clock that a test sets. */
function clockAt(start: string): { now: () => Now; pass: (ms: number) => void; set: (ms: number) => void } {
  let [steady, wall] = [Date.parse(start), Date.parse(start)];
  return {
    now: () => ({ steady, wall }),
    pass: (ms) => {
      steady += ms;
      wall += ms;
    },
    set: (ms) => {
      wall += ms;
    },
  };
}

const connection = (more = ''): string =>
  `- { name: c, from: { anyone: true }, to: s, tools: [{ allow: "*" }, { deny: drop, when: "has(args.n)" }] ${more} }`;

const limited = (limits: string, options: RoadOptions = {}): Promise<Road> =>
  roadOf(connection(), { server, settings: `limits: [${limits}]`, ...options });

const call = (name: string, more: ToyRequest = {}): ToyRequest => ({ params: { name, arguments: {} }, ...more });

/** What became of a request: `ok`, or the reason of its refusal with the limit that it met. */
async function send(road: Road, request: ToyRequest): Promise<string> {
  const { reply } = await road.send(request);
  if (reply.kind !== 'refused') return reply.kind === 'error' ? 'error' : 'ok';
  const { refusal } = reply;
  return refusal.reason === 'limit-reached' ? `${refusal.limit} ${refusal.seconds ?? 'never'}` : refusal.reason;
}

async function sendAll(road: Road, ...requests: ToyRequest[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const request of requests) all.push(await send(road, request));
  return all;
}

const a = callerOf({ agent: 'a', user: 'dana', roles: ['r', 'q'] });
const keys: readonly { readonly per: string; readonly same: ToyRequest; readonly other: ToyRequest }[] = [
  { per: 'user', same: of({ agent: 'b', user: 'dana' }), other: of({ agent: 'a', user: 'eve' }) },
  { per: 'agent', same: of({ agent: 'a', user: 'eve' }), other: of({ agent: 'b', user: 'dana' }) },
  { per: 'application', same: of({ application: 'p', user: 'eve' }), other: of({ application: 'q', user: 'dana' }) },
  { per: 'caller', same: call('drop', { caller: a }), other: of({ agent: 'a', user: 'eve' }) },
  { per: 'role', same: of({ agent: 'b', roles: ['q'] }), other: of({ agent: 'b', roles: ['z'] }) },
  { per: 'address', same: from('2001:db8:0:7::1'), other: from('2001:db8:0:8::1') },
  { per: 'session', same: session('one'), other: session('two') },
  { per: 'tool', same: call('search', of({ agent: 'b' })), other: call('drop') },
  { per: 'tier', same: call('drop'), other: call('update_a') },
  { per: 'server', same: of({ agent: 'b' }), other: { method: 'tools/list', params: {} } },
  { per: 'connection', same: of({ agent: 'b' }), other: { method: 'tools/list', params: {} } },
  { per: '[agent, tool]', same: call('search', of({ agent: 'a', user: 'eve' })), other: call('drop', { caller: a }) },
  { per: '[session, tool]', same: call('search', session('one')), other: { ...session('one'), ...call('drop') } },
];

function of(parts: Partial<Caller> & { user?: string; agent?: string; application?: string }): ToyRequest {
  return call('search', { caller: callerOf(parts) });
}

function from(address: string): ToyRequest {
  return call('search', { caller: a, received: { address } });
}

function session(digest: string): ToyRequest {
  const known = { digest, logLevel: undefined, watch: () => false, unwatch: () => {} };
  return call('search', { caller: a, client: { session: known } });
}

for (const { per, same, other } of keys)
  test(`a limit per ${per} counts what is the same together, and what differs apart`, async () => {
    const road = await limited(`{ per: ${per}, rate: 1/h, name: l }`, {
      serverSettings:
        '  tools: { update_a: { tier: write }, drop: { tier: destructive }, search: { tier: destructive } }',
    });
    const first =
      per === 'application'
        ? of({ application: 'p', user: 'dana' })
        : per === 'address'
          ? from('2001:db8:0:7::2')
          : per.includes('session')
            ? session('one')
            : call('search', { caller: a });
    assert.deepEqual(await sendAll(road, first, other, same), ['ok', 'ok', 'l 3600']);
  });

test('a limit counts only what it names, and who has no such thing is not counted', async () => {
  const road = await limited('{ per: [agent, tool], tools: ["update_*"], rate: 1/min, name: l }');
  assert.deepEqual(
    await sendAll(road, call('update_a'), call('update_b'), call('search'), call('search'), call('update_a')),
    ['ok', 'ok', 'ok', 'ok', 'l 60'],
  );
  const users = await limited('{ per: user, rate: 1/min, name: l }');
  assert.deepEqual(await sendAll(users, call('search'), call('search')), ['ok', 'ok']);
  const tiers = await limited('{ tier: destructive, rate: 1/min, name: l }', {
    serverSettings: '  tools: { drop: { tier: destructive } }',
  });
  assert.deepEqual(await sendAll(tiers, call('drop'), call('search'), call('drop'), call('search')), [
    'ok',
    'ok',
    'l 60',
    'ok',
  ]);
});

test('limits stand on servers, on tools and on connections, and each counts for itself', async () => {
  const road = await roadOf(connection(', limits: [{ calls: 4/day, name: of-connection }]'), {
    server,
    settings: 'limits: [{ calls: 5/day, name: of-gateway }]',
    serverSettings:
      '  limits: [{ calls: 3/day, name: of-server }]\n    tools: { drop: { limits: [{ calls: 1/day, name: of-tool }] } }',
  });
  const said = await sendAll(road, call('drop'), call('drop'), call('search'), call('search'), call('search'));
  assert.deepEqual(
    said.map((each) => each.split(' ')[0]),
    ['ok', 'of-tool', 'ok', 'ok', 'of-server'],
  );
});

test('eleven calls at ten a minute: the eleventh hears when, and then there is room', async () => {
  const time = clockAt('2026-11-29T12:00:00Z');
  const road = await limited('{ per: caller, rate: 10/min }', { now: time.now });
  for (let at = 0; at < 10; at++) assert.equal(await send(road, call('search')), 'ok');
  assert.equal(await send(road, call('search')), '10/min per caller 6');
  time.pass(5_999);
  assert.equal(await send(road, call('search')), '10/min per caller 1');
  time.pass(1);
  assert.deepEqual(await sendAll(road, call('search'), call('search')), ['ok', '10/min per caller 6']);
  assert.equal(road.calls.length, 11);
  const { facts, end } = road.records[10] ?? {};
  assert.deepEqual([end?.outcome, end?.reason], ['refused', 'limit-reached']);
  assert.deepEqual(facts?.limits, [{ name: '10/min per caller', verdict: 'refused' }]);
  assert.ok(facts?.capability?.type === 'tool' && facts.capability.name === 'search');
});

test('sixty-four calls at once on a rate of ten let ten through', async () => {
  const road = await limited('{ per: caller, rate: 10/min, name: l }');
  const all = await Promise.all(Array.from({ length: 64 }, () => send(road, call('search'))));
  assert.equal(all.filter((each) => each === 'ok').length, 10);
  assert.equal(road.calls.length, 10);
});

test('what is denied or invalid looks so beyond every limit, and takes nothing of it', async () => {
  const time = clockAt('2026-11-29T00:00:00Z');
  const road = await limited('{ per: caller, calls: 1/day, name: l }', { now: time.now });
  const denied = { params: { name: 'drop', arguments: { n: 1 } } };
  const invalid = { params: { name: 'drop', arguments: { other: 1 } } };
  const hidden = call('nothing');
  const all = [denied, invalid, hidden];
  const wanted = ['denied', 'arguments-invalid', 'capability-unknown'];
  assert.deepEqual(await sendAll(road, ...all, call('search'), ...all, call('search')), [
    ...wanted,
    'ok',
    ...wanted,
    // The day, and the part of it in which the call was made.
    'l 89280',
  ]);
});

test('calls of a session, and a session that nothing was called in for an hour is over', async () => {
  const time = clockAt('2026-11-29T12:00:00Z');
  const road = await limited('{ per: [session, tool], tools: [search], calls: 2, name: l }', { now: time.now });
  assert.deepEqual(await sendAll(road, session('one'), session('one'), session('one'), session('two')), [
    'ok',
    'ok',
    'l 3600',
    'ok',
  ]);
  time.pass(3_600_001);
  assert.equal(await send(road, session('one')), 'ok');
});

test('a cost is taken before the call and given back where it was not made; free tools cost nothing', async () => {
  const failing = {
    ...server,
    answer: () => ({ kind: 'failed', failure: { kind: 'unavailable', detail: 'd' } }) as const,
  };
  const settings = '  tools: { drop: { cost: 0.3 }, update_a: { cost: 0.1 } }';
  const road = await limited('{ per: application, cost: 1/day, name: l }', { serverSettings: settings });
  const by = (name: string): ToyRequest => call(name, { caller: callerOf({ application: 'p' }) });
  assert.deepEqual(
    (
      await sendAll(road, by('drop'), by('drop'), by('drop'), by('drop'), by('update_a'), by('update_a'), by('search'))
    ).map((each) => each.split(' ')[0]),
    ['ok', 'ok', 'ok', 'l', 'ok', 'l', 'ok'],
  );
  const broken = await limited('{ cost: 0.3/day, name: l }', { serverSettings: settings, server: failing });
  assert.deepEqual(await sendAll(broken, call('drop'), call('drop')), ['server-unavailable', 'server-unavailable']);
});

test('bytes are counted as they were, in the direction that is said', async () => {
  const large = { ...server, answer: () => result({ content: [{ type: 'text', text: 'x'.repeat(3_000) }] }) };
  const one = async (limit: string) => {
    const road = await limited(limit, { server: large });
    const said = await sendAll(road, call('search'), call('search'), call('search'));
    return said.map((each) => each.split(' ')[0]);
  };
  assert.deepEqual(await one('{ bytes: 4kB/day, direction: response, name: l }'), ['ok', 'ok', 'l']);
  assert.deepEqual(await one('{ bytes: 25B/day, direction: request, name: l }'), ['ok', 'ok', 'l']);
  assert.deepEqual(await one('{ bytes: 3kB/day, name: l }'), ['ok', 'l', 'l']);
});

test('a limit that only observes lets through, and the record says what it would have done', async () => {
  const road = await limited('{ rate: 1/h, mode: observe, name: trial }');
  assert.deepEqual(await sendAll(road, call('search'), call('search')), ['ok', 'ok']);
  assert.deepEqual(road.records[1]?.facts.limits, [{ name: 'trial', verdict: 'would refuse' }]);
  assert.deepEqual(
    road.limitEvents.map(({ what }) => what),
    ['would-refuse'],
  );
});

test('a budget says once that it is nearly used up', async () => {
  const road = await limited('{ calls: 10/day, warnAt: 80%, name: l }');
  for (let at = 0; at < 10; at++) await send(road, call('search'));
  assert.deepEqual(
    road.limitEvents.map(({ what, used }) => [what, used]),
    [['warned', 8]],
  );
});

test('days are those of the calendar where a zone is said, and setting the clock neither frees nor locks rates', async () => {
  const time = clockAt('2026-03-28T22:30:00Z');
  const road = await limited('{ calls: 1/day, zone: Europe/Paris, name: l }', { now: time.now });
  // 23:30 in Paris; the day after it has 23 hours.
  assert.deepEqual(await sendAll(road, call('search'), call('search')), ['ok', 'l 1800']);
  time.pass(1_800_000);
  assert.deepEqual(await sendAll(road, call('search'), call('search')), ['ok', `l ${23 * 3_600}`]);
  const rate = await limited('{ rate: 1/min, name: l }', { now: time.now });
  assert.deepEqual(await sendAll(rate, call('search'), call('search')), ['ok', 'l 60']);
  for (const hour of [3_600_000, -7_200_000]) {
    time.set(hour);
    assert.equal(await send(rate, call('search')), 'l 60');
  }
  time.pass(60_000);
  assert.equal(await send(rate, call('search')), 'ok');
});

test('a clock that is set gives no day and no month of a calendar twice', async () => {
  const day = 86_400_000;
  const many = (count: number) => Array.from({ length: count }, () => call('search'));
  for (const [unit, steps] of [
    ['day', [-day, day]],
    ['day', [-3 * day, 3 * day]],
    ['day', [day, -day]],
    ['day', [10 * day, -10 * day]],
    ['month', [-40 * day, 40 * day]],
    ['month', [40 * day, -40 * day]],
    ['month', [400 * day, -400 * day]],
  ] as const) {
    const said = `${unit} ${steps.map((ms) => ms / day).join(' ')}`;
    const time = clockAt('2026-06-10T10:00:00Z');
    const road = await limited(`{ calls: 3/${unit}, zone: UTC, name: l }`, { now: time.now });
    const made = async (): Promise<number> => (await sendAll(road, ...many(5))).filter((each) => each === 'ok').length;
    assert.equal(await made(), 3, said);
    time.set(steps[0]);
    const elsewhere = await made();
    assert.ok(elsewhere <= 3, `${said}: ${elsewhere} while it is set wrong`);
    time.set(steps[1]);
    assert.equal(await made(), 0, `${said}: the same ${unit}`);
    // What was counted ahead of time counts when its time comes.
    time.pass(unit === 'day' ? 2 * day : 62 * day);
    assert.equal(await made(), 3, `${said}: a later ${unit}`);
  }
});

test('a clock that was days ahead when the gateway began frees no day early', async () => {
  const day = 86_400_000;
  const time = clockAt('2026-06-10T10:00:00Z');
  const road = await limited('{ per: agent, calls: 1/day, zone: UTC, name: l }', { now: time.now });
  const by = (agent: string) => send(road, call('search', { caller: callerOf({ agent }) }));
  time.set(-10 * day);
  assert.deepEqual([await by('a'), await by('a')], ['ok', `l ${14 * 3_600}`]);
  // Each new key has a look at keys that could be forgotten.
  for (let each = 0; each < 32; each++) await by(`b${each}`);
  assert.equal(await by('a'), `l ${14 * 3_600}`);
});

test('calls under way: one waits its turn, callers take turns, and what waits too long is refused', async (t) => {
  // A machine with other work does not make calls wait too long.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const open: (() => void)[] = [];
  const answer = () =>
    new Promise<ReturnType<typeof result>>((resolve) => {
      open.push(() => resolve(result({ content: [] })));
    });
  const road = await limited('{ per: server, concurrency: 1, queue: 4, wait: 100ms, name: l }', {
    server: { ...server, answer },
  });
  const order: string[] = [];
  const by = async (agent: string): Promise<string> => {
    const said = await send(road, call('search', { caller: callerOf({ agent }) }));
    order.push(`${agent} ${said}`);
    return said;
  };
  const next = async (): Promise<void> => {
    await turnsUntil(() => open.length > 0, 'a call under way');
    open.shift()?.();
  };
  const first = by('a');
  const waiting = [by('a'), by('a'), by('b')];
  const tooMany = by('a');
  assert.equal(await tooMany, 'l 1', 'half of the queue for one caller');
  for (let at = 0; at < 4; at++) await next();
  await Promise.all([first, ...waiting]);
  assert.deepEqual(order, ['a l 1', 'a ok', 'a ok', 'b ok', 'a ok']);
  const last = by('a');
  const queued = (): number => road.limitEvents.filter(({ what }) => what === 'queued').length;
  const before = queued();
  const late = by('b');
  await turnsUntil(() => queued() > before, 'a call that waits');
  t.mock.timers.tick(99);
  await turnsUntil(() => open.length > 0, 'a call under way');
  assert.ok(!order.includes('b l 1'), 'it waits for 100 ms');
  t.mock.timers.tick(1);
  assert.equal(await late, 'l 1');
  await next();
  assert.equal(await last, 'ok');
  assert.equal(await Promise.all([by('a'), next()]).then(([said]) => said), 'ok', 'all room was given back');
});

test('a call that waited counts in the time in which it is made', async () => {
  const clock = clockAt('2026-05-05T12:00:00Z');
  const open: (() => void)[] = [];
  const answer = () =>
    new Promise<ReturnType<typeof result>>((resolve) => {
      open.push(() => resolve(result({ content: [] })));
    });
  const road = await limited(
    '{ per: server, concurrency: 1, queue: 8, wait: 10m, name: one }, { per: server, calls: 2/min, name: two }',
    { server: { ...server, answer }, now: clock.now },
  );
  const next = async (): Promise<void> => {
    await turnsUntil(() => open.length > 0, 'a call under way');
    open.shift()?.();
  };
  const by = (agent: string): Promise<string> => send(road, call('search', { caller: callerOf({ agent }) }));
  const first = by('a');
  const second = by('b');
  const queued = (): boolean => road.limitEvents.some(({ what }) => what === 'queued');
  await turnsUntil(() => open.length > 0 && queued(), 'one call under way and one that waits');
  clock.pass(300_000);
  await next();
  assert.equal(await first, 'ok');
  const third = by('c');
  await next();
  assert.equal(await second, 'ok');
  await next();
  assert.equal(await third, 'ok');
  assert.match(await by('a'), /^two /, 'two were made within this minute');
});

test('lists and handshakes have limits of their own', async () => {
  const road = await limited(
    '{ of: lists, per: caller, rate: 2/h, name: lists }, { of: handshakes, rate: 1/h, name: hi }',
  );
  const list = { method: 'tools/list', params: {} };
  const hello = { method: 'server/discover', params: {} };
  assert.deepEqual(await sendAll(road, list, list, list, hello, hello, call('search')), [
    'ok',
    'ok',
    'lists 1800',
    'ok',
    'hi 3600',
    'ok',
  ]);
});

test('what ships slows down what cannot be undone', async () => {
  const road = await roadOf(connection(), {
    server,
    settings: 'limits: recommended',
    serverSettings: '  tools: { drop: { tier: destructive } }',
  });
  const said: string[] = [];
  for (let at = 0; at < 6; at++) said.push(await send(road, call('drop')));
  assert.deepEqual(said, ['ok', 'ok', 'ok', 'ok', 'ok', 'recommended/destructive 6']);
  assert.equal(await send(road, call('search')), 'ok');
});

test('what ships limits calls only where it stands on a server', async () => {
  const road = await roadOf(connection(), { server, serverSettings: '  limits: recommended' });
  const rules = road.snapshot.limits.all;
  assert.deepEqual(
    rules.map(({ name, of }) => `${name} ${of}`),
    ['recommended/read calls', 'recommended/write calls', 'recommended/destructive calls'],
  );
});

test('probing slows down: after many refusals each further one costs a pause, of that caller only', async () => {
  const road = await roadOf(connection(), { server, settings: 'bounds: { refusals: 3 }' });
  const probe = (caller: Caller): ToyRequest => call('nothing', { caller });
  const other = callerOf({ agent: 'b' });
  const said = await sendAll(road, probe(a), probe(a), probe(a), probe(a), call('search', { caller: a }), probe(other));
  assert.deepEqual(said, [
    'capability-unknown',
    'capability-unknown',
    'capability-unknown',
    'capability-unknown',
    'too-many-refusals',
    'capability-unknown',
  ]);
  assert.equal(await send(road, call('search', { caller: other })), 'ok');
});
