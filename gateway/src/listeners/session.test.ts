import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../test/support/policy.ts';
import { LegacySession } from './session.ts';

test('a session that is over hears of no server', () => {
  let [made, closed] = [0, 0];
  const make = () => {
    made++;
    return { watch: () => false, unwatch: () => {}, size: 1, refresh: () => {}, close: () => void closed++ };
  };
  const claims = { version: '2025-11-25', capabilities: {} };
  const session = new LegacySession('id', callerOf({ agent: 'a' }), { endpoint: { kind: 'portal' }, claims });
  assert.equal(session.hear(make), true);
  assert.equal(session.hear(make), true);
  assert.equal(made, 1, 'it hears once');
  session.close();
  assert.equal(closed, 1);
  const late = new LegacySession('id', callerOf({ agent: 'a' }), { endpoint: { kind: 'portal' }, claims });
  late.close();
  assert.equal(late.hear(make), false);
  assert.equal(made, 1);
});
