/**
 * Makes what was committed durable without holding up the event loop. With `synchronous = FULL` SQLite syncs its journal (the
 * WAL) in each commit: on the thread that commits, and while it holds the lock that all other writers of the file wait for.
 * Here a commit writes only (`synchronous = NORMAL`), and one sync on a thread of the pool serves all that wait for it. The
 * journal is one sequence: what is synced is a beginning of it, so that nothing is durable without what came before it.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { databasePath } from './driver.ts';

export const journalBounds = {
  /** Milliseconds that one waits for the disk. */
  patienceMs: 10_000,
} as const;

export type Settled = { readonly ok: true } | { readonly ok: false; readonly problem: string };

export interface Journal {
  /** Answers when everything is on the disk that was committed to the database before, by any process. Never rejects. */
  readonly settle: () => Promise<Settled>;
  close(): void;
}

export interface JournalOptions {
  readonly patienceMs?: number;
  /** Syncs a file on a thread of the pool. */
  readonly sync?: (file: number, done: (error: Error | null) => void) => void;
  /** Told once for each outage. */
  readonly onProblem?: (problem: string) => void;
}

/** `folder`: of a database that is open, and stays so until the journal is closed. Throws when the journal cannot be opened. */
export function openJournal(
  folder: string,
  { patienceMs = journalBounds.patienceMs, sync = fdatasync, onProblem }: JournalOptions = {},
): Journal {
  const file = openSync(`${databasePath(folder)}-wal`, 'r+');
  let isClosed = false;
  let isSyncing = false;
  /** A sync that failed has lost what it was of, and the next one does not say so: nothing is promised any more. */
  let broken: Settled | undefined;
  let running: Promise<Settled> | undefined;
  let next: Promise<Settled> | undefined;
  let isTold = false;

  const told = (problem: string): Settled => {
    if (!isTold) onProblem?.(problem);
    isTold = true;
    return { ok: false, problem };
  };
  const syncOnce = (): Promise<Settled> => {
    if (isClosed) return Promise.resolve({ ok: false, problem: 'the database is closed' });
    if (broken !== undefined) return Promise.resolve(broken);
    const { promise, resolve } = Promise.withResolvers<Settled>();
    isSyncing = true;
    sync(file, (error) => {
      isSyncing = false;
      if (error === null) isTold = false;
      else broken = told(`${error.message}: the disk has lost what was written, so that the process must be restarted`);
      resolve(broken ?? { ok: true });
      if (isClosed) closeSync(file);
    });
    return promise;
  };
  const begin = (): Promise<Settled> =>
    syncOnce().finally(() => {
      running = next;
      next = undefined;
    });
  /** One sync at a time. What is committed while it runs is covered by the one after it, which all share that ask meanwhile. */
  const round = (): Promise<Settled> => {
    if (running === undefined) return (running = begin());
    return (next ??= running.then(begin));
  };

  return {
    async settle() {
      const { promise: late, resolve } = Promise.withResolvers<Settled>();
      const timer = setTimeout(() => resolve(told(`the disk took nothing for ${patienceMs} ms`)), patienceMs);
      try {
        return await Promise.race([round(), late]);
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      isClosed = true;
      if (!isSyncing) closeSync(file);
    },
  };
}
