/** Two clocks: one that goes evenly, for what is counted over a time, and that of the machine, for days and months. */
import type { Now } from './meters.ts';

/** Setting the clock of the machine neither frees nor locks what goes by the steady one. */
/** Only calendars ask for the clock on the wall. */
class Reading implements Now {
  readonly steady: number;

  constructor(steady: number) {
    this.steady = steady;
  }

  get wall(): number {
    return Date.now();
  }
}

export function clock(): () => Now {
  const began = Date.now() - performance.now();
  return () => new Reading(began + performance.now());
}
