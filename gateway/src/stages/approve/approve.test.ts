/** Approvals on the whole road, in process: what they are bound to, how they are spent, and every way in which they end. */
import assert from 'node:assert/strict';
import { fdatasync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cpuMs } from '../../../test/support/cpu.ts';
import { callerOf } from '../../../test/support/policy.ts';
import { type Road, type RoadOptions, roadOf } from '../../../test/support/road.ts';
import { turnsUntil } from '../../../test/support/turns.ts';
import type { AuditEvent } from '../../pipeline/contracts/audit.ts';
import { type JsonObject, readOwnJson } from '../../protocol/json.ts';
import type { JournalOptions } from '../../stores/sqlite/journal.ts';
import { type Approvals, createApprovals } from './approve.ts';
import { approvalDigest } from './digest.ts';
import { type ApprovalStore, approvalBounds, openApprovalStore, type Vote } from './store.ts';
import { viewOf } from './view.ts';

const folders: string[] = [];
const stores: ApprovalStore[] = [];
after(() => {
  for (const store of stores) store.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const master = Buffer.alloc(32, 5);

function storeIn(folder: string, journal?: JournalOptions): ApprovalStore {
  const store = openApprovalStore(folder, master, journal);
  stores.push(store);
  return store;
}

interface World {
  readonly road: Road;
  readonly store: ApprovalStore;
  readonly folder: string;
  readonly events: AuditEvent[];
  /** What operators are now. */
  readonly operators: Map<string, Pick<Vote, 'role' | 'user'>>;
  readonly approvals: () => Approvals;
  readonly call: (
    args: JsonObject,
    agent?: string,
  ) => Promise<{ readonly kind: string; readonly reason?: string; readonly text: string }>;
}

const schema = { type: 'object', properties: { text: { type: 'string' }, n: { type: 'number' } } };

async function worldOf(
  rule = 'hold: "*"',
  {
    waitMs = 0,
    journal,
    ...options
  }: RoadOptions & { readonly waitMs?: number; readonly journal?: JournalOptions } = {},
  user?: string,
): Promise<World> {
  const operators: World['operators'] = new Map();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-approvals-'));
  folders.push(folder);
  const store = storeIn(folder, journal);
  const events: AuditEvent[] = [];
  let approvals: Approvals | undefined;
  const connections = `- { name: c, from: { agent: [a, b] }, to: s, tools: [{ ${rule} }], prompts: [{ hold: "*" }] }`;
  const road = await roadOf(connections, {
    server: { tools: [{ name: 'echo', inputSchema: schema }] },
    ...options,
    approvals: (rights) =>
      (approvals = createApprovals({
        store,
        audit: {
          record(event) {
            events.push(event);
            return Promise.resolve();
          },
        },
        rights,
        waitMs: () => waitMs,
        operatorNow: (name) => operators.get(name),
        announce: () => {},
        pageFor: () => undefined,
        onPageOver: () => {},
        onState: () => {},
      })),
  });
  return {
    road,
    store,
    folder,
    events,
    operators,
    approvals: () => approvals as Approvals,
    async call(args, agent = 'a') {
      const { reply } = await road.send({
        params: { name: 'echo', arguments: args },
        caller: callerOf({ agent, ...(user !== undefined && { user }) }),
      });
      const reason = reply.kind === 'refused' ? reply.refusal.reason : undefined;
      return { kind: reply.kind, ...(reason !== undefined && { reason }), text: JSON.stringify(reply) };
    },
  };
}

const pendingId = ({ store }: World): string => store.list({ state: 'pending' }, Date.now())[0]?.id ?? '';

const by = (name: string, reason?: string) =>
  ({ by: name, kind: 'machine', at: Date.now(), ...(reason !== undefined && { reason }) }) as const;

test('a held call is made once after it was approved, and then held again', async () => {
  const world = await worldOf();
  const { road, store, call, events } = world;
  assert.equal((await call({ text: 'x', n: 1 })).reason, 'approval-pending');
  const id = pendingId(world);
  assert.equal((await store.vote(id, 'approve', by('os:dana', 'fine'))).ok, true);
  assert.equal(road.calls.length, 0);
  // Equal JSON, spelled differently.
  assert.equal((await call({ n: 1, text: 'x' })).kind, 'text');
  assert.equal(road.calls.length, 1);
  assert.equal((await call({ text: 'x', n: 1 })).reason, 'approval-pending');
  assert.equal(road.calls.length, 1);
  assert.notEqual(pendingId(world), id);
  assert.deepEqual(road.records.at(1)?.facts.approval, { id, verdict: 'approved by os:dana' });
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['approval-pending', 'approval-approved', 'approval-consumed', 'approval-pending'],
  );
  assert.match(JSON.stringify(events[2]?.detail), /"by":"os:dana","at":\d+,"reason":"fine"/);
});

test('another call needs another approval: arguments, caller, definition, rule', async () => {
  const world = await worldOf();
  await world.call({ text: 'x' });
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  for (const [args, agent] of [
    [{ text: 'y' }, 'a'],
    [{ text: 'x', n: 0 }, 'a'],
    [{}, 'a'],
    [{ text: 'x' }, 'b'],
  ] as const)
    assert.equal((await world.call(args, agent)).reason, 'approval-pending', JSON.stringify([args, agent]));
  assert.equal(world.road.calls.length, 0);
  const bound = {
    caller: 'a',
    server: 's',
    capability: { type: 'tool', name: 't' },
    arguments: { a: 1 },
    definition: 'd',
    rule: { connection: 'c', text: 'hold *' },
    terms: { quorum: 1, within: 1, reason: 'optional' } as const,
  };
  const digests = [
    bound,
    { ...bound, caller: 'b' },
    { ...bound, server: 'r' },
    { ...bound, capability: { type: 'prompt', name: 't' } },
    { ...bound, arguments: { a: '1' } },
    { ...bound, definition: 'e' },
    { ...bound, rule: { connection: 'c', text: 'hold t' } },
    { ...bound, terms: { ...bound.terms, quorum: 2 } },
    { ...bound, answers: { a: {} } },
    { ...bound, meta: { 'x/y': 1 } },
  ].map(approvalDigest);
  assert.equal(new Set(digests).size, digests.length);
});

test('of many that spend one approval, one does', async () => {
  const world = await worldOf();
  await world.call({ text: 'x' });
  const id = pendingId(world);
  await world.store.vote(id, 'approve', by('os:dana'));
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => world.call({ text: 'x' })));
  assert.equal(outcomes.filter(({ kind }) => kind === 'text').length, 1);
  assert.equal(world.road.calls.length, 1);
  const [one, two] = [storeIn(world.folder), storeIn(world.folder)];
  await world.call({ text: 'x' });
  const next = pendingId(world);
  await one.vote(next, 'approve', by('os:dana'));
  assert.deepEqual([(await one.spend(next, Date.now())).ok, (await two.spend(next, Date.now())).ok], [true, false]);
});

