/** The thread that searches the log for what a person wants to see before a call is let through. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../protocol/result.ts';
import { Archive } from '../read/archive.ts';
import { IndexFile } from '../search-index/index-file.ts';
import type { IndexStart } from '../search-index/thread.ts';
import { historyIn, type SearchedLog } from './answer.ts';
import type { Answered, Asked } from './history.ts';

async function open({ folder, keys, master, path }: IndexStart): Promise<Omit<SearchedLog, 'size'>> {
  const archive = await Archive.open(folder, keys, Buffer.from(master));
  const index = IndexFile.openToRead(path, archive);
  archive.saysErased = (pseudonym) => index.isErased(pseudonym);
  return { archive, index };
}

/** Opened for the first question, and again for the next one where it could not be: a failure is an answer. */
let opened: Promise<Omit<SearchedLog, 'size'>> | undefined;
/** One question after the other. */
let turn: Promise<void> = Promise.resolve();

async function reply({ id, question }: Asked): Promise<void> {
  let answered: Answered;
  try {
    opened ??= open(workerData as IndexStart);
    const { archive, index } = await opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    archive.subjects.reload();
    while (index.catchUp(archive));
    for (const pseudonym of index.takeErased()) index.forget(pseudonym);
    const size = archive.reader.checkpoint()?.size ?? 0;
    answered = { id, history: historyIn({ archive, index, size }, question) };
    archive.reader.release();
  } catch (error) {
    answered = { id, problem: messageOf(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answered);
}

parentPort?.on('message', (asked: Asked) => {
  turn = turn.then(() => reply(asked));
});
