/** The thread of `inspection-thread.ts`: one job, one answer. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../../protocol/result.ts';
import type { Sent } from './inspection-thread.ts';
import { answerOf, type Job } from './jobs.ts';

parentPort?.on('message', ({ id, job }: { readonly id: number; readonly job: Job }) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage({ id, done: done(job) } satisfies Sent);
});

function done(job: Job): Sent['done'] {
  try {
    return { ok: true, answer: answerOf(job) };
  } catch (error) {
    return { ok: false, problem: messageOf(error) };
  }
}
