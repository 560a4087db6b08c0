/** The one file that knows `node:sqlite`. Opens the embedded database and brings its tables up to date. */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

export type Database = DatabaseSync;

/** Steps from one version of the tables to the next. Only ever appended to. */
const migrations: readonly string[] = [
  `CREATE TABLE api_keys (
     id TEXT PRIMARY KEY,
     mac TEXT NOT NULL UNIQUE,
     name TEXT,
     user TEXT,
     agent TEXT,
     application TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     revoked_at INTEGER,
     last_used_at INTEGER
   ) STRICT;
   CREATE TABLE versions (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;`,
  // A list as JSON; null: from everywhere.
  'ALTER TABLE api_keys ADD COLUMN networks TEXT;',
  // Registries of state/contract: a place is given once, so that it is a version too.
  `CREATE TABLE registry_entries (
     place INTEGER PRIMARY KEY AUTOINCREMENT,
     registry TEXT NOT NULL,
     key TEXT NOT NULL,
     owner TEXT NOT NULL,
     value TEXT NOT NULL,
     expires_at INTEGER NOT NULL,
     UNIQUE (registry, key)
   ) STRICT;
   CREATE INDEX registry_owners ON registry_entries (registry, owner, place);
   CREATE INDEX registry_places ON registry_entries (registry, place);
   CREATE INDEX registry_ends ON registry_entries (registry, expires_at);
   CREATE TABLE registry_sizes (registry TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT;
   CREATE TRIGGER registry_grows AFTER INSERT ON registry_entries BEGIN
     INSERT INTO registry_sizes VALUES (new.registry, 1) ON CONFLICT (registry) DO UPDATE SET entries = entries + 1;
   END;
   CREATE TRIGGER registry_shrinks AFTER DELETE ON registry_entries BEGIN
     UPDATE registry_sizes SET entries = entries - 1 WHERE registry = old.registry;
   END;`,
  // Counters and holds of state/contract. A counter that changes gets a new place, so that they stand in that order.
  `CREATE TABLE counters (
     place INTEGER PRIMARY KEY AUTOINCREMENT,
     name TEXT NOT NULL,
     owner TEXT NOT NULL,
     key TEXT NOT NULL,
     value INTEGER NOT NULL,
     changed_at INTEGER NOT NULL,
     UNIQUE (name, owner, key)
   ) STRICT;
   CREATE INDEX counters_places ON counters (name, owner, place);
   CREATE TABLE holds (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     name TEXT NOT NULL,
     key TEXT NOT NULL,
     ends_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX holds_of_key ON holds (name, key, ends_at);
   CREATE INDEX holds_ends ON holds (name, ends_at);`,
  // Pins: every definition that was seen, and what was decided about it. `place` grows with each decision.
  `CREATE TABLE definitions (
     server TEXT NOT NULL,
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     digest TEXT NOT NULL,
     content TEXT NOT NULL,
     state TEXT NOT NULL,
     seen_at INTEGER NOT NULL,
     decided_at INTEGER,
     decided_by TEXT,
     reason TEXT,
     is_recorded INTEGER NOT NULL DEFAULT 1,
     PRIMARY KEY (server, kind, name, digest)
   ) STRICT;
   CREATE INDEX definitions_to_record ON definitions (is_recorded) WHERE is_recorded = 0;
   CREATE INDEX definitions_waiting ON definitions (server, state, seen_at);
   CREATE TABLE lists_seen (
     server TEXT NOT NULL,
     kind TEXT NOT NULL,
     first_at INTEGER NOT NULL,
     names TEXT NOT NULL,
     PRIMARY KEY (server, kind)
   ) STRICT;`,
  // What budgets have used, by slot of time.
  `CREATE TABLE sums (
     "limit" TEXT NOT NULL,
     key TEXT NOT NULL,
     slot INTEGER NOT NULL,
     amount INTEGER NOT NULL,
     ends_at INTEGER NOT NULL,
     UNIQUE ("limit", key, slot)
   ) STRICT;
   CREATE INDEX sums_ends ON sums (ends_at);`,
  // Calls that a person decides about. `content` is encrypted.
  `CREATE TABLE approvals (
     id TEXT PRIMARY KEY,
     digest TEXT NOT NULL,
     owner TEXT NOT NULL,
     server TEXT NOT NULL,
     name TEXT NOT NULL,
     state TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     terms TEXT NOT NULL,
     votes TEXT NOT NULL,
     uses INTEGER NOT NULL,
     content TEXT NOT NULL,
     is_recorded INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX approvals_of_call ON approvals (digest, state);
   CREATE INDEX approvals_by_state ON approvals (state, created_at);
   CREATE INDEX approvals_by_time ON approvals (created_at);
   CREATE INDEX approvals_to_record ON approvals (is_recorded) WHERE is_recorded = 0;`,
  // Operators, and what they prove themselves with. Of secret texts only the HMAC is kept.
  `CREATE TABLE operators (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     role TEXT NOT NULL,
     servers TEXT,
     user TEXT,
     created_at INTEGER NOT NULL,
     revoked_at INTEGER,
     version INTEGER NOT NULL,
     password TEXT,
     totp TEXT,
     totp_step INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE passkeys (
     id TEXT PRIMARY KEY,
     operator TEXT NOT NULL REFERENCES operators (id),
     name TEXT NOT NULL,
     public_key TEXT NOT NULL,
     counter INTEGER NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX passkeys_of ON passkeys (operator);
   CREATE TABLE operator_tokens (
     id TEXT PRIMARY KEY,
     mac TEXT NOT NULL UNIQUE,
     operator TEXT NOT NULL REFERENCES operators (id),
     name TEXT NOT NULL,
     role TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     revoked_at INTEGER,
     last_used_at INTEGER
   ) STRICT;
   CREATE INDEX operator_tokens_of ON operator_tokens (operator);
   CREATE TABLE operator_sessions (
     id TEXT PRIMARY KEY,
     mac TEXT NOT NULL UNIQUE,
     operator TEXT NOT NULL REFERENCES operators (id),
     means TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     proven_at INTEGER NOT NULL,
     idle_at INTEGER NOT NULL,
     ends_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX operator_sessions_of ON operator_sessions (operator);
   CREATE TABLE operator_links (mac TEXT PRIMARY KEY, content TEXT NOT NULL, ends_at INTEGER NOT NULL) STRICT;
   CREATE TABLE operator_events (id INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;`,
  // An approval can cover other arguments: those of the same scope are found by it.
  `ALTER TABLE approvals ADD COLUMN scope TEXT NOT NULL DEFAULT '';
   CREATE INDEX approvals_of_scope ON approvals (scope, state);`,
  // Pins: which server it was that answered.
  `CREATE TABLE server_identities (
     server TEXT NOT NULL,
     digest TEXT NOT NULL,
     content TEXT NOT NULL,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     before TEXT,
     is_recorded INTEGER NOT NULL,
     PRIMARY KEY (server, digest)
   ) STRICT;`,
  // What operators switched off: of each server the last decision, and those that no record has yet.
  `CREATE TABLE server_controls (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     server TEXT NOT NULL,
     state TEXT NOT NULL,
     before TEXT NOT NULL,
     reason TEXT NOT NULL,
     message TEXT,
     decided_by TEXT NOT NULL,
     at INTEGER NOT NULL,
     until INTEGER,
     is_recorded INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX server_controls_of ON server_controls (server, id);
   CREATE INDEX server_controls_to_record ON server_controls (is_recorded) WHERE is_recorded = 0;`,
  // Messages that wait to be sent. `content` is encrypted.
  `CREATE TABLE channel_messages (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     channel TEXT NOT NULL,
     message_id TEXT NOT NULL,
     content TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     next_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     state TEXT NOT NULL,
     problem TEXT,
     UNIQUE (channel, message_id)
   ) STRICT;
   CREATE INDEX channel_messages_waiting ON channel_messages (channel, state, id);
   CREATE INDEX channel_messages_by_time ON channel_messages (created_at);`,
  // Approvals that are over keep nothing of what they were about: those that still do are found at once.
  `CREATE INDEX approvals_with_content ON approvals (state) WHERE content != '';`,
  // Lists of approvals do not pass over what each is about, which can be long: it stands in a table of its own.
  `CREATE TABLE approval_contents (
     id TEXT PRIMARY KEY REFERENCES approvals (id) ON DELETE CASCADE,
     content TEXT NOT NULL
   ) STRICT;
   INSERT INTO approval_contents SELECT id, content FROM approvals WHERE content != '';
   DROP INDEX approvals_with_content;
   ALTER TABLE approvals DROP COLUMN content;
   ALTER TABLE approvals ADD COLUMN summary TEXT NOT NULL DEFAULT '';
   CREATE INDEX approvals_of_owner ON approvals (state, owner, expires_at);
   CREATE INDEX approvals_by_end ON approvals (state, expires_at);`,
  // Operators by a group of an issuer; `group_over`: no group gives it a role at the moment.
  `ALTER TABLE operators ADD COLUMN made_by TEXT;
   ALTER TABLE operators ADD COLUMN group_over INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX operators_by_user ON operators (user) WHERE user IS NOT NULL;`,
  // Approvals in the order in which they last changed: those who watch ask for what is later than what they know.
  `ALTER TABLE approvals ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX approvals_by_change ON approvals (change);
   CREATE TABLE approval_changes (last INTEGER NOT NULL) STRICT;
   INSERT INTO approval_changes VALUES (0);
   CREATE TRIGGER approval_made AFTER INSERT ON approvals BEGIN
     UPDATE approval_changes SET last = last + 1;
     UPDATE approvals SET change = (SELECT last FROM approval_changes) WHERE id = new.id;
   END;
   CREATE TRIGGER approval_changed AFTER UPDATE OF state, votes, uses ON approvals BEGIN
     UPDATE approval_changes SET last = last + 1;
     UPDATE approvals SET change = (SELECT last FROM approval_changes) WHERE id = new.id;
   END;`,
  // What is to be recorded is taken for a time, with its end in place of 0, until its record is durable.
  `DROP INDEX approvals_to_record;
   DROP INDEX definitions_to_record;
   DROP INDEX server_controls_to_record;
   CREATE INDEX approvals_to_record ON approvals (is_recorded) WHERE is_recorded != 1;
   CREATE INDEX definitions_to_record ON definitions (is_recorded) WHERE is_recorded != 1;
   CREATE INDEX server_identities_to_record ON server_identities (is_recorded) WHERE is_recorded != 1;
   CREATE INDEX server_controls_to_record ON server_controls (is_recorded) WHERE is_recorded != 1;
   ALTER TABLE operator_events ADD COLUMN is_recorded INTEGER NOT NULL DEFAULT 0;`,
  // Calls and tasks that wait for an approval: it is withdrawn with the last of them.
  `CREATE TABLE approval_waits (
     approval TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
     waiter TEXT NOT NULL,
     until INTEGER NOT NULL,
     PRIMARY KEY (approval, waiter)
   ) STRICT, WITHOUT ROWID;`,
];

