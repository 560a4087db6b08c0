/** The thread of `inspection-thread.ts`: one job, one answer. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../../protocol/result.ts';
import type { Sent } from './inspection-thread.ts';
import { answerOf, type Job } from './jobs.ts';

parentPort?.on('message', ({ id, job }: { readonly id: number; readonly job: Job }) => {
  const answer = (done: Sent['done']): void =>
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    parentPort?.postMessage({ id, done } satisfies Sent);
  answerOf(job).then(
    (value) => answer({ ok: true, answer: value }),
    (error: unknown) => answer({ ok: false, problem: messageOf(error) }),
  );
});
