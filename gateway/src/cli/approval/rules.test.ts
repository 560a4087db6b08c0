/** Rates of rules, and what is proposed where people always say yes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf } from './rules.ts';

const decision = (args: Record<string, unknown> | undefined, more: object = {}) =>
  ({ rule: 'a.yaml:1:1', caller: 'agent:a', name: 'update', arguments: args, ...more }) as Parameters<
    typeof factsOf
  >[0][number];
const five = (args: (n: number) => Record<string, unknown>) => Array.from({ length: 5 }, (_, n) => decision(args(n)));

test('a grant is proposed for what was the same in five approvals, and never after a rejection', () => {
  const proposal = (approved: Parameters<typeof factsOf>[0], rejected: Parameters<typeof factsOf>[0] = []) =>
    factsOf(approved, rejected)[0]?.proposal;
  assert.equal(
    proposal(five((n) => ({ table: 'orders', n }))),
    '{ grant: { when: "args.table == approved.table", for: 1h, calls: 10 } }',
  );
  assert.equal(proposal(five(() => ({ table: 'orders' }))), '{ grant: { for: 1h, calls: 10 } }');
  assert.equal(proposal(five((n) => ({ n }))), undefined);
  assert.equal(proposal(five((n) => (n === 4 ? { n } : { n, table: 'orders' }))), undefined);
  assert.equal(proposal(five(() => ({ 'no name': 1 }))), '{ grant: { for: 1h, calls: 10 } }');
  assert.equal(proposal(five((n) => ({ 'no name': 1, n }))), undefined);
  assert.equal(proposal(five(() => ({ t: 1 })).slice(1)), undefined);
  assert.equal(
    proposal(
      five(() => ({ t: 1 })),
      [decision({ t: 1 })],
    ),
    undefined,
  );
  assert.equal(proposal([...five(() => ({ t: 1 })).slice(1), decision(undefined)]), undefined);
  assert.equal(proposal([decision({ t: 1 }, { caller: 'agent:b' }), ...five(() => ({ t: 1 }))]), undefined);
});

test('a rule that is nearly always approved is flagged from twenty decisions on', () => {
  const many = (count: number) => Array.from({ length: count }, () => decision({ n: 1 }));
  assert.deepEqual(
    [many(19), many(20), many(38)].map((approved, at) => factsOf(approved, at === 2 ? many(2) : [])[0]?.isFlagged),
    [false, true, true],
  );
  assert.equal(factsOf(many(18), many(2))[0]?.isFlagged, false);
  assert.deepEqual(factsOf([], []), []);
});
