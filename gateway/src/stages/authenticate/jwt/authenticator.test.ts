import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration as schema } from '../../../config/schema/index.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { maxProofs, maxProofsOfKey, UsedProofs } from '../dpop/proof.ts';
import { maxRemembered, maxTrustMs, tokenAuthenticator } from './authenticator.ts';
import { IssuerKeys } from './keys.ts';

const resource = 'https://gateway.example/mcp';
const issuer = 'https://issuer.example';

/** Tokens that the issuer is asked about, so that every look at one can be counted. */
function setUp() {
  const clock = { now: 1_000_000_000_000 };
  const tokens = new Map<string, Record<string, unknown>>();
  let asked = 0;
  const fetch: Fetch = async (_url, ask) => {
    asked += 1;
    const claims = tokens.get(new URLSearchParams(ask?.body).get('token') ?? '');
    return { ok: true, status: 200, headers: {}, text: JSON.stringify({ active: claims !== undefined, ...claims }) };
  };
  const configuration = schema.parse({
    version: 1,
    authentication: {
      issuers: {
        main: { issuer, skew: '0s', introspection: { url: `${issuer}/i`, clientId: 'g', clientSecret: '${env:S}' } },
      },
    },
  });
  const authenticator = tokenAuthenticator({
    configuration,
    keysOf: (config) => new IssuerKeys(config, fetch, { warn: () => {} }),
    fetch,
    now: () => clock.now,
  });
  const present = async (token: string): Promise<Caller | string> => {
    const credentials = { authorization: `Bearer ${token}`, headers: {}, transport: 'http', resource } as const;
    const result = await authenticator.authenticate(credentials);
    assert.ok(result !== undefined);
    return result.ok ? result.value : result.refusal.reason;
  };
  return { clock, tokens, asked: () => asked, authenticator, present };
}

const seconds = (clock: { now: number }, more: number): number => clock.now / 1_000 + more;

test('a token counts for half a minute, is then looked at again, and stands for the same caller object', async () => {
  const { clock, tokens, asked, present } = setUp();
  tokens.set('a', { sub: 'dana', aud: resource, exp: seconds(clock, 600) });
  const [first, second] = await Promise.all([present('a'), present('a')]);
  assert.equal(asked(), 1, 'one look, however many wait');
  assert.equal(first, second);
  clock.now += maxTrustMs - 1;
  assert.equal(await present('a'), first);
  assert.equal(asked(), 1);
  clock.now += 1;
  assert.equal(await present('a'), first, 'the same object, so that decisions stay remembered');
  assert.equal(asked(), 2);
  tokens.set('a', { sub: 'dana', aud: resource, exp: seconds(clock, 600), scope: 'more' });
  clock.now += maxTrustMs;
  assert.notEqual(await present('a'), first, 'it says something else now');
});

test('a token never counts beyond its end, and one that was revoked ends what it opened', async () => {
  const { clock, tokens, authenticator, present } = setUp();
  tokens.set('a', { sub: 'dana', aud: resource, exp: seconds(clock, 5) });
  assert.equal(typeof (await present('a')), 'object');
  clock.now += 5_000;
  assert.equal(await present('a'), 'credentials-invalid');

  tokens.set('b', { sub: 'dana', aud: resource, exp: seconds(clock, 600) });
  const caller = await present('b');
  assert.ok(typeof caller === 'object');
  tokens.delete('b');
  assert.equal(await authenticator.stillGood(caller), true, 'within the half minute');
  clock.now += maxTrustMs;
  assert.equal(await authenticator.stillGood(caller), false);
  assert.equal(await present('b'), 'credentials-invalid');
});

test('remembered tokens are bounded, and the oldest goes first', async () => {
  const { clock, tokens, asked, present } = setUp();
  for (let index = 0; index <= maxRemembered; index++) {
    tokens.set(`t${index}`, { sub: `u${index}`, aud: resource, exp: seconds(clock, 600) });
    await present(`t${index}`);
  }
  const before = asked();
  await present(`t${maxRemembered}`);
  await present('t1');
  assert.equal(asked(), before);
  await present('t0');
  assert.equal(asked(), before + 1);
});

test('used proofs are bounded: a proof that cannot be remembered is not accepted', () => {
  const used = new UsedProofs();
  for (let index = 0; index < maxProofsOfKey; index++) assert.equal(used.use('key', `p${index}`, 1_000), true);
  assert.equal(used.use('key', 'one more', 1_000), false);
  assert.equal(used.use('another key', 'p0', 1_000), true, 'A15: the proofs of one key take nothing from another one');
  for (let key = 1; key < maxProofs / maxProofsOfKey; key++)
    for (let index = 0; index < maxProofsOfKey; index++) used.use(`key ${key}`, `p${index}`, 1_000);
  assert.equal(used.use('one key more', 'p0', 1_000), false);
  assert.equal(used.use('key', 'p0', 1_000), false);
  assert.equal(used.use('key', 'p0', 601_000), false, 'as long as it could be accepted');
  assert.equal(used.use('key', 'one more', 601_001), true);
  assert.equal(used.use('key', 'p0', 1_300_000), true, 'forgotten when its time would not be accepted any more');
});
