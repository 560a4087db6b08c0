/** Durations on the command line, with the units of the configuration. */

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, or `undefined` for anything but such as `90s`, `15m`, `12h` and `30d`. Ten years at most. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (units[unit] ?? Number.NaN);
  return milliseconds > 0 && milliseconds <= 3_650 * 86_400_000 ? milliseconds : undefined;
}
