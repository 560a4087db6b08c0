/** Countries of addresses by the database of the operator, and environments that connections do not cross. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { countryDatabase } from '../../../test/support/country-database.ts';
import { callerOf, policyOf } from '../../../test/support/policy.ts';
import { countriesOf } from './countries.ts';
import { windowOf } from './windows.ts';

const database = countryDatabase({ '203.0.113.0/24': 'FR', '198.51.100.0/25': 'DE', '198.51.100.128/25': 'US' });

function lookup(bytes: Buffer) {
  const read = countriesOf(bytes);
  assert.ok(read.ok, read.ok ? '' : read.problem);
  return read.countryOf;
}

test('the country of an address; none of private ones, of what is no address, and over stdio', () => {
  const countryOf = lookup(database);
  const asked = [
    '203.0.113.7',
    '198.51.100.1',
    '198.51.100.200',
    '::ffff:203.0.113.7',
    '10.0.0.1',
    '::1',
    'nonsense',
    undefined,
  ];
  const expected = ['FR', 'DE', 'US', 'FR', undefined, undefined, undefined, undefined];
  for (let times = 0; times < 2; times++) assert.deepEqual(asked.map(countryOf), expected);
});

test('what is no database of countries is none, and a damaged one throws nothing', () => {
  for (const [bytes, problem] of [
    [Buffer.from('no database'), /is no database in the format of MaxMind/],
    [Buffer.alloc(0), /is no database/],
    [randomBytes(4_096), /is no database/],
    [countryDatabase({}, 'Test-ASN'), /is a database of Test-ASN, and not of countries/],
  ] as const) {
    const read = countriesOf(bytes);
    assert.match(read.ok ? 'a database' : read.problem, problem);
  }
  for (let at = 0; at < database.length; at += 7) {
    const damaged = Buffer.from(database);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    const read = countriesOf(damaged);
    if (read.ok) for (const address of ['203.0.113.7', '198.51.100.1']) read.countryOf(address);
  }
});

test('a connection for some countries, or for all but some, and for addresses that are not known', () => {
  const countryOf = lookup(database);
  const closed = (countries: { allow?: string[]; deny?: string[]; unknown: 'allow' | 'deny' }, address?: string) =>
    windowOf({ countries }, countryOf)?.closed({ at: 0, address }) ?? 'there';
  const [french, german, here] = ['203.0.113.7', '198.51.100.1', '127.0.0.1'];
  const seen = (countries: Parameters<typeof closed>[0]) =>
    [french, german, here, undefined].map((each) => closed(countries, each));
  assert.deepEqual(seen({ allow: ['FR'], unknown: 'deny' }), ['there', 'country', 'country', 'country']);
  assert.deepEqual(seen({ allow: ['FR', 'DE'], unknown: 'allow' }), ['there', 'there', 'there', 'there']);
  assert.deepEqual(seen({ deny: ['FR'], unknown: 'deny' }), ['country', 'there', 'country', 'country']);
  assert.deepEqual(seen({ deny: ['FR'], unknown: 'allow' }), ['country', 'there', 'there', 'there']);
});

test('a server that has an environment is reached from it only, or over a connection that says so', async () => {
  const { policy } = await policyOf(`version: 1
callers:
  users: { dana: {}, eve: { environment: production } }
  agents: { live: { environment: production }, trial: { environment: staging }, plain: {} }
servers:
  prod: { url: "http://127.0.0.1:1", environment: production }
  stage: { url: "http://127.0.0.1:1", environment: staging }
  any: { url: "http://127.0.0.1:1" }
connections:
  - { name: all, from: { anyone: true }, to: [prod, stage, any], tools: [{ allow: "*" }] }
  - { name: release, from: { agent: trial }, to: prod, environments: production, tools: [{ allow: read }] }
`);
  const whence = { at: 0 };
  const seen = (names: { user?: string; agent?: string }) => policy.serversOf(callerOf(names), whence);
  assert.deepEqual(seen({ agent: 'live' }), ['prod', 'any']);
  assert.deepEqual(seen({ agent: 'live', user: 'dana' }), ['prod', 'any'], 'a user of no environment');
  assert.deepEqual(seen({ agent: 'plain' }), ['any']);
  assert.deepEqual(seen({ agent: 'unheard-of' }), ['any']);
  assert.deepEqual(seen({ agent: 'trial' }), ['prod', 'stage', 'any']);
  assert.deepEqual(seen({ agent: 'trial', user: 'eve' }), ['prod', 'any'], 'a user of another one');
  assert.deepEqual(policy.grants(callerOf({ agent: 'trial' }), 'prod', whence)?.connections, ['release']);
  assert.equal(
    policy.whyClosed(callerOf({ agent: 'live' }), 'stage', whence),
    'the connection "all" does not lead from production to staging',
  );
  assert.equal(
    policy.whyClosed(callerOf({ agent: 'plain' }), 'prod', whence),
    'the connection "all" does not lead from no environment to production',
  );
});
