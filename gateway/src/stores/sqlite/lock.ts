/** A lock on a folder that the system lets go of when its holder ends, however that happens. */
import { openPlain } from './driver.ts';

export interface FolderLock {
  release(): void;
}

/** Takes the lock that is the file at this path; `undefined` while somebody else holds it. */
export function holdLock(path: string): FolderLock | undefined {
  const database = openPlain(path);
  try {
    // Somebody who only looks whether it is free holds it for a moment. Nothing is ever written: the lock of SQLite on its file is all that is wanted.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 500; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    // SQLITE_BUSY
    if ((error as { errcode?: unknown }).errcode === 5) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
