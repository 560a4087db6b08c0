/** A lock on a folder that the system lets go of when its holder ends, however that happens. */
import { openPlain } from './driver.ts';

export interface FolderLock {
  release(): void;
}

/** Takes the lock that is the file at this path; `undefined` while another process holds it. */
export function holdLock(path: string): FolderLock | undefined {
  const database = openPlain(path);
  try {
    // A process that only checks whether it is free holds it for a moment. Nothing is ever written: only SQLite's lock
    // on the file is wanted.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 500; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    // SQLITE_BUSY
    if ((error as { errcode?: unknown }).errcode === 5) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
