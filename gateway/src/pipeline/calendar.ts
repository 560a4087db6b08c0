/** Days and months of a calendar, in a time zone, with the zone data of Node. */

/** Milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

/** The wall clock of a zone. */
export interface WallTime extends Day {
  /** Minutes since midnight. */
  readonly minutes: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

export interface Zone {
  wall(at: number): WallTime;
  /** When a day begins there. Where midnight is skipped, the first moment after it. */
  startOf(day: Day): number;
}

const zones = new Map<string, Zone>();

/** Each zone is made once: the names are those of the configuration. */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) zones.set(name, (zone = makeZone(name)));
  return zone;
}

const hourMs = 3_600_000;

function makeZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = (at: number): Record<string, number> =>
    Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  /** What the clock on the wall shows, read as if it were UTC. */
  const shown = (at: number): number => {
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts(at);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  return {
    wall(at) {
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts(at);
      const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
      return { year, month, day, weekday, minutes: hour * 60 + minute };
    },
    startOf({ year, month, day }) {
      const wanted = Date.UTC(year, month - 1, day);
      // Offsets lie between -12 and +14 hours, and change at most once within that.
      let low = wanted - 15 * hourMs;
      let high = wanted + 13 * hourMs;
      // The first moment at which the wall shows this midnight or later. Where midnight comes twice, the first one.
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (shown(middle) >= wanted) high = middle;
        else low = middle;
      }
      return high;
    },
  };
}

/** The day or month of the calendar that a moment lies in. */
export function spanAt(at: number, unit: 'day' | 'month', zoneName: string): Span {
  const zone = zoneOf(zoneName);
  const { year, month, day } = zone.wall(at);
  const first = unit === 'day' ? day : 1;
  const next = new Date(unit === 'day' ? Date.UTC(year, month - 1, day + 1) : Date.UTC(year, month, 1));
  return {
    from: zone.startOf({ year, month, day: first }),
    until: zone.startOf({ year: next.getUTCFullYear(), month: next.getUTCMonth() + 1, day: next.getUTCDate() }),
  };
}
