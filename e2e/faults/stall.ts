/** Measures how long others wait while something is done to a gateway. */
import { Agent, request } from 'node:http';

export interface Waits<T> {
  readonly result: T;
  /** Milliseconds of the slowest of the small requests that were made meanwhile, one after the other. */
  readonly worstMs: number;
  readonly count: number;
}

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

/** Resident memory of a process, in bytes. */
export async function memoryOf(pid: number): Promise<number> {
  const { readFile } = await import('node:fs/promises');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}
