/** Which core does what. Two cores are all that is assumed: the subject alone on one, load and upstream on the other. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

export const subjectCore = '0';
export const loadCore = '1';

/** The beginning of a command that runs on one core, and does not outlive this process however that ends. */
export function onCore(core: string): readonly [string, ...string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', 'taskset', '-c', core];
}

export function pinned(core: string, ...command: readonly string[]): readonly [string, ...string[]] {
  return [...onCore(core), ...command];
}

/** This process and its threads leave the core of the subject alone: what watches it is load. */
export function stayOnLoadCore(): void {
  spawnSync('taskset', ['-a', '-p', '-c', loadCore, String(process.pid)]);
}

export function placesNote(): string {
  return (
    `core ${subjectCore}: the subject; core ${loadCore}: wrk and the upstream; ${availableParallelism()} cores here. ` +
    'Other threads of a subject (garbage collection, workers) share its core, so calls/s includes what they take.'
  );
}
