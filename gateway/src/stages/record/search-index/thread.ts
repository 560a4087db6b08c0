/** The thread of the index: takes in what the log publishes, and lies idle otherwise. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { stepBack } from '../priority.ts';
import { Archive } from '../read/archive.ts';
import type { KeyPlaces } from '../writer/protocol.ts';
import { IndexFile } from './index-file.ts';
import { keyStates, wrongKeysText } from './wrong-keys.ts';

export interface IndexStart {
  readonly folder: string;
  readonly keys: KeyPlaces;
  readonly master: Uint8Array;
  readonly path: string;
}

const every = 1_000;
/** Between two batches, so that calls get the core first on a small machine. */
const breath = 5;
/** Keys that are looked at between two. */
const breathAfter = 500;

async function main({ folder, keys, master, path }: IndexStart): Promise<void> {
  stepBack('last');
  const ending = new AbortController();
  const { signal } = ending;
  parentPort?.once('message', () => ending.abort());
  const archive = await Archive.open(folder, keys, Buffer.from(master));
  const index = IndexFile.open(path, archive, (why) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage(`the index ${why}: it is made anew from the log`);
  });
  let seen = 0;
  let looked = false;
  let behind = '';
  while (!signal.aborted) {
    const changed = statSync(join(folder, 'checkpoint'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changed !== seen) {
      try {
        // Keys of subjects that the writer has made or erased meanwhile.
        archive.subjects.reload();
        for (let more = true; more && !signal.aborted; await pause(breath)) more = index.catchUp(archive);
        archive.reader.release();
        for (const pseudonym of index.takeErased()) index.forget(pseudonym);
        seen = changed;
        behind = '';
      } catch (error) {
        // It goes on from there with the next look, and says the same once.
        const problem = `the index is not kept up to date: ${(error as Error).message}`;
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        if (problem !== behind) parentPort?.postMessage(problem);
        behind = problem;
      }
    }
    if (!looked && !signal.aborted) {
      looked = true;
      let subjects = 0;
      const wrong = { missing: 0, returned: 0 };
      for (const state of keyStates(archive, index)) {
        if (state !== 'right') wrong[state]++;
        if (++subjects % breathAfter === 0) await pause(breath);
        if (signal.aborted) break;
      }
      const problem = wrongKeysText(wrong);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      if (problem !== undefined) parentPort?.postMessage(problem);
    }
    await pause(every, undefined, { signal }).catch(() => {});
  }
  index.close();
  parentPort?.close();
}

await main(workerData as IndexStart);
