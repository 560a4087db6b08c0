/** The thread that moves the journal of the embedded database into it. Others read and write meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDatabase } from '../stores/sqlite/driver.ts';
import type { Checkpointed } from './checkpoints.ts';

const database = openDatabase(String(workerData));
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', () => {
  let done: Checkpointed = {};
  try {
    checkpoint.get();
  } catch (error) {
    done = { problem: (error as Error).message };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(done);
});
