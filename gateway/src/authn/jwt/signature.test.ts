import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { algorithms } from '../../config/schema/issuers.ts';
import { publicKeyOf, signatureFits } from './signature.ts';

test('every algorithm that can be configured verifies what another library signed, and nothing else', async () => {
  for (const alg of algorithms) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const token = await new SignJWT({ a: 1 }).setProtectedHeader({ alg }).sign(privateKey);
    const key = publicKeyOf(await exportJWK(publicKey));
    assert.ok(key !== undefined, alg);
    assert.equal(signatureFits(token, alg, key), true, alg);
    const [header, , signature] = token.split('.');
    const changed = `${header}.${Buffer.from('{"a":2}').toString('base64url')}.${signature}`;
    assert.equal(signatureFits(changed, alg, key), false, alg);
    assert.equal(signatureFits(`${token}=`, alg, key), false, 'another spelling');
    assert.equal(signatureFits(`${header}.e30.`, alg, key), false, 'no signature');
    for (const other of ['none', 'HS256', 'constructor', '']) assert.equal(signatureFits(token, other, key), false);
  }
});

test('a short RSA key and a shared secret are no keys', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  assert.equal(publicKeyOf(publicKey.export({ format: 'jwk' })), undefined);
  assert.equal(publicKeyOf({ kty: 'oct', k: 'c2VjcmV0' }), undefined);
});
