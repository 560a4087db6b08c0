/**
 * Changes that are announced through the embedded database, which every process of a data folder opens anyway. Each topic has a
 * number in the table of versions.
 */
import { existsSync } from 'node:fs';
import { databasePath, openDatabase } from '../../stores/sqlite/driver.ts';
import { type Changes, type Topic, topics } from '../contract/changes.ts';
import type { Local } from '../contract/later.ts';

export interface OpenChanges extends Local<Changes> {
  close(): void;
}

/** Throws when the database cannot be opened. */
export function openChanges(folder: string): OpenChanges {
  const database = openDatabase(folder);
  const bump = database.prepare(
    'INSERT INTO versions VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value',
  );
  // It differs after every write over another connection, and costs next to nothing to ask for.
  const ask = database.prepare('PRAGMA data_version');
  const dataVersion = (): unknown => ask.get()?.['data_version'];
  const all = database.prepare('SELECT name, value FROM versions');
  const versions = (): ReadonlyMap<string, number> =>
    new Map(all.all().map(({ name, value }) => [String(name), Number(value)]));
  let written = dataVersion();
  let seen = versions();
  return {
    announce(topic) {
      const value = Number(bump.get(topic)?.['value']);
      // What others announced in the meantime is still to be seen: the number is a later one then.
      if (value === (seen.get(topic) ?? 0) + 1) seen = new Map(seen).set(topic, value);
    },
    look() {
      const now = dataVersion();
      if (now === written) return [];
      const before = seen;
      seen = versions();
      // Only now: what could not be read is read at the next look.
      written = now;
      return topics.filter((topic) => seen.get(topic) !== before.get(topic));
    },
    close: () => database.close(),
  };
}

/** For a command, after its work. Where no gateway has run there is nothing to tell. Throws when it cannot be told. */
export function announceChange(folder: string, topic: Topic): void {
  if (!existsSync(databasePath(folder))) return;
  const changes = openChanges(folder);
  try {
    changes.announce(topic);
  } finally {
    changes.close();
  }
}
