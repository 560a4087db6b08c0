/** Canonical form, commitments, private parts, redaction. */
import assert from 'node:assert/strict';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Room } from '../room.ts';
import { canonical } from './canonical.ts';
import { hmacHex, hmacKey, hmacText, passingKey } from './hmac.ts';
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
      const expected = createHmac('sha256', key).update(data).digest('hex');
      assert.equal(hmacHex(hmacKey(key), data), expected);
      assert.equal(hmacHex(passingKey(Buffer.from(key).toString('latin1')), data), expected);
      assert.equal(Buffer.from(hmacText(hmacKey(key), data), 'latin1').toString('hex'), expected);
    }),
  );
  assert.throws(() => hmacKey(Buffer.alloc(65)), RangeError);
});

const keys = () => ({
  slot: 0,
  pseudonym: 'a'.repeat(32),
  createdAt: 0,
  encryption: createSecretKey(randomBytes(32)),
  commitment: hmacKey(randomBytes(32)),
});

test('a private part opens with its key, at its place in its log, and nowhere else', () => {
  const mine = keys();
  const parts = ['{"user":"dana"}', '{"a":1}', 'ü'.repeat(100)];
  const sealed = sealParts(
    mine,
    { origin: 'log', seq: 7 },
    parts.map((part) => Buffer.from(part)),
    new Room(),
  );
  const [about, args, result] = parts;
  assert.deepEqual(openParts(mine, 'log', 7, sealed), { about, arguments: args, result });
  assert.equal(openParts(mine, 'log', 8, sealed), undefined);
  assert.equal(openParts(mine, 'other', 7, sealed), undefined);
  assert.equal(openParts(keys(), 'log', 7, sealed), undefined);
  for (let at = 0; at < sealed.length; at += 5) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(openParts(mine, 'log', 7, changed), undefined);
  }
  assert.equal(openParts(mine, 'log', 7, Buffer.alloc(3)), undefined);
});

test('equal texts have commitments that cannot be compared or guessed', () => {
  const mine = keys();
  const text = Buffer.from('yes');
  const at = (seq: number, part: 'arguments' | 'result') => commitment(mine, seq, part, text);
  const seen = new Set([
    at(1, 'arguments'),
    at(2, 'arguments'),
    at(1, 'result'),
    commitment(keys(), 1, 'arguments', text),
  ]);
  assert.equal(seen.size, 4);
  const key = Buffer.from(commitmentKey(mine, 1, 'arguments'), 'latin1');
  assert.equal(at(1, 'arguments'), createHmac('sha256', key).update(text).digest('hex'), 'what a verifier is shown');
});

test('redaction keeps the names of members and no value', () => {
  const text = JSON.stringify({ user: 'dana', deep: [{ pin: 1234, ok: true, none: null }] });
  assert.equal(redacted(text), '{"user":"[text of 4]","deep":[{"pin":"[number]","ok":"[boolean]","none":null}]}');
  assert.equal(redacted(''), '');
});
