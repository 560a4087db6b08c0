/** API keys in the embedded database. */
import type { KeyStore, StoredKey } from '../contract/keys.ts';
import { type Database, openDatabase, transaction } from './driver.ts';

/** Opens the store in a data folder, which is made when missing. */
export function openKeyStore(folder: string): KeyStore {
  const database = openDatabase(folder);
  const all = database.prepare('SELECT * FROM api_keys ORDER BY created_at, id');
  const insert = database.prepare(
    `INSERT INTO api_keys (id, mac, name, user, agent, application, networks, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const end = database.prepare('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const limit = database.prepare(
    'UPDATE api_keys SET expires_at = min(coalesce(expires_at, ?1), ?1) WHERE id = ?2 AND revoked_at IS NULL',
  );
  const use = database.prepare('UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?');
  const bump = database.prepare(
    `INSERT INTO versions VALUES ('keys', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1`,
  );
  const current = currentVersion(database);

  return {
    list: () => all.all().map(toKey),
    add: (key) =>
      transaction(database, () => {
        const { id, mac, name, user, agent, application, networks, createdAt, expiresAt } = key;
        insert.run(
          id,
          mac,
          name ?? null,
          user ?? null,
          agent ?? null,
          application ?? null,
          networks === undefined ? null : JSON.stringify(networks),
          createdAt,
          expiresAt ?? null,
        );
        bump.run();
      }),
    revoke: (id, at) =>
      transaction(database, () => {
        const revoked = end.run(at, id).changes === 1;
        if (revoked) bump.run();
        return revoked;
      }),
    expire: (id, at) =>
      transaction(database, () => {
        const limited = limit.run(at, id).changes === 1;
        if (limited) bump.run();
        return limited;
      }),
    touch: (uses) => {
      if (uses.size === 0) return;
      transaction(database, () => {
        for (const [id, at] of uses) use.run(at, id);
      });
    },
    version: current,
    close: () => database.close(),
  };
}

/**
 * `PRAGMA data_version` changes with every write of another process and costs next to nothing; the counter, which only
 * keys change, is read when it does.
 */
function currentVersion(database: Database): () => number {
  const read = database.prepare(`SELECT value FROM versions WHERE name = 'keys'`);
  const data = database.prepare('PRAGMA data_version');
  let seen: unknown;
  let changes = -1;
  let value = 0;
  const own = database.prepare('SELECT total_changes() AS n');
  return () => {
    const { data_version: version } = data.get() ?? {};
    const written = Number(own.get()?.['n'] ?? 0);
    if (version !== seen || written !== changes) {
      seen = version;
      changes = written;
      value = Number(read.get()?.['value'] ?? 0);
    }
    return value;
  };
}

type Row = Record<string, unknown>;

function toKey(row: Row): StoredKey {
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : undefined);
  const time = (name: string) => (typeof row[name] === 'number' ? row[name] : undefined);
  const networks = text('networks');
  const optional = {
    name: text('name'),
    user: text('user'),
    agent: text('agent'),
    application: text('application'),
    networks: networks === undefined ? undefined : (JSON.parse(networks) as string[]),
    expiresAt: time('expires_at'),
    revokedAt: time('revoked_at'),
    lastUsedAt: time('last_used_at'),
  };
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return { id: text('id') ?? '', mac: text('mac') ?? '', createdAt: time('created_at') ?? 0, ...present };
}
