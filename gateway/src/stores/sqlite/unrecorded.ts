/**
 * Rows with a change that no record of the log tells yet: `is_recorded` is 0. A process takes such a row for a time, and marks
 * it with 1 once its record is durable. A process that is killed in between leaves it to another one, so that a change
 * has one record, or two after a kill, and never none.
 */
import type { Unrecorded } from '../recording.ts';
import { type Database, transaction } from './driver.ts';

/** Milliseconds for which a process has what it took, and after which another one takes what a killed one had. */
const takenForMs = 5_000;

type Row = Readonly<Record<string, unknown>>;

export interface UnrecordedRows<Item> {
  /** With a column `is_recorded` and an index of its rows where that is not 1. */
  readonly table: string;
  /** Names of columns, or a star. */
  readonly columns: string;
  /** The column that a single one is taken by. */
  readonly key?: string;
  /** A column with numbers: the smallest is taken first. */
  readonly order: string;
  readonly limit: number;
  /** `undefined`: nothing can be told of it. */
  readonly read: (row: Row) => Item | undefined;
  /** Within the transaction that marks it. */
  readonly onRecorded?: (item: Item) => void;
}

export function unrecordedOf<Item extends object>(
  database: Database,
  { table, columns, key = 'rowid', order, limit, read, onRecorded }: UnrecordedRows<Item>,
): Unrecorded<Item> {
  // A clock that was set back would otherwise let a process have a row for ever.
  const isFree = `is_recorded != 1 AND iif(?3 IS NULL, is_recorded = 0 OR
     (?2 = 'late' AND (is_recorded <= ?1 OR is_recorded > ?1 + ${takenForMs})), ${key} = ?3)`;
  const any = database.prepare(`SELECT 1 FROM ${table} WHERE ${isFree} LIMIT 1`);
  const take = database.prepare(
    `UPDATE ${table} SET is_recorded = ?1 + ${takenForMs}
     WHERE rowid IN (SELECT rowid FROM ${table} WHERE ${isFree} ORDER BY ${order} LIMIT ${limit})
     RETURNING ${columns}, ${order} AS taken_order, rowid AS taken_row, is_recorded AS taken_until`,
  );
  // What changed since it was taken is to be recorded anew.
  const mark = database.prepare(`UPDATE ${table} SET is_recorded = 1 WHERE rowid = ? AND is_recorded = ?`);
  const free = database.prepare(`UPDATE ${table} SET is_recorded = 0 WHERE rowid = ? AND is_recorded = ?`);
  const renew = database.prepare(
    `UPDATE ${table} SET is_recorded = ?1 + ${takenForMs} WHERE rowid = ?2 AND is_recorded = ?3`,
  );
  const rows = new WeakMap<Item, Row>();
  const markOne = (row: Row): boolean =>
    Number(mark.run(Number(row['taken_row']), Number(row['taken_until'])).changes) === 1;
  const each = (items: readonly Item[], change: (row: Row, item: Item) => void): void => {
    if (items.length === 0) return;
    transaction(database, () => {
      for (const item of items) {
        const row = rows.get(item);
        if (row !== undefined) change(row, item);
      }
    });
  };
  return {
    take(which, now) {
      // Asked every second: where there is nothing to do, nothing is locked.
      const what = typeof which === 'string' ? ([now, which, null] as const) : ([now, '', which.of] as const);
      if (any.get(...what) === undefined) return [];
      const taken = (take.all(...what) as Row[]).toSorted(
        (one, other) => Number(one['taken_order']) - Number(other['taken_order']),
      );
      return taken.flatMap((row) => {
        const item = read(row);
        if (item === undefined) markOne(row);
        else rows.set(item, row);
        return item ?? [];
      });
    },
    keep(items, now) {
      // Not each second, and at once where the clock was set back.
      const due = items.filter((item) => {
        const until = Number(rows.get(item)?.['taken_until'] ?? now + takenForMs);
        return until <= now + takenForMs / 2 || until > now + takenForMs;
      });
      if (due.length === 0) return;
      transaction(database, () => {
        for (const item of due) {
          const row = rows.get(item) ?? {};
          const { changes } = renew.run(now, Number(row['taken_row']), Number(row['taken_until']));
          if (Number(changes) === 1) rows.set(item, { ...row, taken_until: now + takenForMs });
        }
      });
    },
    recorded: (items) =>
      each(items, (row, item) => {
        if (markOne(row)) onRecorded?.(item);
      }),
    release: (items) => each(items, (row) => void free.run(Number(row['taken_row']), Number(row['taken_until']))),
  };
}
