import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type IssuerKeys, publicKeyOf } from './keys.ts';
import { algorithms, type IssuerConfig } from './options.ts';
import { readToken, type Verified, verifyToken } from './verify.ts';

const issuer: Pick<IssuerConfig, 'issuer' | 'algorithms' | 'skew'> = {
  issuer: 'https://issuer.example',
  algorithms: [...algorithms],
  skew: 0,
};
const claims = { iss: issuer.issuer, sub: 'dana', exp: 4_000_000_000 };
const claimsText = Buffer.from(JSON.stringify(claims)).toString('base64url');

async function verified(token: string, key: CryptoKey, config = issuer): Promise<Verified | undefined> {
  const parts = readToken(token);
  const keys = { find: () => Promise.resolve({ ok: true, keys: [key] }) } as unknown as IssuerKeys;
  return parts && verifyToken(token, parts, { issuer: config as IssuerConfig, keys, now: Date.now() });
}

const causeOf = (result: Verified | undefined): string | undefined => {
  if (result === undefined) return 'no token';
  return result.ok ? undefined : result.cause;
};

test('every algorithm that can be configured verifies what was signed with it, and nothing else', async () => {
  for (const alg of algorithms) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const token = await new SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey);
    const key = await publicKeyOf(await exportJWK(publicKey), alg);
    assert.ok(key !== undefined, alg);
    assert.equal(causeOf(await verified(token, key)), undefined, alg);
    const [header, , signature] = token.split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, sub: 'mallory' })).toString('base64url');
    assert.equal(causeOf(await verified(`${header}.${other}.${signature}`, key)), 'signature', alg);
    assert.equal(causeOf(await verified(`${token}=`, key)), 'signature', 'another spelling');
    assert.equal(causeOf(await verified(`${header}.${claimsText}.`, key)), 'signature', 'no signature');
    for (const foreign of ['none', 'HS256', 'constructor', '']) {
      const renamed = Buffer.from(JSON.stringify({ alg: foreign })).toString('base64url');
      assert.equal(causeOf(await verified(`${renamed}.${claimsText}.${signature}`, key)), 'algorithm', foreign);
    }
  }
});

test('a key of one algorithm verifies no other', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
  const key = await publicKeyOf(await exportJWK(publicKey), 'PS256');
  assert.ok(key !== undefined);
  assert.equal(causeOf(await verified(token, key)), 'signature');
});

test('a short RSA key, a private key and a shared secret are no keys', async () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  assert.equal(await publicKeyOf(short.publicKey.export({ format: 'jwk' }) as JWK, 'RS256'), undefined);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.equal(await publicKeyOf(privateKey.export({ format: 'jwk' }) as JWK, 'ES256'), undefined);
  assert.equal(await publicKeyOf({ kty: 'oct', k: 'c2VjcmV0' }, 'HS256'), undefined);
  assert.equal(await publicKeyOf({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, 'ES256'), undefined);
});

test('an ECDSA signature is two numbers of full length, in no other spelling', async () => {
  for (const [alg, namedCurve, digest, size] of [
    ['ES256', 'P-256', 'sha256', 32],
    ['ES384', 'P-384', 'sha384', 48],
    ['ES512', 'P-521', 'sha512', 66],
  ] as const) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const key = await publicKeyOf(publicKey.export({ format: 'jwk' }), alg);
    assert.ok(key !== undefined);
    const text = `${Buffer.from(`{"alg":"${alg}"}`).toString('base64url')}.${claimsText}`;
    const signed = (dsaEncoding: 'ieee-p1363' | 'der'): Buffer =>
      sign(digest, Buffer.from(text), { key: privateKey, dsaEncoding });
    const fits = async (signature: Buffer) =>
      causeOf(await verified(`${text}.${signature.toString('base64url')}`, key));
    const signature = signed('ieee-p1363');
    assert.equal(await fits(signature), undefined, alg);
    for (const other of [
      signed('der'),
      signature.subarray(1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.alloc(2 * size),
    ])
      assert.equal(await fits(other), 'signature', alg);
  }
});

test('each claim that is wrong has its cause', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const key = await publicKeyOf(await exportJWK(publicKey), 'ES256');
  assert.ok(key !== undefined);
  const cause = async (change: object, header: object = {}, config: object = {}) => {
    const token = await new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(privateKey);
    return causeOf(await verified(token, key, { ...issuer, ...config }));
  };
  assert.deepEqual(
    [
      await cause({ exp: 1_000 }),
      await cause({ exp: 'soon' }),
      await cause({ nbf: 3_000_000_000 }),
      await cause({ iat: 3_000_000_000 }),
      await cause({ iat: 1_000 }, {}, { maxAge: 1 }),
      await cause({ iss: 'https://other.example' }),
      await cause({}, { typ: 'id_token' }),
      await cause({}, { kid: 7 as never }),
      await cause({}, {}, { algorithms: ['RS256'] }),
    ],
    ['expired', 'malformed', 'not-yet-valid', 'not-yet-valid', 'expired', 'issuer', 'type', 'malformed', 'algorithm'],
  );
});
