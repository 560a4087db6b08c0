/** Tokens of others, forged or nonsense, cost a caller with a good one nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration as schema } from '../../gateway/src/config/schema/index.ts';
import { makeAuthenticate } from '../../gateway/src/stages/authenticate/index.ts';
import { maxTrustMs, tokenAuthenticator } from '../../gateway/src/stages/authenticate/jwt/authenticator.ts';
import { IssuerKeys } from '../../gateway/src/stages/authenticate/jwt/keys.ts';
import { Throttle } from '../../gateway/src/stages/authenticate/throttle.ts';
import { type Header, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';

const freeFailures = 3;

/** What any client can send about dana: not signed, signed with another key, cut off, and no token at all. */
async function bad(issuer: Issuer, stranger: Issuer, aud: string, count: number): Promise<readonly string[]> {
  const [head, claims] = (await issuer.sign({ aud, jti: `made up ${count}` })).split('.');
  return [
    `${head}.${claims}.${'A'.repeat(86)}`,
    `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${claims}.`,
    await stranger.sign({ iss: issuer.issuer, aud, jti: `forged ${count}` }, { kid: issuer.kid() }),
    `${head}.${claims}`,
    `nonsense-${count}`,
  ];
}

test('A14: a first use of a good token is accepted while others send forged tokens of the same user from elsewhere', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  await using stranger = await startIssuer();
  await using gateway = await startGateway({
    listen: { mcp: { port: 0, behindProxy: ['127.0.0.1'] }, admin: { port: 0 } },
    authentication: { freeFailures, issuers: { main: { issuer: issuer.issuer } } },
    servers: { notes: { url: witness.url } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  const aud = gateway.endpoint('notes');
  const status = async (token: string, address: string): Promise<number> => {
    const headers: readonly Header[] = [
      ...modernHeaders('tools/call', 'open'),
      ['Authorization', `Bearer ${token}`],
      ['X-Forwarded-For', address],
    ];
    return (await sendRaw({ url: aud, headers, body: modernCall('open') })).status;
  };
  const first = await issuer.sign({ aud, jti: 'first' });
  assert.equal(await status(first, '198.51.100.7'), 200);
  const paused = new Set<number>();
  for (let count = 0; count < 4; count++)
    for (const token of await bad(issuer, stranger, aud, count))
      for (const address of ['203.0.113.9', `203.0.113.${10 + count}`]) paused.add(await status(token, address));
  assert.deepEqual(
    [...paused].toSorted((a, b) => a - b),
    [401, 429],
  );
  // From an address that has done nothing, with a token that the gateway has never seen.
  assert.equal(await status(await issuer.sign({ aud, jti: 'fresh' }), '198.51.100.7'), 200);
  // From the address of the attacker: what was good stays good.
  assert.equal(await status(first, '203.0.113.9'), 200);
});

test('A14: (unit) a token that was good is accepted again and again, beyond the time for which it is trusted', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await using issuer = await startIssuer();
  await using stranger = await startIssuer();
  const configuration = schema.parse({
    version: 1,
    authentication: { freeFailures, issuers: { main: { issuer: issuer.issuer } } },
  });
  const fetch = async (url: string) => ({
    ok: true as const,
    status: 200,
    headers: {},
    text: await (await globalThis.fetch(url)).text(),
  });
  const throttle = new Throttle();
  const tokens = tokenAuthenticator({
    configuration,
    keysOf: (config) => new IssuerKeys(config, fetch, { warn: () => {} }),
    fetch,
    throttle,
  });
  const keys = { check: () => ({ ok: false, reason: 'malformed' }) } as unknown as Parameters<
    typeof makeAuthenticate
  >[0]['keys'];
  const authenticate = makeAuthenticate({ configuration, keys, tokens, throttle });
  const resource = 'https://gateway.example/mcp';
  const present = async (token: string, address: string): Promise<string> => {
    const authorization = `Bearer ${token}`;
    const result = await authenticate({ authorization, headers: {}, address, transport: 'http', resource });
    return result.ok ? 'ok' : result.refusal.reason;
  };
  const good = await issuer.sign({ aud: resource, exp: Math.floor(Date.now() / 1_000) + 3_600 });
  const shared = '198.51.100.7';
  const identity = `${issuer.issuer} dana`;
  assert.equal(await present(good, shared), 'ok');
  for (let count = 0; count < 12; count++) {
    for (const token of await bad(issuer, stranger, resource, count)) await present(token, shared);
    const pauseMs = throttle.pause(shared, identity, Date.now(), freeFailures);
    assert.ok(count === 0 || pauseMs > 0);
    // Each failure after a pause makes the next one longer; once longer than the trust, the good token meets one.
    context.mock.timers.tick(Math.min(pauseMs, maxTrustMs));
    const isPaused = throttle.pause(shared, identity, Date.now(), freeFailures) > 0;
    assert.equal(await present(good, shared), 'ok', `round ${count}`);
    if (isPaused) assert.equal(await present('nonsense', shared), 'too-many-failures');
  }
  assert.ok(throttle.pause(shared, identity, Date.now(), freeFailures) > 0, 'a pause was in force beyond the trust');
});
