/** The thread of `beside.ts`: reads and checks, then sends piece by piece, each when it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Sent } from './beside.ts';
import { cut } from './pieces.ts';
import { readWritten } from './written.ts';

const pieces = cut(await readWritten(String(workerData)));
const send = (): void => {
  const { done, value } = pieces.next();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage((done === true ? 'done' : { piece: value }) satisfies Sent);
};
parentPort?.on('message', send);
send();
