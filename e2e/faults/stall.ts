/** Measures how long others wait while something is done to a gateway. */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface Waits<T> {
  readonly result: T;
  /** Milliseconds, by the clock, of the slowest of the small requests that were made meanwhile, one after the other. */
  readonly worstMs: number;
  readonly count: number;
}

const askEveryMs = 20;

/** Milliseconds. */
type Clock = () => number | Promise<number>;
const wall: Clock = () => performance.now();

/**
 * Asks the health endpoint of the gateway again and again, from another connection, until `attack` is over. `clock`: that
 * on the wall, or one that a busy machine does not change, such as `mainThreadMsOf`.
 */
export async function waitsDuring<T>(admin: string, attack: () => Promise<T>, clock = wall): Promise<Waits<T>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const state = { over: false };
  let worstMs = 0;
  let count = 0;
  const url = new URL('/healthz', admin);
  try {
    await get(url, agent);
    const attacked = attack().finally(() => {
      state.over = true;
    });
    while (!state.over) {
      const began = await clock();
      await get(url, agent);
      worstMs = Math.max(worstMs, (await clock()) - began);
      count++;
      // Asking without a pause would be most of the work that the gateway has.
      await pause(askEveryMs);
    }
    return { result: await attacked, worstMs, count };
  } finally {
    agent.destroy();
  }
}

function get(url: URL, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent }, (response) => {
      response.resume();
      response.on('end', resolve);
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Ticks of a second in which Linux counts the time of processes (USER_HZ). */
const ticksPerSecond = 100;

/** Milliseconds of processor time that a process has used, all of its threads together. A busy machine adds nothing. */
export function cpuMsOf(pid: number): Promise<number> {
  return cpuMsIn(`/proc/${pid}/stat`);
}

/** The same of its main thread alone: while that works on one thing, all others wait. */
export function mainThreadMsOf(pid: number): Promise<number> {
  return cpuMsIn(`/proc/${pid}/task/${pid}/stat`);
}

async function cpuMsIn(file: string): Promise<number> {
  const stat = await readFile(file, 'latin1');
  // The name in parentheses may hold spaces; utime and stime are the fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}

/** Resident memory of a process, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
