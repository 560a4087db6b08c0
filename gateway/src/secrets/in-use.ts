/**
 * Which edition of each secret the running gateways work with, so that a rotation can be waited for. It is a note beside
 * the work, one for each process, in a registry of the embedded database: a gateway goes on without it.
 */
import { existsSync } from 'node:fs';
import type { Local } from '../state/contract/later.ts';
import type { Registry } from '../state/contract/registry.ts';
import { sqliteRegistry } from '../state/sqlite/registry.ts';
import { databasePath, openDatabase } from '../stores/sqlite/driver.ts';

/** A data folder has one gateway, and some of stdio beside it. */
const maxProcesses = 256;
/** A note ends with its process; milliseconds. */
const lifetimeMs = 100 * 365 * 86_400_000;
/** All notes have one owner, so that they are found without the ids of their processes. */
const owner = 'gateways';

interface Note {
  readonly pid: number;
  readonly editions: Readonly<Record<string, unknown>>;
}

export interface InUse {
  /** All that this process works with. Never throws; `onTrouble` hears why it cannot be noted. */
  note(editions: ReadonlyMap<string, string>, onTrouble: (error: unknown) => void): void;
  /** The editions of a secret that running gateways use: none when none runs, or when they use no such secret. */
  editionsOf(name: string): readonly string[];
  /** Removes what this process noted. */
  close(): void;
}

/** Opened when it is first needed: a gateway starts although it cannot be. */
export function openInUse(data: string): InUse {
  const key = String(process.pid);
  let opened: { readonly notes: Local<Registry<Note>>; close(): void } | undefined;
  let noted: string | undefined;
  const open = (): Local<Registry<Note>> => {
    opened ??= openNotes(data);
    return opened.notes;
  };
  return {
    note(editions, onTrouble) {
      const text = JSON.stringify([...editions]);
      // A gateway without secrets has something to remove when one that had its id was killed.
      if (text === noted || (editions.size === 0 && !existsSync(databasePath(data)))) return;
      try {
        const notes = open();
        const now = Date.now();
        for (const each of notes.list(owner, now)) if (!isRunning(each.value.pid)) notes.take(each.key, now);
        const value = { pid: process.pid, editions: Object.fromEntries(editions) };
        if (!notes.put({ key, owner, value }, now).ok) throw new Error('there is no room for it');
        noted = text;
      } catch (error) {
        onTrouble(error);
      }
    },
    editionsOf(name) {
      // Where no gateway has run, none uses anything.
      if (opened === undefined && !existsSync(databasePath(data))) return [];
      try {
        return open()
          .list(owner, Date.now())
          .flatMap(({ value: { pid, editions } }) => {
            const edition = Object.hasOwn(editions, name) ? editions[name] : undefined;
            return typeof edition === 'string' && isRunning(pid) ? [edition] : [];
          });
      } catch {
        // A database that cannot be read keeps no secret from being rotated: no gateway is known to run.
        return [];
      }
    },
    close() {
      try {
        if (noted !== undefined) open().take(key, Date.now());
      } catch {
        // It names a process that is gone, and is not believed.
      }
      opened?.close();
    },
  };
}

function openNotes(data: string): { readonly notes: Local<Registry<Note>>; close(): void } {
  const database = openDatabase(data);
  const bounds = { maxEntries: maxProcesses, maxOfOwner: maxProcesses, lifetimeMs, whenFull: 'evict' } as const;
  return {
    notes: sqliteRegistry<Note>(database, { ...bounds, name: 'secrets-in-use', read: readNote }),
    close: () => database.close(),
  };
}

function readNote(value: unknown): Note | undefined {
  const { pid, editions } = (value ?? {}) as Partial<Record<keyof Note, unknown>>;
  return typeof pid === 'number' &&
    Number.isSafeInteger(pid) &&
    pid > 0 &&
    typeof editions === 'object' &&
    editions !== null
    ? { pid, editions: editions as Note['editions'] }
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
