/** Starts the thread of the index. It is a convenience: whatever happens to it, the log goes on. */
import { setTimeout as pause } from 'node:timers/promises';
import { startThread } from '../../../process/program.ts';
import type { IndexStart } from './thread.ts';

/** Milliseconds for which an ending gateway waits for the batch that is being taken in. */
const maxCloseMs = 5_000;

/** In megabytes: it takes in batches, and what they leave behind need not pile up. */
const youngGeneration = 4;

export interface RunningIndex {
  close(): Promise<void>;
}

export function startIndex(start: IndexStart, onProblem: (problem: string) => void): RunningIndex {
  const worker = startThread('stages/record/search-index/thread', {
    workerData: start,
    name: 'sallyport-index',
    resourceLimits: { maxYoungGenerationSizeMb: youngGeneration },
  });
  worker.unref();
  const { promise: gone, resolve: end } = Promise.withResolvers<true>();
  let over = false;
  // Not `once`, which an error rejects: it is a problem of the index, and the gateway ends all the same.
  worker.once('exit', () => {
    over = true;
    end(true);
  });
  worker.on('message', (problem: string) => onProblem(problem));
  worker.once('error', (error) => onProblem(`the index is not kept up to date: ${error.message}`));
  return {
    async close() {
      if (over) return;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage('close');
      worker.ref();
      // What it has not taken in yet is taken in at the next start.
      const ended = await Promise.race([gone, pause(maxCloseMs, false, { ref: false })]);
      if (!ended) await worker.terminate();
    },
  };
}
