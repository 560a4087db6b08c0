import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxTracked, Throttle } from './throttle.ts';

const freeFailures = 10;

test('the first failures cost nothing, the next ones ever more, up to a minute', () => {
  const throttle = new Throttle();
  let now = 1_000;
  for (let index = 0; index < freeFailures; index++)
    assert.equal(throttle.failed('a', undefined, now, freeFailures), 0);
  assert.equal(throttle.pause('a', undefined, now, freeFailures), 0);
  const pauses: number[] = [];
  for (let index = 0; index < 12; index++) {
    pauses.push(throttle.failed('a', undefined, now, freeFailures));
    now += pauses.at(-1) ?? 0;
  }
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  assert.equal(throttle.pause('b', undefined, now, freeFailures), 0, 'other sources do not wait');
  assert.equal(throttle.failed('a', undefined, now + 700_000, freeFailures), 0, 'forgotten after ten minutes');
});

test('a claimed identity waits at most five seconds, from wherever it is claimed', () => {
  const throttle = new Throttle();
  for (let index = 0; index < 40; index++) throttle.failed(`source ${index}`, 'dana', 1_000, freeFailures);
  assert.equal(throttle.pause('another source', 'dana', 1_000, freeFailures), 5_000);
  assert.equal(throttle.pause('another source', 'eve', 1_000, freeFailures), 0);
});

test('what is remembered is bounded', () => {
  const throttle = new Throttle();
  for (let index = 0; index < 20; index++) throttle.failed('first', undefined, 1_000, freeFailures);
  assert.ok(throttle.pause('first', undefined, 1_000, freeFailures) > 0);
  for (let index = 0; index < maxTracked; index++) throttle.failed(`s${index}`, undefined, 1_000, freeFailures);
  assert.equal(throttle.pause('first', undefined, 1_000, freeFailures), 0, 'the oldest goes first');
});
