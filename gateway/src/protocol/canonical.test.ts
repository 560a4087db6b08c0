import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical } from './canonical.ts';
import { parseJsonText } from './json.ts';

test('the same text for what means the same, in the order of RFC 8785', () => {
  const one = { b: [1, { z: null, a: 'x' }], a: true, '\u20ac': 1, '\r': 2, '1': 3, '\ud83d\ude00': 4 };
  const other = { '\ud83d\ude00': 4, a: true, '1': 3, '\r': 2, '\u20ac': 1, b: [1, { a: 'x', z: null }] };
  assert.equal(canonical(one), canonical(other));
  assert.equal(canonical(one), '{"\\r":2,"1":3,"a":true,"b":[1,{"a":"x","z":null}],"€":1,"😀":4}');
  assert.equal(canonical({ a: undefined, b: 0.1, c: -0, d: 1e21 } as never), '{"b":0.1,"c":0,"d":1e+21}');
  assert.notEqual(canonical({ a: [1, 2] }), canonical({ a: [2, 1] }), 'the order of items counts');
});

test('a number beyond double precision keeps its digits', () => {
  const parsed = parseJsonText('{"b":12345678901234567890123,"a":1}', { depth: 4 });
  assert.ok(parsed.ok);
  assert.equal(canonical(parsed.value), '{"a":1,"b":12345678901234567890123}');
});
