/** Calls at a steady rate: an open load, which does not wait for what is slow. */
import { Worker } from 'node:worker_threads';

/** Milliseconds: as even as a thread can be woken without taking a core from the writer. */
const tick = 0.5;

/** Milliseconds that calls took which began at a steady rate, however long each takes. The first ones do not count. */
export async function paced(
  call: () => Promise<number>,
  perSecond: number,
  first: number,
  rest: number,
): Promise<readonly number[]> {
  const count = first + rest;
  const times: number[] = Array.from({ length: count }, () => 0);
  const calls: { started: number; ended: number; done: () => void } = { started: 0, ended: 0, done: () => {} };
  const start = async (): Promise<void> => {
    const index = calls.started++;
    times[index] = await call();
    if (++calls.ended === count) calls.done();
  };
  // Twice as many as are needed, should each come in time.
  const workerData = { every: tick, times: Math.ceil((2_000 * count) / perSecond / tick) };
  const clock = new Worker(new URL('./clock.ts', import.meta.url), { workerData });
  let last: number | undefined;
  let due = 0;
  clock.on('message', () => {
    const now = performance.now();
    // A clock that comes late makes no heap of what it has missed.
    due = Math.min(count, due + (Math.min(now - (last ?? now), 3 * tick) / 1_000) * perSecond);
    last = now;
    while (calls.started < due) void start();
  });
  await new Promise<void>((resolve) => {
    calls.done = resolve;
  });
  await clock.terminate();
  return times.slice(first);
}