test('a rejection tells the model why, and holds for a while', async () => {
  const world = await worldOf();
  await world.call({ text: 'x' });
  await world.store.vote(pendingId(world), 'reject', by('os:dana', 'not on Fridays'));
  const again = await world.call({ text: 'x' });
  assert.equal(again.reason, 'approval-rejected');
  assert.match(again.text, /not on Fridays/);
  assert.equal(
    (await world.store.vote(world.store.list({}, Date.now())[0]?.id ?? '', 'approve', by('os:eve'))).ok,
    false,
  );
});

test('a quorum is of different persons, a reason is asked for, and a use can repeat', async () => {
  const world = await worldOf('hold: "*", approval: { quorum: 2, reason: required, grant: { for: 1m } }');
  await world.call({ text: 'x' });
  const id = pendingId(world);
  const { store } = world;
  assert.deepEqual(await store.vote(id, 'approve', by('os:dana')), {
    ok: false,
    problem: 'no-reason',
    approval: store.get(id, Date.now()),
  });
  assert.equal((await store.vote(id, 'approve', by('os:dana', 'r'))).ok, true);
  const twice = await store.vote(id, 'approve', by('os:dana', 'r'));
  assert.equal(!twice.ok && twice.problem, 'twice');
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-pending');
  await store.vote(id, 'approve', by('os:eve', 'r'));
  for (let round = 0; round < 3; round++) assert.equal((await world.call({ text: 'x' })).kind, 'text');
  assert.equal(store.get(id, Date.now())?.uses, 3);
  assert.equal(store.get(id, Date.now() + 61_000)?.state, 'expired');
});

