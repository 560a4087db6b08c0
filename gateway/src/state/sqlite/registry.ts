/** A registry in the embedded database. Values are kept as JSON. Several processes may have it open. */
import { type Database, transaction } from '../../stores/sqlite/driver.ts';
import type { Local } from '../contract/later.ts';
import type { Entry, NewEntry, PutResult, Registry, RegistryBounds } from '../contract/registry.ts';

export interface SqliteRegistryOptions<Value> extends RegistryBounds {
  readonly name: string;
  /** What a value must be: `undefined` for one that was written by another version, or by hand, which is not there then. */
  readonly read: (value: unknown) => Value | undefined;
}

/** Methods throw what SQLite says, when the file is full, damaged, or held by another process for seconds. */
export function sqliteRegistry<Value>(
  database: Database,
  options: SqliteRegistryOptions<Value>,
): Local<Registry<Value>> {
  const { name, read, maxEntries, maxOfOwner, lifetimeMs, whenFull } = options;
  const find = database.prepare('SELECT * FROM registry_entries WHERE registry = ? AND key = ?');
  const insert = database.prepare(
    'INSERT INTO registry_entries (registry, key, owner, value, expires_at) VALUES (?, ?, ?, ?, ?) RETURNING place',
  );
  const remove = database.prepare('DELETE FROM registry_entries WHERE place = ?');
  const removeOver = database.prepare('DELETE FROM registry_entries WHERE registry = ? AND expires_at <= ?');
  const own = database.prepare('SELECT * FROM registry_entries WHERE registry = ? AND owner = ? ORDER BY place');
  const ofOwner = database.prepare('SELECT count(*) AS n FROM registry_entries WHERE registry = ? AND owner = ?');
  const ofAll = database.prepare('SELECT entries AS n FROM registry_sizes WHERE registry = ?');
  const oldestOfOwner = database.prepare(
    'SELECT place FROM registry_entries WHERE registry = ? AND owner = ? ORDER BY place LIMIT 1',
  );
  const oldest = database.prepare('SELECT place FROM registry_entries WHERE registry = ? ORDER BY place LIMIT 1');

  const entryOf = (row: Row | undefined, now: number): Entry<Value> | undefined => {
    if (row === undefined || Number(row['expires_at']) <= now) return undefined;
    const value = read(parsed(String(row['value'])));
    if (value === undefined) return undefined;
    const { key, owner, expires_at: expiresAt, place } = row;
    return { key: String(key), owner: String(owner), value, expiresAt: Number(expiresAt), version: Number(place) };
  };
  const makeRoom = (owner: string): boolean => {
    const isShareFull = numberIn(ofOwner.get(name, owner)) >= maxOfOwner;
    if (!isShareFull && numberIn(ofAll.get(name)) < maxEntries) return true;
    if (whenFull === 'refuse') return false;
    const goes = isShareFull ? oldestOfOwner.get(name, owner) : oldest.get(name);
    remove.run(Number(goes?.['place']));
    return true;
  };

  return {
    put({ key, owner, value, expiresAt = Number.POSITIVE_INFINITY }: NewEntry<Value>, now, when): PutResult {
      // What is refused leaves everything as it was: its end undoes the transaction.
      return refusable(database, () => {
        removeOver.run(name, now);
        const known = find.get(name, key);
        if (when === 'absent' && known !== undefined) return { ok: false, reason: 'exists' };
        if (typeof when === 'number' && known?.['place'] !== when) return { ok: false, reason: 'changed' };
        if (known !== undefined) remove.run(Number(known['place']));
        if (!makeRoom(owner)) return { ok: false, reason: 'full' };
        const end = Math.min(expiresAt, now + lifetimeMs);
        const row = insert.get(name, key, owner, JSON.stringify(value), end);
        return { ok: true, version: Number(row?.['place']) };
      });
    },
    get: (key, now) => entryOf(find.get(name, key), now),
    take: (key, now) =>
      transaction(database, () => {
        const row = find.get(name, key);
        if (row !== undefined) remove.run(Number(row['place']));
        return entryOf(row, now);
      }),
    list: (owner, now) => own.all(name, owner).flatMap((row) => entryOf(row, now) ?? []),
    size(now) {
      removeOver.run(name, now);
      return numberIn(ofAll.get(name));
    },
  };
}

type Row = Readonly<Record<string, unknown>>;

function numberIn(row: Row | undefined): number {
  return Number(row?.['n'] ?? 0);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Written by hand: there is no such value.
    return undefined;
  }
}

/** Runs in one transaction that is undone when the result says that nothing was put. */
function refusable(database: Database, work: () => PutResult): PutResult {
  let refused: PutResult | undefined;
  try {
    return transaction(database, () => {
      const result = work();
      if (result.ok) return result;
      refused = result;
      throw new Error('undone');
    });
  } catch (error) {
    if (refused !== undefined) return refused;
    throw error;
  }
}
