import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { keyStoreContract } from '../../../test/support/key-store-contract.ts';
import { openKeyStore } from './keys.ts';

const makeFolder = (): string => temporaryFolder('keys');

keyStoreContract('sqlite', openKeyStore, makeFolder);

test('keys of a database without networks stay as they are', () => {
  const folder = makeFolder();
  const old = new DatabaseSync(join(folder, 'sallyport.db'));
  old.exec(`
    CREATE TABLE api_keys (id TEXT PRIMARY KEY, mac TEXT NOT NULL UNIQUE, name TEXT, user TEXT, agent TEXT,
      application TEXT, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER, last_used_at INTEGER) STRICT;
    CREATE TABLE versions (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    INSERT INTO api_keys VALUES ('key_1', 'aa', 'laptop', 'dana', NULL, NULL, 1, 50, NULL, 7);
    INSERT INTO versions VALUES ('keys', 1);
    PRAGMA user_version = 1;`);
  old.close();
  const before = { id: 'key_1', mac: 'aa', name: 'laptop', user: 'dana', createdAt: 1, expiresAt: 50, lastUsedAt: 7 };
  const store = openKeyStore(folder);
  assert.deepEqual(store.list(), [before]);
  const next = { id: 'key_2', mac: 'bb', agent: 'demo', createdAt: 2, networks: ['10.0.0.0/8'] };
  store.add(next);
  store.close();
  const again = openKeyStore(folder);
  assert.deepEqual(again.list(), [before, next]);
  again.close();
});
