/** Sums of budgets in the embedded database: what each process adds is added up there, so that none loses the other's. */
import { type Database, openDatabase, transaction } from '../../stores/sqlite/driver.ts';
import type { Local } from '../contract/later.ts';
import type { KeptSums } from '../contract/meters.ts';

/** Rows that are over, and go with each addition. */
const maxRemoved = 1_000;

/** Methods throw what SQLite says, when the file is full, damaged, or held by another process for seconds. */
export function sqliteSums(database: Database): Local<KeptSums> {
  const find = database.prepare(
    'SELECT slot, amount FROM sums WHERE "limit" = ? AND key = ? AND ends_at > ? ORDER BY slot',
  );
  const add = database.prepare(
    `INSERT INTO sums ("limit", key, slot, amount, ends_at) VALUES (?, ?, ?, max(0, ?), ?)
     ON CONFLICT ("limit", key, slot) DO UPDATE
       SET amount = max(0, amount + ?6), ends_at = max(ends_at, excluded.ends_at)
     RETURNING amount`,
  );
  const removeOver = database.prepare(
    `DELETE FROM sums WHERE rowid IN (SELECT rowid FROM sums WHERE ends_at <= ? LIMIT ${maxRemoved})`,
  );
  const remove = database.prepare('DELETE FROM sums WHERE "limit" = ? AND key = ? AND slot > ?');
  const read = (table: string, key: string, now: number) =>
    find.all(table, key, Math.floor(now)).map(({ slot, amount }) => ({ slot: Number(slot), amount: Number(amount) }));
  /** Moves what was added by a clock that went ahead. */
  const setBack = ({ table, key, latest }: Parameters<KeptSums['load']>[0], now: number) =>
    transaction(database, () => {
      const ahead = read(table, key, now).filter(({ slot }) => slot > latest);
      const ends = Math.max(...ahead.map(({ slot }) => slot)) - latest;
      for (const { amount } of ahead) add.get(table, key, latest, amount, Math.ceil(now + ends), amount);
      remove.run(table, key, latest);
      return read(table, key, now);
    });
  return {
    load(of, now) {
      const slots = read(of.table, of.key, now);
      return slots.some(({ slot }) => slot > of.latest) ? setBack(of, now) : slots;
    },
    add: (changes, now) =>
      transaction(database, () => {
        removeOver.run(Math.floor(now));
        return changes.map(({ table, key, slot, amount, total, endsAt }) =>
          Number(add.get(table, key, slot, Math.round(total), Math.ceil(endsAt), Math.round(amount))?.['amount']),
        );
      }),
  };
}

export interface OpenSums extends Local<KeptSums> {
  close(): void;
}

/** The sums of a data folder. */
export function openSums(data: string): OpenSums {
  const database = openDatabase(data);
  return { ...sqliteSums(database), close: () => database.close() };
}
