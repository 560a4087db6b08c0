import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Renewals } from './renewals.ts';

/** How many can be taken at once. */
function taken(renewals: Renewals): number {
  let count = 0;
  for (; renewals.areLeft && count < 100; count++) renewals.take();
  return count;
}

test('sessions that helped nothing are begun at once a few times, then one a minute; those that helped are not counted', (context) => {
  let now = 1_000_000;
  context.mock.method(performance, 'now', () => now);
  const renewals = new Renewals();
  for (let n = 0; n < 50; n++) {
    assert.equal(renewals.areLeft, true);
    renewals.take();
    renewals.helped();
  }
  assert.equal(taken(renewals), 4);
  now += 59_000;
  assert.equal(taken(renewals), 0);
  now += 1_000;
  assert.equal(taken(renewals), 1);
  now += 150_000;
  assert.equal(taken(renewals), 2);
  now += 30_000;
  assert.equal(taken(renewals), 1);
  now += 3_600_000;
  assert.equal(taken(renewals), 4);
});
