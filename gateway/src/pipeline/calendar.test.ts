import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { spanAt, zoneOf } from './calendar.ts';

const iso = (at: number): string => new Date(at).toISOString();

test('days and months of a calendar, over both changes of daylight saving', () => {
  for (const [at, unit, zone, from, until] of [
    ['2026-11-29T12:00:00Z', 'day', 'UTC', '2026-11-29T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    ['2026-11-29T23:30:00Z', 'day', 'Europe/Paris', '2026-11-29T23:00:00.000Z', '2026-11-30T23:00:00.000Z'],
    // 23 and 25 hours.
    ['2026-03-29T12:00:00Z', 'day', 'Europe/Paris', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25T12:00:00Z', 'day', 'Europe/Paris', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['2026-03-08T12:00:00Z', 'day', 'America/New_York', '2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z'],
    ['2026-03-15T12:00:00Z', 'month', 'Europe/Paris', '2026-02-28T23:00:00.000Z', '2026-03-31T22:00:00.000Z'],
    ['2026-12-31T23:30:00Z', 'month', 'Asia/Kolkata', '2026-12-31T18:30:00.000Z', '2027-01-31T18:30:00.000Z'],
    // Midnight is skipped there on this day.
    ['2026-09-06T12:00:00Z', 'day', 'America/Santiago', '2026-09-06T04:00:00.000Z', '2026-09-07T03:00:00.000Z'],
  ] as const) {
    const span = spanAt(Date.parse(at), unit, zone);
    assert.deepEqual([iso(span.from), iso(span.until)], [from, until], `${at} ${unit} ${zone}`);
  }
});

test('spans follow each other without a gap, and every moment lies in its own', () => {
  const zones = ['UTC', 'Europe/Paris', 'America/Santiago', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
  fc.assert(
    fc.property(
      fc.integer({ min: Date.parse('2015-01-01'), max: Date.parse('2035-01-01') }),
      fc.constantFrom(...zones),
      fc.constantFrom('day' as const, 'month' as const),
      (at, zone, unit) => {
        const { from, until } = spanAt(at, unit, zone);
        assert.ok(from <= at && at < until);
        assert.equal(spanAt(until, unit, zone).from, until);
        assert.equal(spanAt(from - 1, unit, zone).until, from);
        const { minutes } = zoneOf(zone).wall(from);
        assert.ok(minutes <= 60, 'midnight, or the first moment after it where it is skipped');
      },
    ),
    { numRuns: 200 },
  );
});
