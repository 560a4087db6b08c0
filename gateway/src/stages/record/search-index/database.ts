/** The SQLite file of an index: made, opened in each of its ways, recognised, removed. */
import { existsSync, rmSync } from 'node:fs';
import { type Database, openPlain, openUnchanging, transaction } from '../../../stores/sqlite/driver.ts';
import { Frontier } from '../log/merkle.ts';
import { tileReader } from '../log/tree-files.ts';
import type { Archive } from '../read/archive.ts';
import { indexVersion, tables } from './tables.ts';

export function openIndex(path: string, origin: string): Database {
  const open = (): Database => {
    const database = openPlain(path);
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000;',
    );
    return database;
  };
  let database = open();
  if (versionOf(database) !== 0 && !isOf(database, origin)) {
    database.close();
    removeIndex(path);
    database = open();
  }
  prepare(database, origin);
  return database;
}

export function removeIndex(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true, recursive: true });
}

/** Does SQLite say that the file is not what it wrote, or lacks what every index has? */
export function isDamage(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: unknown };
  // SQLITE_ERROR (no such table), SQLITE_CORRUPT, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_NOTADB
  return typeof errcode === 'number' && [1, 11, 19, 20, 26].includes(errcode & 0xff);
}

/** The root of the log over its first records; empty when its tiles are exchanged at this moment. */
export function rootOver({ reader }: Archive, count: number): string {
  const size = reader.checkpoint()?.size;
  try {
    return Frontier.of(count, tileReader(reader.folder, size)).root().toString('base64');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function versionOf(database: Database): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function isOf(database: Database, origin: string): boolean {
  return (
    versionOf(database) === indexVersion && database.prepare('SELECT origin FROM progress').get()?.['origin'] === origin
  );
}

export function prepare(database: Database, origin: string): void {
  if (versionOf(database) !== 0) return;
  transaction(database, () => {
    // Another process may have done it meanwhile.
    if (versionOf(database) !== 0) return;
    database.exec(`${tables}; PRAGMA user_version = ${indexVersion};`);
    database.prepare(`INSERT INTO progress VALUES (0, ?, '', 0)`).run(origin);
  });
}

/** An index that cannot be written and need not be: no other process has it open, and the whole log is in it. */
export function openCurrent(path: string, archive: Archive): Database | undefined {
  // A WAL file means that another process writes this index, or died while it did.
  if (!existsSync(path) || existsSync(`${path}-wal`)) return undefined;
  let database: Database | undefined;
  try {
    database = openUnchanging(path);
    const next = isOf(database, archive.origin)
      ? Number(database.prepare('SELECT next FROM progress').get()?.['next'])
      : 0;
    if (next > 0 && next >= (archive.reader.checkpoint()?.size ?? 0)) return database;
  } catch {
    // It is not needed: another one is made.
  }
  database?.close();
  return undefined;
}