test('what is not decided in time, or not used in time, is over', async () => {
  const world = await worldOf('hold: "*", approval: { within: 1m }');
  await world.call({ text: 'x' });
  const id = pendingId(world);
  const { store } = world;
  const late = await store.vote(id, 'approve', { ...by('os:dana'), at: Date.now() + 61_000 });
  assert.equal(!late.ok && late.problem, 'over');
  assert.equal((await store.vote(id, 'approve', by('os:dana'))).ok, true);
  assert.equal((await store.spend(id, Date.now() + 61_000)).ok, false);
  assert.deepEqual(
    store.unrecorded.take('new', Date.now() + 61_000).map(({ state }) => state),
    ['expired'],
  );
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-pending');
});

test('a call that waits is made as soon as it is approved', async () => {
  const world = await worldOf('hold: "*"', { waitMs: 20_000 });
  const waiting = world.call({ text: 'x' });
  const joined = world.call({ text: 'x' });
  await turnsUntil(() => world.approvals().size > 0, 'a call that waits');
  assert.equal(world.store.list({ state: 'pending' }, Date.now()).length, 1, 'the second joins the first');
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  await world.approvals().look();
  const kinds = (await Promise.all([waiting, joined])).map(({ kind, reason }) => reason ?? kind);
  assert.deepEqual(kinds.toSorted(), ['approval-over', 'text']);
  assert.equal(world.approvals().size, 0);
});

test('rights of now decide when an approval is used', async () => {
  const world = await worldOf('hold: "*"', { waitMs: 20_000 });
  const waiting = world.call({ text: 'x' });
  await turnsUntil(() => world.approvals().size > 0, 'a call that waits');
  const denying = await roadOf('- { name: c, from: { agent: [a, b] }, to: s, tools: [{ deny: "*" }] }');
  world.road.take({ ...world.road.snapshot, policy: denying.snapshot.policy });
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  await world.approvals().look();
  assert.equal((await waiting).reason, 'right-ended');
  assert.equal(world.road.calls.length, 0);
});

test('prompts are held like tools', async () => {
  const world = await worldOf('hold: "*"', { server: { prompts: [{ name: 'p' }] } });
  const ask = async () => (await world.road.send({ method: 'prompts/get', params: { name: 'p' } })).reply;
  const first = await ask();
  assert.equal(first.kind === 'refused' && first.refusal.reason, 'approval-pending');
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  assert.equal((await ask()).kind, 'text');
});

test('a caller fills its share and not that of others, and what is too large to be shown is not held', async () => {
  const world = await worldOf();
  for (let n = 0; n < approvalBounds.pendingOfOne; n++)
    assert.equal((await world.call({ n })).reason, 'approval-pending');
  assert.equal((await world.call({ n: -1 })).reason, 'too-many-approvals');
  assert.equal((await world.call({ n: -1 }, 'b')).reason, 'approval-pending');
  assert.equal((await world.call({ text: 'x'.repeat(300_000) }, 'b')).reason, 'held');
});

