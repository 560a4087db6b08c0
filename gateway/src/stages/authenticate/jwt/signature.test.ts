import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { algorithms } from './options.ts';
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

test('signatures whose numbers begin with zeros or with a set bit are read as well, and those of another spelling are not', () => {
  for (const [alg, namedCurve, digest, size] of [
    ['ES256', 'P-256', 'sha256', 32],
    ['ES384', 'P-384', 'sha384', 48],
    ['ES512', 'P-521', 'sha512', 66],
  ] as const) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const signed = (index: number, dsaEncoding: 'ieee-p1363' | 'der') => {
      const text = `${Buffer.from(`{"alg":"${alg}"}`).toString('base64url')}.${Buffer.from(`${index}`).toString('base64url')}`;
      return { text, signature: sign(digest, Buffer.from(text), { key: privateKey, dsaEncoding }) };
    };
    const seen = { zero: false, set: false };
    for (let index = 0; index < 3_000 && !(index > 300 && seen.zero && seen.set); index++) {
      const { text, signature } = signed(index, 'ieee-p1363');
      // The first byte of a number of 521 bits is 0 or 1, so there the second one tells.
      const first = [signature[0], signature[size]];
      seen.zero ||= first.includes(0);
      seen.set ||= first.some((byte) => (byte ?? 0) >= 0x80) || size === 66;
      assert.equal(
        signatureFits(`${text}.${signature.toString('base64url')}`, alg, publicKey),
        true,
        `${alg} ${index}`,
      );
    }
    assert.deepEqual(seen, { zero: true, set: true }, alg);
    const { text, signature } = signed(0, 'ieee-p1363');
    for (const other of [
      signed(0, 'der').signature,
      signature.subarray(1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.alloc(2 * size),
    ])
      assert.equal(signatureFits(`${text}.${other.toString('base64url')}`, alg, publicKey), false, alg);
  }
});
