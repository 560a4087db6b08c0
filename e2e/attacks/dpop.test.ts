/** Tokens that are bound to a key (RFC 9449), and what happens without the proof of it. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Gateway, startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { type Header, modernCall, modernHeaders, sendRaw } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

let witness: Witness;
let issuer: Issuer;
let gateway: Gateway;
let key: { privateKey: CryptoKey; jwk: JWK };
let other: { privateKey: CryptoKey; jwk: JWK };
let token: string;
let url: string;

async function newKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  return { privateKey, jwk: await exportJWK(publicKey) };
}

before(async () => {
  [witness, issuer, key, other] = await Promise.all([
    startWitness([{ name: 'open' }]),
    startIssuer(),
    newKey(),
    newKey(),
  ]);
  gateway = await startGateway({
    authentication: { issuers: { main: { issuer: issuer.issuer } }, freeFailures: 1_000 },
    callers: { users: { dana: {} } },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'dana', from: { user: 'dana' }, to: 'witness', tools: [{ allow: 'open' }] }],
  });
  url = gateway.endpoint('witness');
  token = await issuer.sign({ aud: url, cnf: { jkt: await calculateJwkThumbprint(key.jwk) } });
});

after(async () => {
  await gateway.stop();
  await issuer[Symbol.asyncDispose]();
  await witness[Symbol.asyncDispose]();
});

const digest = (text: string, encoding: 'base64' | 'base64url'): string =>
  createHash('sha256').update(text).digest(encoding);

const body = modernCall('open');

function proof(
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  with_ = key,
): Promise<string> {
  const claims = {
    htm: 'POST',
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    ath: digest(token, 'base64url'),
    content_digest: `sha-256=:${digest(body, 'base64')}:`,
    ...changes,
  };
  return new SignJWT(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)))
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: with_.jwk, ...header })
    .sign(with_.privateKey);
}

async function call(dpop: string | undefined, scheme = 'DPoP', sent = body, access = token): Promise<number> {
  const headers: Header[] = [...modernHeaders('tools/call', 'open'), ['Authorization', `${scheme} ${access}`]];
  if (dpop !== undefined) headers.push(['DPoP', dpop]);
  return (await sendRaw({ url, headers, body: sent })).status;
}

test('a bound token with a fresh proof goes through, with and without the digest of the body', async () => {
  assert.equal(await call(await proof()), 200);
  assert.equal(await call(await proof({ content_digest: undefined })), 200);
  assert.equal(await call(await proof({ htu: `${url}?x=1#y` })), 200, 'query and fragment do not count');
  assert.equal(await call(await proof({ iat: Math.floor(Date.now() / 1000) - 280 })), 200, 'five minutes');
});

test('without proof, or as Bearer, a bound token is worth nothing', async () => {
  assert.equal(await call(undefined), 401);
  assert.equal(await call(undefined, 'Bearer'), 401);
  assert.equal(await call(await proof(), 'Bearer'), 401);
});

test('replayed DPoP proof', async () => {
  const once = await proof();
  const statuses = await Promise.all([call(once), call(once), call(once)]);
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 401, 401],
  );
});

test('a proof for another method, URL, token, time or key', async () => {
  for (const changes of [
    { htm: 'GET' },
    { htu: `${gateway.mcp}/mcp` },
    { htu: url.replace('http:', 'https:') },
    { ath: digest('another', 'base64url') },
    { ath: undefined },
    { iat: Math.floor(Date.now() / 1000) - 400 },
    { iat: Math.floor(Date.now() / 1000) + 400 },
    { iat: undefined },
    { jti: undefined },
  ])
    assert.equal(await call(await proof(changes)), 401, JSON.stringify(changes));
  assert.equal(await call(await proof({}, {}, other)), 401, 'another key');
  assert.equal(await call(await proof({}, { jwk: other.jwk })), 401, 'the key of another client in the header');
  assert.equal(await call(await proof({}, { typ: 'JWT' })), 401);
});

test('content_digest: a body that was changed on the way, down to a blank', async () => {
  assert.equal(await call(await proof(), 'DPoP', `${body} `), 401);
  assert.equal(await call(await proof(), 'DPoP', body.replace('{', '{"id":8,')), 401, 'a duplicate key');
  assert.equal(await call(await proof({ content_digest: 'sha-512=:AAAA:' })), 401);
});

test('a proof for a token that is not bound proves nothing', async () => {
  const plain = await issuer.sign({ aud: url });
  assert.equal(await call(await proof({ ath: digest(plain, 'base64url') }), 'DPoP', body, plain), 401);
  assert.equal(await call(undefined, 'Bearer', body, plain), 200);
});
