import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNetwork, networksOf } from './networks.ts';

test('addresses and networks of both families, however the system writes the address', () => {
  const within = networksOf(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', 'fe80::/10']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8:1::1', 'fe80::1%eth0'])
    assert.equal(within(address), true, address);
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '::ffff:11.0.0.1', 'unknown', '', undefined])
    assert.equal(within(address), false, address);
  assert.equal(networksOf([])('10.0.0.1'), false);
});

test('what is no network', () => {
  for (const text of ['10.0.0.0/33', '2001:db8::/129', '10.0.0.0/', '10.0.0.0/8/8', 'example.com', '10.0.0', ''])
    assert.equal(isNetwork(text), false, text);
  for (const text of ['10.0.0.0/8', '10.0.0.1', '::1', '2001:db8::/32', '0.0.0.0/0']) assert.ok(isNetwork(text), text);
});
