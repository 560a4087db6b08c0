import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterOf } from './retry-after.ts';

test('Retry-After: seconds and dates, a second where it says nothing, and an hour at most', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  for (const [header, wanted] of [
    ['7', 7_000],
    [' 120 ', 120_000],
    ['0', 1_000],
    ['Sun, 29 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 29 Nov 2026 11:00:00 GMT', 1_000],
    ['9999999999', 3_600_000],
    ['99999999999999999999', 1_000],
    ['soon', 1_000],
    ['-5', 1_000],
    [undefined, 1_000],
  ] as const)
    assert.equal(retryAfterOf(header, now), wanted, header);
});