test('what is kept of the arguments is encrypted, and opens for no other key', async () => {
  const world = await worldOf();
  await world.call({ text: 'a very secret text' });
  const other = openApprovalStore(world.folder, Buffer.alloc(32, 6));
  stores.push(other);
  assert.equal(other.get(pendingId(world), Date.now())?.content, undefined);
  assert.equal(world.store.get(pendingId(world), Date.now())?.content?.arguments.text, 'a very secret text');
});

test('hundreds that wait are listed and decided at once', async () => {
  const world = await worldOf();
  const content = {
    server: 's',
    capability: { type: 'tool', name: 't' },
    arguments: {},
    rule: { connection: 'c', text: 'hold' },
    terms: { quorum: 1, within: 900_000, reason: 'optional' } as const,
    place: '',
    revision: '',
    who: {},
  };
  for (let n = 0; n < 600; n++) {
    const caller = `a${n}`;
    assert.ok(
      (
        await world.store.request({
          content: { ...content, caller },
          digest: `${n}`,
          scope: '',
          waiter: 'w',
          now: Date.now(),
        })
      ).ok,
    );
  }
  const began = cpuMs();
  assert.equal(world.store.list({ state: 'pending', limit: 500 }, Date.now()).length, 500);
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  // A disk that syncs slowly is allowed for.
  assert.ok(cpuMs() - began < 2_000);
});

test('an approval whose call was not made after all is there for the next one', async () => {
  let isFull = true;
  const world = await worldOf('hold: "*"', {
    audit: {
      intend: () => (isFull ? Promise.reject(new Error('the disk is full')) : undefined),
    },
  });
  await world.call({ text: 'x' });
  const id = pendingId(world);
  await world.store.vote(id, 'approve', by('os:dana'));
  assert.equal((await world.call({ text: 'x' })).reason, 'record-unavailable');
  assert.equal(world.store.get(id, Date.now())?.state, 'approved');
  isFull = false;
  assert.equal((await world.call({ text: 'x' })).kind, 'text');
  assert.equal(world.road.calls.length, 1);
});

test('what changed is read in the order of its changes, by whichever process, and once', async () => {
  const world = await worldOf();
  const { store } = world;
  const other = storeIn(world.folder);
  for (const text of ['one', 'two', 'three']) await world.call({ text });
  const [one = '', two = '', three = ''] = store.changedSince(0, 10, Date.now()).map(({ id }) => id);
  const texts = [one, two, three].map((id) => store.get(id, Date.now())?.content?.arguments.text);
  assert.deepEqual(texts, ['one', 'two', 'three']);
  const states = (after: number, limit = 10) =>
    store.changedSince(after, limit, Date.now()).map(({ id, state }) => [id, state]);
  const before = store.lastChange();
  await other.vote(three, 'approve', by('os:dana'));
  await store.vote(one, 'reject', by('os:dana'));
  assert.deepEqual(states(before), [
    [three, 'approved'],
    [one, 'rejected'],
  ]);
  assert.deepEqual(states(before, 1), [[one, 'rejected']], 'the last ones');
  const after = store.lastChange();
  assert.equal(other.lastChange(), after);
  // That it is recorded is no news.
  await world.approvals().look();
  assert.deepEqual([states(after), store.lastChange()], [[], after]);
});

test('what the disk has not taken makes no call, and is there when it takes it', async () => {
  let stands = false;
  const stuck: (() => void)[] = [];
  // A busy machine would take longer for a real one than is waited here.
  const sync: JournalOptions['sync'] = (_file, done) => {
    const synced = (): void => void setImmediate(done, null);
    if (stands) stuck.push(synced);
    else synced();
  };
  const world = await worldOf('hold: "*"', { journal: { sync, patienceMs: 100 } });
  const goOn = (): void => {
    stands = false;
    for (const each of stuck.splice(0)) each();
  };
  stands = true;
  assert.equal((await world.call({ text: 'x' })).reason, 'record-unavailable', 'no client hears of an approval');
  goOn();
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-pending');
  const id = pendingId(world);
  stands = true;
  const voted = await world.store.vote(id, 'approve', by('os:dana'));
  assert.equal(!voted.ok && voted.problem, 'unkept');
  assert.equal((await world.call({ text: 'x' })).reason, 'record-unavailable');
  assert.equal(world.road.calls.length, 0);
  assert.equal((await world.store.spend(id, Date.now())).ok, false);
  assert.equal(world.store.stateOf(id, Date.now()), 'approved', 'no call was made by it');
  goOn();
  assert.equal((await world.call({ text: 'x' })).kind, 'text');
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-pending');
  assert.equal(world.road.calls.length, 1);
});

