/** Intervals of 95 %, as E. B. Wilson gave them for shares (1927), and the same for counts. */

const z = 1.959_964;

export interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** `hits` of `all`. Without any, nothing is known. */
export function shareOf(hits: number, all: number): Share {
  if (all === 0) return { value: Number.NaN, low: 0, high: 1 };
  const value = hits / all;
  const middle = (value + z ** 2 / (2 * all)) / (1 + z ** 2 / all);
  const half = (z / (1 + z ** 2 / all)) * Math.sqrt((value * (1 - value)) / all + z ** 2 / (4 * all ** 2));
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Events of a Poisson process per unit: the score interval, which is Wilson's where events are rare. */
export function rateOf(count: number, units: number): Share {
  const half = z * Math.sqrt(count + z ** 2 / 4);
  const at = (events: number): number => Math.max(0, events) / units;
  return { value: count / units, low: at(count + z ** 2 / 2 - half), high: at(count + z ** 2 / 2 + half) };
}

export function inPercent({ value, low, high }: Share): string {
  if (Number.isNaN(value)) return '-';
  const percent = (share: number): string => (share * 100).toFixed(1);
  return `${percent(value)} [${percent(low)}, ${percent(high)}]`;
}

export function asRate({ value, low, high }: Share): string {
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}
