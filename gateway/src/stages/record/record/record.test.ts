/** Canonical form, commitments, private parts, redaction. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SubjectKeys } from '../keys/subjects.ts';
import { ScratchBuffer } from '../scratch-buffer.ts';
import { canonical } from './canonical.ts';
import { hmacKey, hmacText } from './hmac.ts';
import { commitment, commitmentKey, openParts, sealParts } from './private.ts';
import { redacted } from './redact.ts';

test('canonical JSON sorts by UTF-16 code units, as RFC 8785 section 3.2.3 shows', () => {
  const members = { '€': 'a', '\r': 'b', '\ufb33': 'c', '1': 'd', '😀': 'e', '\u0080': 'f', ö: 'g' };
  assert.equal(canonical(members), '{"\\r":"b","1":"d","\u0080":"f","ö":"g","€":"a","😀":"e","\ufb33":"c"}');
  // Section 3.2.2.2
  assert.equal(canonical('€$\u000F\nA\'B"\\\\"/'), '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
  assert.equal(canonical([-0, 1, true, { b: 1, a: undefined }]), '[0,1,true,{"b":1}]');
  assert.throws(() => canonical(0.5), RangeError);
  assert.throws(() => canonical(2 ** 53), RangeError);
});

test('our HMAC is the HMAC of RFC 2104', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 200 }), (key, data) => {
      const expected = createHmac('sha256', key).update(data).digest('base64url');
      assert.equal(Buffer.from(hmacText(hmacKey(key), data), 'latin1').toString('base64url'), expected);
    }),
  );
  assert.throws(() => hmacKey(Buffer.alloc(65)), RangeError);
});

const keys = () => ({
  slot: 0,
  pseudonym: 'a'.repeat(32),
  createdAt: 0,
  encryption: createSecretKey(randomBytes(32)),
  stream: createSecretKey(randomBytes(32)),
  seal: hmacKey(randomBytes(32)),
  commitment: hmacKey(randomBytes(32)),
  sealKey: randomBytes(32),
  commitmentRoot: randomBytes(32),
});
const sealing = (seq: number) => ({ where: { origin: 'log', seq }, buffer: new ScratchBuffer() });

const texts = ['{"user":"dana"}', '{"a":1}', 'ü'.repeat(100)];
const [about, args, result] = texts;
const buffers = (parts: readonly string[]): Buffer[] => parts.map((part) => Buffer.from(part));

test('a private part opens with its key, at its place in its log, and nowhere else', () => {
  const mine = keys();
  // Each begins where the one before it ended in the keystream.
  const all = [texts, texts, ['', '', 'x'.repeat(33)], texts];
  const sealed = all.map((parts, seq) => Buffer.from(sealParts(buffers(parts), mine, sealing(seq))));
  const open = (bytes: Buffer, seq: number, { by = mine, origin = 'log' } = {}) =>
    openParts(by, { origin, seq, version: 3 }, bytes);
  for (const [seq, parts] of all.entries())
    assert.deepEqual(Object.values(open(sealed[seq] ?? Buffer.alloc(0), seq) ?? {}), parts);
  const [first = Buffer.alloc(0)] = sealed;
  assert.equal(open(first, 1), undefined);
  assert.equal(open(first, 0, { origin: 'other' }), undefined);
  assert.equal(open(first, 0, { by: keys() }), undefined);
  for (let at = 0; at < first.length; at += 1) {
    const changed = Buffer.from(first);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(open(changed, 0), undefined);
  }
  for (const length of [0, 3, 16, first.length - 1]) assert.equal(open(first.subarray(0, length), 0), undefined);
});

test('equal private parts of one subject have nothing in common when they are sealed', () => {
  const mine = keys();
  const zeros = [Buffer.alloc(500)];
  const seal = (seq: number) => Buffer.from(sealParts(zeros, mine, sealing(seq))).subarray(17);
  assert.notDeepEqual(seal(1).subarray(0, 400), seal(2).subarray(0, 400));
});

test('a long private part is compressed, by itself, and is never more than was put in', () => {
  const mine = keys();
  for (const times of [200, 2_000]) {
    const long = ['', '', '{"name":"project","state":"active"},'.repeat(times)];
    const sealed = sealParts(buffers(long), mine, sealing(times));
    assert.ok(sealed.length < 500);
    assert.deepEqual(Object.values(openParts(mine, { origin: 'log', seq: times, version: 3 }, sealed) ?? {}), long);
  }
  const noise = randomBytes(5_000);
  assert.ok(sealParts([noise], mine, sealing(4)).length <= noise.length + 4 + 33);
});

test('a private part of version 1 opens as well', () => {
  const mine = keys();
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', mine.encryption, nonce);
  cipher.setAAD(Buffer.from('sallyport private part v1\nlog\n7\n'));
  const plain = texts.flatMap((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(text));
    return [length, Buffer.from(text)];
  });
  const sealed = Buffer.concat([nonce, cipher.update(Buffer.concat(plain)), cipher.final(), cipher.getAuthTag()]);
  const at = { origin: 'log', seq: 7 };
  assert.deepEqual(openParts(mine, { ...at, version: 1 }, sealed), { about, arguments: args, result });
  assert.equal(openParts(mine, { ...at, version: 2 }, sealed), undefined);
  assert.equal(openParts(mine, { ...at, seq: 8, version: 1 }, sealed), undefined);
});

test('equal texts have commitments that cannot be compared or guessed', () => {
  const mine = keys();
  const text = Buffer.from('yes');
  const keyOf = (by: SubjectKeys, seq: number, part: 'arguments' | 'result') =>
    commitmentKey(by, { seq, version: 3 }, part);
  const at = (seq: number, part: 'arguments' | 'result') => commitment(keyOf(mine, seq, part), text);
  const seen = new Set([
    at(1, 'arguments'),
    at(2, 'arguments'),
    at(1, 'result'),
    commitment(keyOf(keys(), 1, 'arguments'), text),
  ]);
  assert.equal(seen.size, 4);
  const key = Buffer.from(keyOf(mine, 1, 'arguments'), 'latin1');
  assert.equal(key.length, 32);
  assert.equal(
    at(1, 'arguments'),
    createHash('sha256').update(key).update(text).digest('base64url'),
    'what a verifier is shown',
  );
});

test('redaction keeps the names of members and no value', () => {
  const text = JSON.stringify({ user: 'dana', deep: [{ pin: 1234, ok: true, none: null }] });
  assert.equal(redacted(text), '{"user":"[text of 4]","deep":[{"pin":"[number]","ok":"[boolean]","none":null}]}');
  assert.equal(redacted(''), '');
});
