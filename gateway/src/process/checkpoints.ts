/**
 * Moves what stands in the journal (the WAL) of the embedded database into the database, on a thread of its own: SQLite does it
 * in the commit that makes the journal long, and syncs both files there, which would hold up the calls of the gateway.
 */
import type { Worker } from 'node:worker_threads';
import { checkpointPages, type Database, openDatabase } from '../stores/sqlite/driver.ts';
import { startThread } from './program.ts';

export const checkpointBounds = {
  /** Milliseconds between two looks at how long the journal is. */
  everyMs: 500,
  /** Pages that are not in the database yet, from which on they are moved. SQLite does it itself at `checkpointPages`. */
  pages: checkpointPages / 4,
  /** Milliseconds without work after which the thread ends. */
  idleMs: 60_000,
} as const;

/** What the thread says when it is done. */
export interface Checkpointed {
  readonly problem?: string;
}

export interface Checkpoints {
  close(): Promise<void>;
}

/** `onProblem`: told once for each time in which the thread fails; SQLite does the work in a commit then. Throws when the database cannot be opened. */
export function keepJournalShort(folder: string, onProblem: (problem: string) => void): Checkpoints {
  const database = openDatabase(folder);
  let worker: Worker | undefined;
  let isBusy = false;
  let workedAt = 0;
  let isTold = false;

  const failed = (problem: string): void => {
    if (!isTold) onProblem(problem);
    isTold = true;
  };
  const begin = (): Worker => {
    const made = startThread('process/checkpoint-thread', {
      workerData: folder,
      name: 'sallyport-checkpoint',
      resourceLimits: { maxOldGenerationSizeMb: 32 },
    });
    made.unref();
    made.on('message', ({ problem }: Checkpointed) => {
      isBusy = false;
      if (problem === undefined) isTold = false;
      else failed(problem);
    });
    made.once('error', (error) => failed(error.message));
    made.once('exit', () => {
      isBusy = false;
      if (worker === made) worker = undefined;
    });
    return made;
  };
  const end = async (): Promise<void> => {
    const ended = worker;
    worker = undefined;
    await ended?.terminate();
  };
  const look = (): void => {
    if (isBusy) return;
    if (pagesLeft(database) >= checkpointBounds.pages) {
      isBusy = true;
      workedAt = performance.now();
      worker ??= begin();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage('checkpoint');
    } else if (worker !== undefined && performance.now() - workedAt > checkpointBounds.idleMs)
      // It has nothing to do: how it ends changes nothing.
      void end().catch(() => undefined);
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      failed((error as Error).message);
    }
  }, checkpointBounds.everyMs).unref();

  return {
    async close() {
      clearInterval(timer);
      await end();
      database.close();
    },
  };
}

/** Pages of the journal that are not in the database. `NOOP` moves nothing; a version of SQLite that does not know it does. */
export function pagesLeft(database: Database): number {
  const { log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(NOOP)').get() ?? {};
  return Number(log) - Number(checkpointed);
}
