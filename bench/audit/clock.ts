/** A thread that says again and again that time has passed: timers of a thread that also works come late and in heaps. */
import { parentPort, workerData } from 'node:worker_threads';

const idle = new Int32Array(new SharedArrayBuffer(4));
const { every, times } = workerData as { readonly every: number; readonly times: number };
for (let tick = 0; tick < times; tick++) {
  Atomics.wait(idle, 0, 0, every);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(tick);
}
