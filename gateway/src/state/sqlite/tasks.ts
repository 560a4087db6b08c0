/** Tasks of held calls, sealed, in the embedded database. */
import { openDatabase } from '../../stores/sqlite/driver.ts';
import type { Local } from '../contract/later.ts';
import type { Registry, RegistryBounds } from '../contract/registry.ts';
import { sqliteRegistry } from './registry.ts';

export interface TaskRegistry extends Local<Registry<string>> {
  close(): void;
}

/** Throws when the database cannot be opened. */
export function openTaskRegistry(data: string, bounds: RegistryBounds): TaskRegistry {
  const database = openDatabase(data);
  // A client has been told of a task: it survives the machine.
  database.exec('PRAGMA synchronous = FULL');
  const registry = sqliteRegistry<string>(database, {
    ...bounds,
    name: 'tasks',
    read: (value) => (typeof value === 'string' ? value : undefined),
  });
  return { ...registry, close: () => database.close() };
}