test('a right that ends while the disk keeps the use of an approval ends the call, and gives the approval back', async () => {
  let isSpent = (): boolean => false;
  const { promise: isStuck, resolve: stuck } = Promise.withResolvers<() => void>();
  const sync: JournalOptions['sync'] = (file, done) =>
    isSpent() ? stuck(() => fdatasync(file, done)) : fdatasync(file, done);
  const world = await worldOf('hold: "*"', { journal: { sync } });
  await world.call({ text: 'x' });
  const id = pendingId(world);
  await world.store.vote(id, 'approve', by('os:dana'));
  isSpent = () => world.store.stateOf(id, Date.now()) === 'consumed';
  const calling = world.call({ text: 'x' });
  const goOn = await isStuck;
  isSpent = () => false;
  const denying = await worldOf('deny: "*"');
  world.road.take({ ...world.road.snapshot, policy: denying.road.snapshot.policy });
  goOn();
  assert.equal((await calling).reason, 'right-ended');
  assert.equal(world.road.calls.length, 0);
  assert.equal(world.store.stateOf(id, Date.now()), 'approved');
});

test('a gateway that ends keeps no call waiting', async () => {
  const world = await worldOf('hold: "*"', { waitMs: 30_000 });
  const waiting = world.call({ text: 'x' });
  await turnsUntil(() => world.approvals().size > 0, 'a call that waits');
  world.approvals().release();
  assert.equal((await waiting).reason, 'approval-pending');
});

test('what a guardrail holds waits for a person, and is made as it was sent once it was approved', async () => {
  const secret = ['AKIA', 'QX3J5TNB7WRKL2ZD'].join('');
  const world = await worldOf('allow: "*"', {
    serverSettings: '  guardrails: { request: { secrets: hold, pii: redact } }',
  });
  const args = { text: `${secret} of ada@lovelace.dev` };
  assert.equal((await world.call(args)).reason, 'approval-pending');
  assert.ok(!JSON.stringify(world.road.records).includes(secret), 'the record does not keep what was not approved');
  const id = pendingId(world);
  const { content } = world.store.get(id, Date.now()) ?? {};
  assert.match(content?.guardrail ?? '', /^servers\.s\S* holds secrets\/[\w-]+ at \/text/);
  assert.deepEqual(content?.arguments, { text: `${secret} of [redacted: pii/email]` });
  await world.store.vote(id, 'approve', by('os:dana'));
  assert.equal((await world.call(args)).kind, 'text');
  assert.deepEqual(world.road.calls.at(-1)?.params.arguments, { text: `${secret} of [redacted: pii/email]` });
  assert.equal((await world.call({ text: 'x' })).kind, 'text');
});

test('what the client answers and says in _meta is part of what is approved', async () => {
  const world = await worldOf();
  const send = async (more: JsonObject) => {
    const { reply } = await world.road.send({ params: { name: 'echo', arguments: { text: 'x' }, ...more } });
    return reply.kind === 'refused' ? reply.refusal.reason : reply.kind;
  };
  assert.equal(await send({}), 'approval-pending');
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  assert.equal(
    await send({ inputResponses: { confirm: { action: 'accept', content: { all: true } } } }),
    'approval-pending',
  );
  assert.equal(await send({ _meta: { 'evil/say': 1 } }), 'approval-pending');
  assert.equal(world.road.calls.length, 0);
  assert.equal(await send({}), 'text');
});

