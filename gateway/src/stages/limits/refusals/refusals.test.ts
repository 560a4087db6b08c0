import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../../test/support/policy.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import type { Reason } from '../../../pipeline/refusal.ts';
import { Refusals } from './refusals.ts';

const bounds = { concurrency: 1, streams: 1, result: 1, rounds: 1, parked: 1, refusals: 4 };

function probing(): {
  readonly call: (reason?: Reason, caller?: Caller, address?: string) => number;
  readonly pass: (ms: number) => void;
} {
  let now = 0;
  const refusals = new Refusals(() => now);
  return {
    /** Seconds that the caller has to wait; 0 where its call was looked at, and ended so. */
    call(reason, caller = callerOf({ agent: 'a' }), address = '192.0.2.1') {
      const admitted = refusals.admit({ caller, address, operation: 'call', hasPlace: false, bounds });
      if (!admitted.ok) return admitted.refusal.reason === 'too-many-refusals' ? admitted.refusal.seconds : -1;
      const end = { bytesIn: 0, bytesOut: 0, cost: 0, outcome: 'refused' as const };
      admitted.value.settle(reason === undefined ? end : { ...end, reason });
      return 0;
    },
    pass: (ms) => void (now += ms),
  };
}

test('refusals beyond those that are free cost pauses that double up to a minute, and are forgotten', () => {
  const { call, pass } = probing();
  for (let free = 0; free < 5; free++) assert.equal(call('denied'), 0);
  const pauses: number[] = [];
  for (let at = 0; at < 5; at++) {
    pauses.push(call('denied'));
    pass(pauses.at(-1) === undefined ? 0 : (pauses.at(-1) ?? 0) * 1_000);
    assert.equal(call('denied'), 0, 'looked at again, and refused');
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16]);
  pass(60_000);
  for (let free = 0; free < 2; free++) assert.equal(call('denied'), 0);
});

test('what a caller cannot help costs it nothing, and each class has its own', () => {
  const { call } = probing();
  for (let at = 0; at < 50; at++)
    for (const reason of ['server-unavailable', 'limit-reached', 'account-required', 'right-ended', undefined] as const)
      assert.equal(call(reason), 0);
  for (let at = 0; at < 4; at++)
    for (const reason of ['denied', 'arguments-invalid', 'held'] as const) assert.equal(call(reason), 0);
  assert.equal(call('denied'), 0);
  assert.equal(call(), 1);
});

test('one caller does not slow down another one, nor those without credentials each other', () => {
  const { call } = probing();
  const anonymous = callerOf({ agent: 'guest', credential: { kind: 'anonymous', id: 'anonymous' } });
  for (let at = 0; at < 5; at++) {
    assert.equal(call('capability-unknown'), 0);
    assert.equal(call('capability-unknown', anonymous, '192.0.2.7'), 0);
  }
  assert.equal(call(), 1);
  assert.equal(call(undefined, anonymous, '192.0.2.7'), 1);
  assert.equal(call(undefined, anonymous, '192.0.2.8'), 0);
  assert.equal(call(undefined, callerOf({ agent: 'b' })), 0);
  // One machine has every address of such a network.
  for (let at = 0; at < 5; at++) assert.equal(call('capability-unknown', anonymous, `2001:db8:0:7::${at}`), 0);
  assert.equal(call(undefined, anonymous, '2001:db8:0:7::ffff'), 1);
  assert.equal(call(undefined, anonymous, '2001:db8:0:8::1'), 0);
});
