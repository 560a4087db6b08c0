/**
 * The supervisor process. Reads `+<group>` and `-<group>` lines from stdin; when stdin ends, the gateway is gone, and
 * every process group that is left gets SIGTERM and, a second later, SIGKILL. On Linux it also finds what left its
 * group, by the marker in its environment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const mark = process.argv[2] ?? '';
const groups = new Set<number>();
const graceMs = 1_000;

// A terminal that closes or a stop of the whole service must not end the one process that cleans up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const group = Number(line.slice(1));
  if (!Number.isSafeInteger(group) || group <= 1) return;
  if (line.startsWith('+')) groups.add(group);
  else groups.delete(group);
});
lines.on('close', () => {
  if (groups.size === 0 && marked().length === 0) process.exit(0);
  end('SIGTERM');
  setTimeout(() => {
    end('SIGKILL');
    process.exit(0);
  }, graceMs);
});

function end(signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const group of groups) kill(-group, signal);
  for (const pid of marked()) kill(pid, signal);
}

function kill(target: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(target, signal);
  } catch {
    // It has ended already.
  }
}

/** Processes whose environment holds our mark; none where /proc does not exist. */
function marked(): number[] {
  if (mark === '') return [];
  const wanted = `SALLYPORT_SUPERVISED=${mark}`;
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter(
        (pid) => Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid && environment(pid).includes(wanted),
      );
  } catch {
    return [];
  }
}

function environment(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
