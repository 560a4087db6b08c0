/** For tests of what something costs: the CPU of this thread in milliseconds, which a busy machine does not change. */
export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