export function databasePath(folder: string): string {
  return join(folder, 'sallyport.db');
}

/** Pages of the journal from which on SQLite moves them into the database in a commit: 16 MiB. Gateways do it earlier, beside. */
export const checkpointPages = 4_096;

/** Opens `<folder>/sallyport.db`; it and the folder are made when missing, readable by their owner only. */
export function openDatabase(folder: string): Database {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = openPlain(databasePath(folder));
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
     PRAGMA wal_autocheckpoint = ${checkpointPages};`,
  );
  migrate(database);
  return database;
}

/**
 * What was deleted is in the file beside the database until that is begun anew; this empties it. Another process that is
 * at work there can keep it from that for now.
 */
export function emptyJournal(database: Database): void {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

/** Opens a database of another kind at exactly this path, without tables. */
export function openPlain(path: string): Database {
  // SQLite gives its other files the mode of this one. Only when it is missing: closing a file lets go of every lock that this
  // process has on it, and the next process that closes the database would take itself for the last, and delete the journal.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  return new DatabaseSync(path, { timeout: 5_000 });
}

/** Opens a database that no process writes, without a file beside it: works on a read-only file system. */
export function openUnchanging(path: string): Database {
  return new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
}

/** A database that is gone when it is closed. What does not fit into memory goes to the folder for temporary files. */
export function openPassing(): Database {
  return new DatabaseSync('');
}

/** Does it say that something must not, or cannot, be written? */
export function isReadOnly(error: unknown): boolean {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof code === 'string' && ['EROFS', 'EACCES', 'EPERM'].includes(code)) return true;
  // SQLITE_PERM, SQLITE_READONLY and SQLITE_CANTOPEN; the upper bits say more of the same.
  return typeof errcode === 'number' && [3, 8, 14].includes(errcode & 0xff);
}

/** Does SQLite say that it cannot write at the moment? */
export function isUnwritable(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  // SQLITE_BUSY, SQLITE_IOERR and SQLITE_FULL.
  return typeof errcode === 'number' && (isReadOnly(error) || [5, 10, 13].includes(errcode & 0xff));
}

function migrate(database: Database): void {
  if (userVersion(database) === migrations.length) return;
  transaction(database, () => {
    // Another process may have done it while this one waited for the lock.
    const version = userVersion(database);
    if (version > migrations.length) throw new Error('the database was written by a newer version of sallyport');
    for (const step of migrations.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function userVersion(database: Database): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** Runs in one transaction that holds the write lock from the start, so that it cannot fail half way for a lock. */
export function transaction<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
