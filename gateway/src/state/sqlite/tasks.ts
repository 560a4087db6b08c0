/** Tasks of held calls, sealed, in the embedded database. */
import { openDatabase } from '../../stores/sqlite/driver.ts';
import { type JournalOptions, openJournal, type Settled } from '../../stores/sqlite/journal.ts';
import type { Local } from '../contract/later.ts';
import type { Registry, RegistryBounds } from '../contract/registry.ts';
import { sqliteRegistry } from './registry.ts';

export interface TaskRegistry extends Local<Registry<string>> {
  /** Answers when everything that was written is on the disk: a client is told of a task that survives the machine. */
  readonly settle: () => Promise<Settled>;
  close(): void;
}

/** Throws when the database cannot be opened. */
export function openTaskRegistry(data: string, bounds: RegistryBounds, options?: JournalOptions): TaskRegistry {
  const database = openDatabase(data);
  const journal = openJournal(data, options);
  const registry = sqliteRegistry<string>(database, {
    ...bounds,
    name: 'tasks',
    read: (value) => (typeof value === 'string' ? value : undefined),
  });
  return {
    ...registry,
    settle: journal.settle,
    close() {
      journal.close();
      database.close();
    },
  };
}
