import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import { type ApprovalStore, openApprovalStore } from './store.ts';

function stores() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-waits-'));
  const open = () => openApprovalStore(folder, Buffer.alloc(32, 3), { sync: (_descriptor, done) => done(null) });
  const [one, other] = [open(), open()];
  return {
    one,
    other,
    [Symbol.dispose]() {
      one.close();
      other.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing waits for it. */
async function requested(store: ApprovalStore, now: number, more: Partial<ApprovalTerms> = {}): Promise<string> {
  const id = await asked(store, 'asking', now, more);
  store.stopWaiting(id, 'asking');
  return id;
}

async function asked(
  store: ApprovalStore,
  waiter: string,
  now: number,
  more: Partial<ApprovalTerms> = {},
): Promise<string> {
  const terms: ApprovalTerms = { within: 60_000, quorum: 1, reason: 'optional', ...more };
  const content = {
    caller: 'a',
    who: {},
    server: 's',
    capability: { type: 'tool', name: 'pay' },
    arguments: {},
    terms,
  };
  const made = await store.request({
    content: content as unknown as Parameters<ApprovalStore['request']>[0]['content'],
    digest: `d${now}`,
    waiter,
    scope: 's',
    now,
  });
  assert.ok(made.ok);
  return made.approval.id;
}

test('an approval is withdrawn with the last that waits for it, in whichever process', async () => {
  using opened = stores();
  const { one, other } = opened;
  const id = await requested(one, 1_000);
  one.wait(id, 'first', 50_000);
  other.wait(id, 'second', 50_000);
  other.wait(id, 'third', 2_000);
  await one.withdraw(id, 'first', 3_000);
  assert.equal(other.stateOf(id, 3_000), 'pending');
  // The third was of a process that was killed.
  await other.withdraw(id, 'second', 3_000);
  assert.equal(one.stateOf(id, 3_000), 'withdrawn');
});

test('what asks for an approval that is there waits for it from the same step on', async () => {
  using opened = stores();
  const { one, other } = opened;
  const id = await asked(one, 'first', 1_000);
  one.wait(id, 'first', 50_000);
  const asking = asked(other, 'second', 1_000);
  // Its client hangs up before the second one hears which approval it is.
  const leaving = one.withdraw(id, 'first', 2_000);
  assert.equal(await asking, id);
  await leaving;
  assert.equal(other.stateOf(id, 2_000), 'pending');
  await other.withdraw(id, 'second', 3_000);
  assert.equal(one.stateOf(id, 3_000), 'withdrawn');
});

test('what asks and ends before it has said for how long it waits is waited for no longer', async () => {
  using opened = stores();
  const { one, other } = opened;
  const id = await asked(one, 'killed', 1_000, { within: 600_000 });
  other.wait(id, 'second', 500_000);
  await other.withdraw(id, 'second', 61_000);
  assert.equal(other.stateOf(id, 61_000), 'withdrawn');
});

test('what has stopped waiting withdraws nothing, and keeps nothing', async () => {
  using opened = stores();
  const { one, other } = opened;
  const id = await requested(one, 1_000);
  one.wait(id, 'first', 50_000);
  one.stopWaiting(id, 'first');
  assert.equal(one.stateOf(id, 2_000), 'pending');
  other.wait(id, 'second', 50_000);
  await other.withdraw(id, 'second', 2_000);
  assert.equal(one.stateOf(id, 2_000), 'withdrawn');
  // There is nothing to wait for.
  one.wait('ap_none', 'first', 50_000);
});

test('an approved one is given up with the last that waits for it, and a grant never', async () => {
  using opened = stores();
  const { one } = opened;
  for (const [grant, end] of [
    [undefined, 'withdrawn'],
    [{ for: 60_000 }, 'approved'],
  ] as const) {
    const now = grant === undefined ? 1_000 : 2_000;
    const id = await requested(one, now, grant === undefined ? {} : { grant });
    one.wait(id, 'first', 50_000);
    one.wait(id, 'second', 50_000);
    const voted = await one.vote(id, 'approve', { by: 'm', kind: 'machine', at: now });
    assert.ok(voted.ok, JSON.stringify(voted));
    await one.withdraw(id, 'other', now);
    await one.giveUp(id, 'first', now);
    assert.equal(one.stateOf(id, now), 'approved');
    await one.giveUp(id, 'second', now);
    assert.equal(one.stateOf(id, now), end);
  }
});