test('an approval under other terms is another approval', async () => {
  const world = await worldOf('hold: "*"', { waitMs: 20_000 });
  const waiting = world.call({ text: 'x' });
  await turnsUntil(() => world.approvals().size > 0, 'a call that waits');
  const stricter = await roadOf(
    '- { name: c, from: { agent: [a, b] }, to: s, tools: [{ hold: "*", approval: { quorum: 2 } }] }',
  );
  world.road.take({ ...world.road.snapshot, policy: stricter.snapshot.policy });
  await world.store.vote(pendingId(world), 'approve', by('os:dana'));
  await world.approvals().look();
  assert.equal((await waiting).reason, 'right-ended');
  assert.equal(world.road.calls.length, 0);
});

const operator = (name: string, more: Partial<Vote> = {}): Vote => ({
  by: `operator:${name}`,
  kind: 'operator',
  role: 'approver',
  at: Date.now(),
  ...more,
});

test('the rule names who decides: by role, by name, another person, or the requester', async () => {
  const cases = [
    ['', operator('x'), undefined],
    ['', operator('x', { role: 'auditor' }), 'no-approver'],
    ['', by('os:root'), undefined],
    ['', { ...by('user:dana'), kind: 'user', user: 'dana' }, 'no-approver'],
    ['by: { role: auditor }', operator('x'), 'no-approver'],
    ['by: { role: auditor }', operator('x', { role: 'auditor' }), undefined],
    ['by: { role: [auditor, approver] }', by('os:root'), 'no-approver'],
    ['by: [requester, { operator: [x, y] }]', operator('y', { role: 'viewer' }), undefined],
    ['by: [requester, { operator: [x, y] }]', operator('z'), 'no-approver'],
    ['by: requester', { ...by('user:dana'), kind: 'user', user: 'dana' }, undefined],
    ['by: requester', { ...by('user:eve'), kind: 'user', user: 'eve' }, 'no-approver'],
    ['by: requester', operator('x', { user: 'dana' }), undefined],
    ['notBy: requester', operator('x', { user: 'dana' }), 'own-request'],
    ['notBy: requester', operator('x'), 'person-unknown'],
    ['notBy: requester', operator('x', { user: 'eve' }), undefined],
    ['notBy: requester', by('os:root'), 'person-unknown'],
    ['proof: passkey', operator('x'), 'proof-required'],
    ['', operator('x', { servers: ['other'] }), 'elsewhere'],
    ['', operator('x', { servers: ['s'] }), undefined],
  ] as const satisfies readonly (readonly [string, Vote, string | undefined])[];
  for (const [terms, vote, problem] of cases) {
    const world = await worldOf(`hold: "*", approval: { ${terms} }`, {}, 'dana');
    await world.call({ text: 'x' });
    const voted = await world.store.vote(pendingId(world), 'approve', vote);
    assert.equal(voted.ok ? undefined : voted.problem, problem, `${terms} ${JSON.stringify(vote)}`);
  }
});

test('one person counts once, whatever it decides with, and who may no more counts no more', async () => {
  const world = await worldOf('hold: "*", approval: { quorum: 2 }');
  const { store, operators } = world;
  await world.call({ text: 'x' });
  const id = pendingId(world);
  assert.equal((await store.vote(id, 'approve', operator('x', { user: 'erin' }))).ok, true);
  const twice = await store.vote(id, 'approve', operator('y', { user: 'erin' }));
  assert.equal(!twice.ok && twice.problem, 'twice');
  assert.equal((await store.vote(id, 'approve', operator('z', { user: 'alex' }))).ok, true);
  operators.set('operator:x', { role: 'approver', user: 'erin' });
  operators.set('operator:z', { role: 'auditor', user: 'alex' });
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-over');
  assert.equal(world.road.calls.length, 0);
  assert.equal(store.get(id, Date.now())?.state, 'withdrawn');
  // Two accounts that became one person are one.
  await world.call({ text: 'x' });
  const next = pendingId(world);
  await store.vote(next, 'approve', operator('x', { user: 'erin' }));
  await store.vote(next, 'approve', operator('z', { user: 'alex' }));
  operators.set('operator:z', { role: 'approver', user: 'erin' });
  assert.equal((await world.call({ text: 'x' })).reason, 'approval-over');
});

