/** Measures how long others wait while something is done to a gateway. */
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface Waits<T> {
  readonly result: T;
  /** Milliseconds of the slowest of the small requests that were made meanwhile, one after the other. */
  readonly worstMs: number;
  readonly count: number;
}

const askEveryMs = 20;

/** Asks the health endpoint of the gateway again and again, from another connection, until `attack` is over. */
export async function waitsDuring<T>(admin: string, attack: () => Promise<T>): Promise<Waits<T>> {
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
      const began = performance.now();
      await get(url, agent);
      worstMs = Math.max(worstMs, performance.now() - began);
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
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // The name in parentheses may hold spaces; utime and stime are the fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}

/** Resident memory of a process, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
