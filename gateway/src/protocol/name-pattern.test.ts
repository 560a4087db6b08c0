import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { namePattern } from './name-pattern.ts';

test('a star is any characters, and everything else is itself', () => {
  const text = fc.stringMatching(/^[ab.*]{0,8}$/);
  const pattern = fc.stringMatching(/^[ab.*]{1,6}$/);
  fc.assert(
    fc.property(pattern, text, (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`, 's').test(name);
      assert.equal(namePattern(pattern)(name), expected);
    }),
    { numRuns: 3_000 },
  );
});

test('a hostile pattern takes no long time', () => {
  assert.equal(namePattern('a*'.repeat(500))('a'.repeat(10_000).concat('b')), true);
  assert.equal(namePattern(`${'a*'.repeat(500)}c`)('a'.repeat(10_000)), false);
});
