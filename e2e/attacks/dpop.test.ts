/** Tokens that are bound to a key (RFC 9449), and what happens without the proof of it. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once as event } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type Gateway, startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { patienceMs } from '../process.ts';
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
    bounds: { body: '64MiB' },
    callers: { users: { dana: {}, eve: {} } },
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

/** Bytes of bodies that one caller may have. */
const shareBytes = 64 * 1024 * 1024;

async function bodyBytes(): Promise<number> {
  const text = await (await fetch(new URL('/metrics', gateway.admin))).text();
  return Number(/sallyport_table_entries\{table="body_bytes"\} (\d+)/.exec(text)?.[1]);
}

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

/** A call of which the head was sent. */
function begun(more: readonly Header[]): Socket {
  const { hostname, host, port, pathname } = new URL(url);
  const headers: readonly Header[] = [...modernHeaders('tools/call', 'open'), ['Host', host], ...more];
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => socket.destroy());
  const head = headers.map(([name, value]) => `${name}: ${value}`).join('\r\n');
  socket.write(`POST ${pathname} HTTP/1.1\r\n${head}\r\n\r\n`);
  return socket;
}

test('content_digest: a body that is too large is said to be so', async () => {
  const socket = begun([
    ['Content-Length', String(shareBytes + 1)],
    ['Authorization', `DPoP ${token}`],
    ['DPoP', await proof()],
  ]);
  const [said] = (await event(socket, 'data')) as [Buffer];
  socket.destroy();
  assert.match(said.toString(), /^HTTP\/1.1 413 /);
});

test('bodies that a caller does not finish leave room for those of another one at its address', async () => {
  const evil = await newKey();
  const cnf = { jkt: await calculateJwkThumbprint(evil.jwk) };
  const evilToken = await issuer.sign({ aud: url, sub: 'eve', cnf });
  const claims = { ath: digest(evilToken, 'base64url') };
  const length = shareBytes - 100_000;
  const headers: Header[] = [
    ['Content-Length', String(length + 1)],
    ['Authorization', `DPoP ${evilToken}`],
    ['DPoP', await proof(claims, {}, evil)],
  ];
  const socket = begun(headers);
  socket.write(Buffer.alloc(length, 0x78));
  const end = Date.now() + patienceMs;
  while ((await bodyBytes()) < length) assert.ok(Date.now() < end && !socket.destroyed, 'it is read');
  const long = `${body}${' '.repeat(200_000)}`;
  const fits = { content_digest: `sha-256=:${digest(long, 'base64')}:` };
  assert.equal(await call(await proof(fits), 'DPoP', long), 200);
  // Its own share is used up, and its proof is as good as before.
  assert.equal(await call(await proof({ ...claims, ...fits }, {}, evil), 'DPoP', long, evilToken), 503);
  socket.destroy();
});

test('a proof for a token that is not bound proves nothing', async () => {
  const plain = await issuer.sign({ aud: url });
  assert.equal(await call(await proof({ ath: digest(plain, 'base64url') }), 'DPoP', body, plain), 401);
  assert.equal(await call(undefined, 'Bearer', body, plain), 200);
});
