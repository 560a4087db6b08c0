/** What every key store must do. One body for all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyStore } from '../../src/stores/contract/keys.ts';

/** `open` opens the same store each time it is called within one test, and a new one for another folder. */
export function keyStoreContract(name: string, open: (folder: string) => KeyStore, makeFolder: () => string): void {
  const key = { id: 'key_1', mac: 'aa', agent: 'demo', createdAt: 1, expiresAt: 50, name: 'laptop' };

  test(`${name}: what was added is listed by another connection, and counts as a change there`, () => {
    const folder = makeFolder();
    const one = open(folder);
    const other = open(folder);
    const before = other.version();
    assert.equal(other.version(), before);
    one.add(key);
    assert.deepEqual(other.list(), [key]);
    assert.notEqual(other.version(), before);
    const own = one.version();
    one.add({ ...key, id: 'key_2', mac: 'bb', createdAt: 2 });
    assert.notEqual(one.version(), own, 'a change of its own counts as well');
    one.close();
    other.close();
  });

  test(`${name}: a key is revoked once, and using it is no change`, () => {
    const folder = makeFolder();
    const store = open(folder);
    store.add(key);
    assert.equal(store.revoke('key_1', 7), true);
    assert.equal(store.revoke('key_1', 8), false);
    assert.equal(store.revoke('key_x', 8), false);
    const version = store.version();
    store.touch(new Map([['key_1', 9]]));
    store.touch(new Map([['key_1', 5]]));
    assert.deepEqual(store.list(), [{ ...key, revokedAt: 7, lastUsedAt: 9 }]);
    assert.equal(store.version(), version);
    store.close();
  });

  test(`${name}: neither an id nor an HMAC can be used twice`, () => {
    const store = open(makeFolder());
    store.add(key);
    assert.throws(() => store.add({ ...key, mac: 'cc' }));
    assert.throws(() => store.add({ ...key, id: 'key_3' }));
    assert.equal(store.list().length, 1);
    store.close();
  });
}
