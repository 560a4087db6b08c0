/**
 * What waits for an approval, in any process of the folder: calls whose clients are there, and tasks. Equal calls of a caller
 * share one approval, so that it is withdrawn with the last of them only.
 */
import { type Database, transaction } from '../../stores/sqlite/driver.ts';

/** Times in milliseconds since the epoch. */
export interface Waits {
  /** `until`: when it waits no longer, also where its process was killed. Nothing where there is no such approval. */
  readonly wait: (id: string, waiter: string, until: number) => void;
  /** It waits no longer, and what becomes of the approval is for others to say. */
  readonly stopWaiting: (id: string, waiter: string) => void;
  /** It is not wanted any more: a pending approval ends where nothing else waits for it. */
  readonly withdraw: (id: string, waiter: string, now: number) => void;
  /** The same for an approved one. A grant is for other calls as well, and stays. */
  readonly giveUp: (id: string, waiter: string, now: number) => void;
  /** Those of an approval that is over, and all that are past their time. */
  readonly forget: (id: string) => void;
  readonly forgetPast: (now: number) => void;
}

export function waitsOf(database: Database): Waits {
  const add = database.prepare(
    `INSERT OR REPLACE INTO approval_waits (approval, waiter, until)
     SELECT id, ?2, ?3 FROM approvals WHERE id = ?1`,
  );
  const remove = database.prepare('DELETE FROM approval_waits WHERE approval = ? AND waiter = ?');
  const removeAll = database.prepare('DELETE FROM approval_waits WHERE approval = ?');
  const removePast = database.prepare('DELETE FROM approval_waits WHERE until <= ?');
  const endWhere = (states: string) =>
    database.prepare(
      `UPDATE approvals SET state = 'withdrawn', is_recorded = 0
       WHERE id = ?1 AND expires_at > ?2 AND (${states})
         AND NOT EXISTS (SELECT 1 FROM approval_waits WHERE approval = ?1 AND until > ?2)`,
    );
  const endPending = endWhere("state = 'pending'");
  const endUnspent = endWhere("state = 'pending' OR (state = 'approved' AND json_extract(terms, '$.grant') IS NULL)");
  const leaving =
    (end: typeof endPending) =>
    (id: string, waiter: string, now: number): void =>
      transaction(database, () => {
        remove.run(id, waiter);
        end.run(id, now);
      });
  return {
    wait: (id, waiter, until) => void add.run(id, waiter, until),
    stopWaiting: (id, waiter) => void remove.run(id, waiter),
    withdraw: leaving(endPending),
    giveUp: leaving(endUnspent),
    forget: (id) => void removeAll.run(id),
    forgetPast: (now) => void removePast.run(now),
  };
}
