/** Two clocks: one that goes evenly, for what is counted over a time, and that of the machine, for days and months. */
import type { Now } from './meters.ts';

/** Setting the clock of the machine neither frees nor locks what goes by the steady one. */
export function clock(): () => Now {
  const began = Date.now() - performance.now();
  return () => ({ steady: began + performance.now(), wall: Date.now() });
}
