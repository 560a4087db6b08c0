import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideSecrets } from './hide.ts';

test('secrets are taken out of everything that a server says, keys included', () => {
  const secret = 'tok-1234567890';
  const value = { a: `Bearer ${secret}!`, [`x-${secret}`]: [1, { b: secret }], c: 'clean' };
  assert.deepEqual(hideSecrets(value, [secret]), {
    a: 'Bearer (hidden)!',
    'x-(hidden)': [1, { b: '(hidden)' }],
    c: 'clean',
  });
  assert.equal(hideSecrets(`${secret}-more`, [secret, `${secret}-more`]), '(hidden)');
  const clean = { a: ['b', { c: 1 }] };
  assert.equal(hideSecrets(clean, [secret]), clean, 'nothing is copied when nothing is hidden');
});
