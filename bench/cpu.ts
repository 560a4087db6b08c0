/** CPU time and memory of a process, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** The unit of times in /proc/PID/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface CpuTime {
  /** Microseconds of all threads. */
  readonly process: number;
  /** Microseconds of the main thread, which is where Node runs JavaScript: the data plane. */
  readonly thread: number;
}

export function cpuTime(pid: number): CpuTime {
  return { process: ticks(`/proc/${pid}/stat`), thread: ticks(`/proc/${pid}/task/${pid}/stat`) };
}

function ticks(file: string): number {
  const stat = readFileSync(file, 'utf8');
  // The name of the program stands in parentheses and may contain spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond;
}

/** Microseconds of the threads of a process by their names, the main one left out. Threads of one name count together. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const task of readdirSync(`/proc/${pid}/task`))
    if (task !== String(pid))
      try {
        const name = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim();
        times.set(name, (times.get(name) ?? 0) + ticks(`/proc/${pid}/task/${task}/stat`));
      } catch {
        // It has ended between the two looks.
      }
  return times;
}

/** Microseconds that a core has been busy, time stolen by the hypervisor included. */
export function coreTime(core: string): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  // user nice system idle iowait irq softirq steal; what follows is counted in user already.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(' ').map(Number);
  return ((user + nice + system + irq + softirq + steal) * 1e6) / ticksPerSecond;
}

/** Resident memory in MiB. */
export function residentMemory(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}
