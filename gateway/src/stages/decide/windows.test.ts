/** Hours and networks of connections: days, midnight, both changes of daylight saving, and whose connections remain. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf, policyOf } from '../../../test/support/policy.ts';
import { hours as schema } from '../../config/schema/windows.ts';
import { isOpen } from './windows.ts';

const paris = { zone: 'Europe/Paris' };
const at = (time: string): number => Date.parse(time);

const cases: readonly {
  readonly what: string;
  readonly hours: unknown;
  readonly open: readonly string[];
  readonly closed: readonly string[];
}[] = [
  {
    what: 'office hours',
    hours: { ...paris, days: 'mon-fri', from: '09:00', to: '18:00' },
    open: ['2026-11-30T08:00:00Z', '2026-11-30T16:59:59Z', '2026-07-03T07:00:00Z'],
    closed: ['2026-11-30T07:59:59Z', '2026-11-30T17:00:00Z', '2026-11-29T10:00:00Z', '2026-07-03T16:00:00Z'],
  },
  {
    what: 'over midnight, by the day on which it begins',
    hours: { ...paris, days: 'fri', from: '22:00', to: '06:00', except: ['2026-12-04'] },
    open: ['2026-11-27T21:00:00Z', '2026-11-28T04:59:59Z'],
    closed: [
      '2026-11-27T20:59:59Z',
      '2026-11-28T05:00:00Z',
      '2026-11-28T21:00:00Z',
      '2026-12-04T22:00:00Z',
      '2026-12-05T01:00:00Z',
    ],
  },
  {
    what: 'several windows, and days that are left out',
    hours: [
      { ...paris, days: ['mon', 'wed-thu'], from: '09:00', to: '12:00', except: ['2026-12-02'] },
      { ...paris, days: 'sat-mon', from: '20:00', to: '24:00' },
    ],
    open: ['2026-11-30T10:00:00Z', '2026-12-03T10:00:00Z', '2026-11-29T22:59:59Z', '2026-11-30T19:30:00Z'],
    closed: ['2026-12-02T10:00:00Z', '2026-12-01T10:00:00Z', '2026-11-29T23:00:00Z', '2026-12-01T19:30:00Z'],
  },
  {
    what: 'the day on which an hour is skipped',
    hours: { ...paris, from: '01:30', to: '03:30' },
    open: ['2026-03-29T00:30:00Z', '2026-03-29T00:59:59Z', '2026-03-29T01:00:00Z', '2026-03-29T01:29:59Z'],
    closed: ['2026-03-29T00:29:59Z', '2026-03-29T01:30:00Z'],
  },
  {
    what: 'the day on which an hour comes twice',
    hours: { ...paris, from: '01:30', to: '03:30' },
    open: ['2026-10-24T23:30:00Z', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:29:59Z'],
    closed: ['2026-10-24T23:29:59Z', '2026-10-25T02:30:00Z'],
  },
];

for (const { what, hours, open, closed } of cases)
  test(`hours: ${what}`, () => {
    const parsed = schema.parse(hours);
    for (const time of open) assert.equal(isOpen(parsed, at(time)), true, `open at ${time}`);
    for (const time of closed) assert.equal(isOpen(parsed, at(time)), false, `closed at ${time}`);
  });

test('hours that cannot be are refused: no such zone, day or time, and no length', () => {
  for (const wrong of [
    { zone: 'Europe/Nowhere' },
    { zone: '+01:00' },
    { ...paris, days: 'monday' },
    { ...paris, from: '9:00' },
    { ...paris, from: '25:00' },
    { ...paris, from: '09:00', to: '09:00' },
    { ...paris, except: ['2026-13-01'] },
    { from: '09:00' },
  ])
    assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong));
});

test('outside its hours or network a connection does not exist, and others go on', async () => {
  const { policy } = await policyOf(`version: 1
callers: { agents: { a: {} } }
servers: { s: { url: "http://127.0.0.1:1" }, t: { url: "http://127.0.0.1:1" } }
connections:
  - { name: office, from: { agent: a }, to: [s, t], hours: { from: "09:00", to: "17:00", zone: UTC }, tools: [{ allow: "*" }] }
  - { name: inside, from: { agent: a }, to: s, networks: [10.0.0.0/8, "2001:db8::/32"], tools: [{ allow: read }] }
`);
  const caller = callerOf({ agent: 'a' });
  const seen = (time: string, address?: string) => {
    const whence = { at: at(time), address };
    return [policy.serversOf(caller, whence), policy.grants(caller, 's', whence)?.connections];
  };
  const [day, night] = ['2026-11-30T12:00:00Z', '2026-11-30T20:00:00Z'];
  assert.deepEqual(seen(day, '10.1.2.3'), [
    ['s', 't'],
    ['office', 'inside'],
  ]);
  assert.deepEqual(seen(day, '192.0.2.1'), [['s', 't'], ['office']]);
  assert.deepEqual(seen(night, '2001:db8::7'), [['s'], ['inside']]);
  assert.deepEqual(seen(night, '::ffff:10.0.0.1'), [['s'], ['inside']]);
  assert.deepEqual(seen(night, '192.0.2.1'), [[], undefined]);
  assert.deepEqual(seen(night), [[], undefined], 'over stdio there is no address');
  assert.deepEqual(
    seen(day, '10.1.2.3'),
    [
      ['s', 't'],
      ['office', 'inside'],
    ],
    'again',
  );
  assert.equal(
    policy.whyClosed(caller, 's', { at: at(night) }),
    'the connection "office" is outside its hours; the connection "inside" is not for this network',
  );
  assert.notEqual(policy.hoursAt(at(day)), policy.hoursAt(at(night)));
  const [wide, narrow] = [
    policy.grants(caller, 's', { at: at(day) }),
    policy.grants(caller, 's', { at: at(night), address: '10.0.0.1' }),
  ];
  assert.notEqual(wide?.key, narrow?.key);
  assert.deepEqual(
    [wide?.couldAllow({ type: 'tool', name: 'drop' }), narrow?.couldAllow({ type: 'tool', name: 'drop' })],
    [true, false],
  );
});
