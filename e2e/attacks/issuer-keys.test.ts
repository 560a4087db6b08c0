/** The keys of an issuer: late, absent, rotated, and asked for by floods of tokens. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';
import { sendJson, startWitness, type Witness } from './witness.ts';

let witness: Witness;
let gateway: Gateway;
let aud: string;

/** Each test has an issuer of its own, so that no pause of another has begun. */
const names = ['flooded', 'rotating', 'closing', 'failing', 'empty', 'ending'] as const;
const issuers = new Map<string, Issuer>();

before(async () => {
  witness = await startWitness([{ name: 'open' }]);
  for (const name of names) issuers.set(name, await startIssuer('ES256'));
  const entries = [...issuers].map(([name, { issuer }]) => [name, { issuer, prefix: `${name}/` }] as const);
  const users = names.map((name) => `${name}/dana`);
  gateway = await startGateway({
    authentication: { issuers: Object.fromEntries(entries), freeFailures: 1_000 },
    callers: { users: Object.fromEntries(users.map((user) => [user, {}])) },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'dana', from: { user: users }, to: 'witness', tools: [{ allow: 'open' }] }],
  });
  aud = gateway.endpoint('witness');
});
after(async () => {
  await gateway.stop();
  for (const each of [...issuers.values(), witness]) await each[Symbol.asyncDispose]();
});

const issuerOf = (name: (typeof names)[number]): Issuer => issuers.get(name) ?? assert.fail(name);

function call(token: string): Promise<RawAnswer> {
  return sendRaw({
    url: aud,
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${token}`]],
    body: modernCall('open'),
  });
}

test('6 unknown kid: one more fetch of the keys, however many tokens come (kid flooding)', async () => {
  const flooded = issuerOf('flooded');
  assert.equal((await call(await flooded.sign({ aud }, { kid: 'made-up' }))).status, 401);
  assert.equal(flooded.fetches(), 1, 'keys that were read for a token are not read again for it');
  const flood = await Promise.all(
    Array.from({ length: 50 }, (_, index) => flooded.sign({ aud, jti: `${index}` }, { kid: `made-up-${index}` })),
  );
  const statuses = await Promise.all(flood.map(async (token) => (await call(token)).status));
  assert.deepEqual(new Set(statuses), new Set([401]));
  assert.equal(flooded.fetches(), 2);
  assert.equal((await call(await flooded.sign({ aud }))).status, 200, 'the right key is not locked out');
  assert.equal(flooded.fetches(), 2);
});

test('6 a key that is published after the others were read: fetched at once, and not again in half a minute', async () => {
  const rotating = issuerOf('rotating');
  assert.equal((await call(await rotating.sign({ aud }))).status, 200);
  await rotating.rotate();
  assert.equal((await call(await rotating.sign({ aud }))).status, 200, 'the new key');
  assert.equal((await call(await rotating.sign({ aud, jti: 'x' }, { kid: 'key-0' }))).status, 401, 'the old key');
  assert.equal(rotating.fetches(), 2);
  await rotating.rotate();
  assert.equal((await call(await rotating.sign({ aud }))).status, 401);
  assert.equal(rotating.fetches(), 2);
});

for (const [name, trouble] of [
  ['closing', 'closes the connection'],
  ['failing', 'answers 500'],
  ['empty', 'has no keys yet'],
] as const)
  test(`6 an issuer that ${trouble} at first: tokens are accepted as soon as it answers`, async () => {
    const starting = issuerOf(name);
    let ready = false;
    let asked = 0;
    starting.metadata = { issuer: starting.issuer, jwks_uri: `${starting.issuer}/late` };
    starting.on('/late', (request, response) => {
      asked += 1;
      if (ready) sendJson(response, { keys: starting.publicKeys() });
      else if (trouble === 'closes the connection') request.socket.destroy();
      else sendJson(response, { keys: [] }, trouble === 'answers 500' ? 500 : 200);
    });
    const token = await starting.sign({ aud });
    const refused = await call(token);
    let status: number = refused.status;
    assert.equal(status, 503, 'the token was not found to be bad');
    assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
    ready = true;
    const from = performance.now();
    while (status === 503 && performance.now() - from < 10_000) ({ status } = await call(token));
    assert.equal(status, 200, `after ${performance.now() - from} ms`);
    assert.equal(asked, 2, 'however often it was presented meanwhile');
  });

test('6 an issuer that ends: what is known goes on, what is not known is 503 and not 401', async () => {
  const ending = issuerOf('ending');
  assert.equal((await call(await ending.sign({ aud }))).status, 200);
  ending.on('/jwks', (request) => request.socket.destroy());
  assert.equal((await call(await ending.sign({ aud, jti: 'x' }))).status, 200, 'a key that is known');
  await ending.rotate();
  assert.equal((await call(await ending.sign({ aud }))).status, 503, 'a key that cannot be looked up');
});
