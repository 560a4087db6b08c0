/**
 * Which edition of each secret the running gateways work with, so that a rotation can be waited for. It is a note beside
 * the work, in a registry of the embedded database: a gateway goes on without it.
 */
import { existsSync } from 'node:fs';
import type { Local } from '../state/contract/later.ts';
import type { Registry } from '../state/contract/registry.ts';
import { sqliteRegistry } from '../state/sqlite/registry.ts';
import { databasePath, openDatabase } from '../stores/sqlite/driver.ts';

/** Processes that are noted for one secret; a data folder has one gateway, and some of stdio beside it. */
const maxProcesses = 256;
const maxNotes = 65_536;
/** A note ends with its process; milliseconds. */
const lifetimeMs = 100 * 365 * 86_400_000;

interface Note {
  readonly pid: number;
  readonly edition: string;
}

export interface InUse {
  /** What this process works with. Never throws; `onTrouble` hears why it cannot be noted. */
  note(editions: ReadonlyMap<string, string>, onTrouble: (error: unknown) => void): void;
  /** The editions of a secret that running gateways use: none when none runs, or when they use no such secret. */
  editionsOf(name: string): readonly string[];
  /** Removes what this process noted. */
  close(): void;
}

/** Opened when it is first needed: a gateway starts although it cannot be. */
export function openInUse(data: string): InUse {
  let opened: { readonly notes: Local<Registry<Note>>; close(): void } | undefined;
  const noted = new Set<string>();
  const open = (): Local<Registry<Note>> => {
    opened ??= openNotes(data);
    return opened.notes;
  };
  return {
    note(editions, onTrouble) {
      try {
        for (const [name, edition] of editions) {
          const notes = open();
          const now = Date.now();
          if (notes.get(keyOf(name), now)?.value.edition === edition) continue;
          for (const { key, value } of notes.list(name, now)) if (!isRunning(value.pid)) notes.take(key, now);
          const value = { pid: process.pid, edition };
          if (!notes.put({ key: keyOf(name), owner: name, value }, now).ok) throw new Error('there is no room for it');
          noted.add(name);
        }
      } catch (error) {
        onTrouble(error);
      }
    },
    editionsOf(name) {
      // Where no gateway has run, none uses anything.
      if (opened === undefined && !existsSync(databasePath(data))) return [];
      try {
        const notes = open().list(name, Date.now());
        return notes.flatMap(({ value }) => (isRunning(value.pid) ? [value.edition] : []));
      } catch {
        // A database that cannot be read keeps no secret from being rotated: no gateway is known to run.
        return [];
      }
    },
    close() {
      try {
        for (const name of noted) open().take(keyOf(name), Date.now());
      } catch {
        // They name a process that is gone, and are not believed.
      }
      opened?.close();
    },
  };
}

function openNotes(data: string): { readonly notes: Local<Registry<Note>>; close(): void } {
  const database = openDatabase(data);
  const bounds = { maxEntries: maxNotes, maxOfOwner: maxProcesses, lifetimeMs, whenFull: 'evict' } as const;
  return {
    notes: sqliteRegistry<Note>(database, { ...bounds, name: 'secrets-in-use', read: readNote }),
    close: () => database.close(),
  };
}

function keyOf(name: string): string {
  return `${name} ${process.pid}`;
}

function readNote(value: unknown): Note | undefined {
  const { pid, edition } = (value ?? {}) as Partial<Record<keyof Note, unknown>>;
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof edition === 'string'
    ? { pid, edition }
    : undefined;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process runs as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
