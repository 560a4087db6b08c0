import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GivenSecrets } from './given-secrets.ts';

test('fixed secrets stay however many tokens are presented, and what was fixed before a reload is still known', () => {
  const given = new GivenSecrets();
  given.configure(['fixed-header-1']);
  given.add(['token-of-a']);
  for (let count = 0; count < 100; count++) given.add([`renewed-token-${count}`]);
  assert.ok(given.all().includes('fixed-header-1'));
  assert.ok(given.all().includes('renewed-token-99'));
  assert.ok(given.all().length <= 40, 'the number of searches in each text is bounded');
  given.configure(['fixed-header-2']);
  assert.ok(given.all().includes('fixed-header-1') && given.all().includes('fixed-header-2'));
});
