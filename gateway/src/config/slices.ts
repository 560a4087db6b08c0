/**
 * Long work beside requests. It is a generator that yields between steps; a command runs it to its end at once, a
 * running gateway gives the event loop back after each slice.
 */
import { setImmediate as turn } from 'node:timers/promises';

/** Milliseconds of one slice. A request that comes meanwhile waits for no longer. */
const sliceMs = 8;

export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export async function inSlices<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (let began = performance.now(); ; ) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - began < sliceMs) continue;
    await turn();
    began = performance.now();
  }
}