test('a grant covers the arguments that its condition names, so often and no oftener', async () => {
  const world = await worldOf('hold: "*", approval: { grant: { when: args.n == approved.n, for: 1h, calls: 3 } }');
  await world.call({ n: 1, text: 'a' });
  assert.equal((await world.store.vote(pendingId(world), 'approve', by('os:dana'))).ok, true);
  assert.equal((await world.call({ n: 1, text: 'b' })).kind, 'text');
  assert.equal((await world.call({ n: 2, text: 'a' })).reason, 'approval-pending');
  assert.equal((await world.call({ n: 1, text: 'b' }, 'b')).reason, 'approval-pending');
  assert.equal((await world.call({ text: 'a' })).reason, 'approval-pending');
  assert.equal((await world.call({ n: 1, text: 'a' })).kind, 'text');
  assert.equal((await world.call({ n: 1, text: 'c' })).kind, 'text');
  assert.equal((await world.call({ n: 1, text: 'd' })).reason, 'approval-pending');
  assert.equal(world.road.calls.length, 3);
  // What is used up is over, for the approved arguments as well.
  assert.equal((await world.call({ n: 1, text: 'a' })).reason, 'approval-pending');
});

test('a page shows each number as it is spelled, in the order of the digest', async () => {
  const world = await worldOf();
  await world.call({ n: 1 });
  const approval = world.store.get(pendingId(world), Date.now());
  assert.ok(approval?.content !== undefined);
  const spelled = readOwnJson('{"b":9007199254740993,"a":[1e400,0.10000000000000000000001,{}]}') as JsonObject;
  const { texts, isDrawn } = viewOf({ ...approval, content: { ...approval.content, arguments: spelled } }, Date.now());
  assert.equal(isDrawn, true);
  const shown = (texts[0]?.html ?? '').replaceAll('&#34;', '"');
  assert.equal(
    shown,
    '{\n  "a": [\n    1e400,\n    0.10000000000000000000001,\n    {}\n  ],\n  "b": 9007199254740993\n}',
  );
});

test('what cannot be drawn has no button, and what is larger than can be shown is not held', async () => {
  const world = await worldOf();
  await world.call({ text: '\u200b\u200c'.repeat(20_000) });
  const approval = world.store.get(pendingId(world), Date.now());
  assert.ok(approval !== undefined);
  const { isDrawn, note } = viewOf(approval, Date.now());
  assert.equal(isDrawn, false);
  assert.match(note ?? '', /cannot be seen/);
  const { reply } = await world.road.send({
    params: { name: 'echo', arguments: {}, _meta: { 'x/y': 'x'.repeat(300_000) } },
  });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'held');
});

