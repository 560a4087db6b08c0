import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { patienceMs } from './process.ts';

/** Looks again and again, for what announces itself nowhere: a file, a row of a database, a metric. `what` it waits for. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await pause(10);
  }
}
