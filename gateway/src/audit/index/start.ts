/** Starts the thread of the index. It is a convenience: whatever happens to it, the log goes on. */
import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { IndexStart } from './thread.ts';

export interface RunningIndex {
  close(): Promise<void>;
}

export function startIndex(start: IndexStart, onProblem: (problem: string) => void): RunningIndex {
  const file = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(file, { workerData: start, name: 'sallyport-index' });
  worker.unref();
  let over = false;
  worker.once('exit', () => {
    over = true;
  });
  worker.on('message', (problem: string) => onProblem(problem));
  worker.once('error', (error) => onProblem(`the index is not kept up to date: ${error.message}`));
  return {
    async close() {
      if (over) return;
      const gone = once(worker, 'exit');
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage('close');
      worker.ref();
      await gone;
    },
  };
}