test('an approval that is given back is of the same call, and its approvers are looked at as before', async () => {
  let isFull = true;
  const audit = {
    intend: () => (isFull ? Promise.reject(new Error('the disk is full')) : undefined),
  };
  const givenBack = async (terms: string, vote: Vote): Promise<{ readonly world: World; readonly id: string }> => {
    isFull = true;
    const world = await worldOf(`hold: "*", approval: { ${terms} }`, { audit }, 'dana');
    await world.call({ n: 1, text: 'x' });
    const id = pendingId(world);
    assert.equal((await world.store.vote(id, 'approve', vote)).ok, true, terms);
    const { by, role = '', user } = vote;
    world.operators.set(by, { role, ...(user !== undefined && { user }) });
    assert.equal((await world.call({ n: 1, text: 'x' })).reason, 'record-unavailable', terms);
    await world.approvals().look();
    isFull = false;
    return { world, id };
  };
  const requester = await givenBack('by: requester', { ...by('user:dana'), kind: 'user', user: 'dana' });
  const { store, events } = requester.world;
  assert.equal(store.get(requester.id, Date.now())?.content?.arguments.text, 'x');
  assert.equal(store.list({}, Date.now())[0]?.summary?.who.user, 'dana');
  const told = events.filter(({ kind }) => kind === 'approval-approved');
  assert.deepEqual([told.length, told.at(-1)?.content?.value], [2, told[0]?.content?.value]);
  assert.equal((await requester.world.call({ n: 1, text: 'x' })).kind, 'text');
  const granted = await givenBack('grant: { when: args.n == approved.n, for: 1h, calls: 1 }', by('os:dana'));
  assert.equal((await granted.world.call({ n: 1, text: 'y' })).kind, 'text');
  const other = await givenBack('notBy: requester', operator('erin', { user: 'eve' }));
  other.world.operators.set('operator:erin', { role: 'approver', user: 'dana' });
  assert.equal((await other.world.call({ n: 1, text: 'x' })).reason, 'approval-over', 'the requester itself');
});

test('a clock that is set back makes no approval last longer', async () => {
  const day = 86_400_000;
  const world = await worldOf('hold: "*", approval: { within: 15m, grant: { for: 10m } }');
  const { store } = world;
  const decided = async (text: string, ahead: number): Promise<string> => {
    await world.call({ text });
    const { content } = store.get(pendingId(world), Date.now()) ?? {};
    assert.ok(content !== undefined);
    const now = Date.now() + ahead;
    const made = await store.request({ content, digest: text, scope: text, waiter: 'w', now });
    assert.ok(made.ok);
    assert.ok((await store.vote(made.approval.id, 'approve', { ...by('os:dana'), at: now })).ok);
    return made.approval.id;
  };
  const early = await decided('a minute', 50_000);
  const far = await decided('a day', day);
  assert.equal((await store.spend(far, Date.now())).ok, false);
  assert.equal((await store.spend(far, Date.now() + day)).ok, true);
  store.unrecorded.take('new', Date.now() + day - 1_000);
  assert.equal(store.stateOf(far, Date.now() + day), 'approved');
  const waiting = await store.request({
    content: { ...(store.get(far, Date.now())?.content ?? assert.fail()), caller: 'c' },
    digest: 'w',
    scope: 'w',
    waiter: 'w',
    now: Date.now() + day,
  });
  assert.ok(waiting.ok);
  store.unrecorded.take('new', Date.now());
  assert.deepEqual(
    [early, far, waiting.approval.id].map((id) => store.stateOf(id, Date.now())),
    // A day ahead all that was made by then was over.
    ['expired', 'consumed', 'expired'],
  );
  const another = await decided('a minute again', 50_000);
  assert.equal((await store.spend(another, Date.now())).ok, true, 'a clock that is corrected a little');
});

test('what another process has begun to record is on record before it is spent, also where that one is killed', async () => {
  const world = await worldOf();
  const { store, call, events } = world;
  await call({ text: 'pay' });
  const id = pendingId(world);
  await store.vote(id, 'approve', by('tester'));
  const other = storeIn(world.folder);
  assert.deepEqual(
    other.unrecorded.take('late', Date.now()).map((each) => each.id),
    [id],
  );
  assert.equal((await call({ text: 'pay' })).kind, 'text');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['approval-pending', 'approval-approved', 'approval-consumed'],
  );
});

test('what another process records while it is waited for has one record', async () => {
  const world = await worldOf();
  const { store, call, events } = world;
  await call({ text: 'pay' });
  await store.vote(pendingId(world), 'approve', by('tester'));
  const other = storeIn(world.folder);
  const taken = other.unrecorded.take('late', Date.now());
  const made = call({ text: 'pay' });
  other.unrecorded.recorded(taken);
  assert.equal((await made).kind, 'text');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['approval-pending', 'approval-consumed'],
  );
});
