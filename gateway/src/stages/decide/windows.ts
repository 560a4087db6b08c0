/** When and from where connections are there. */
import type { ConnectionConfig } from '../../config/schema/connections.ts';
import type { CountriesConfig } from '../../config/schema/countries.ts';
import type { HoursConfig } from '../../config/schema/windows.ts';
import { zoneOf } from '../../pipeline/calendar.ts';
import type { Whence } from '../../pipeline/contracts/policy.ts';
import { networksOf } from '../../protocol/networks.ts';
import type { CountryOf } from './countries.ts';

/** Why a connection is not there; `undefined` while it is. */
export interface Window {
  closed(whence: Whence): 'hours' | 'network' | 'country' | undefined;
  /** Changes when the hours open or close it. */
  isInHours(at: number): boolean;
}

const minuteMs = 60_000;

/** `undefined`: it is always there. */
export function windowOf(
  { hours, networks, countries }: Pick<ConnectionConfig, 'hours' | 'networks' | 'countries'>,
  countryOf: CountryOf,
): Window | undefined {
  if (hours === undefined && networks === undefined && countries === undefined) return undefined;
  const isFrom = networks === undefined ? undefined : networksOf(networks);
  const isInHours = hours === undefined ? () => true : remembered((at) => isOpen(hours, at));
  return {
    isInHours,
    closed({ at, address }) {
      if (!isInHours(at)) return 'hours';
      if (isFrom !== undefined && !isFrom(address)) return 'network';
      return countries === undefined || mayComeFrom(countries, countryOf(address)) ? undefined : 'country';
    },
  };
}

function mayComeFrom({ allow, deny, unknown }: CountriesConfig, country: string | undefined): boolean {
  if (country === undefined) return unknown === 'allow';
  return allow === undefined ? deny?.includes(country) !== true : allow.includes(country);
}

/** Hours begin and end with a minute, and what a zone differs by is whole minutes. */
function remembered(judge: (at: number) => boolean): (at: number) => boolean {
  let [minute, open] = [Number.NaN, false];
  return (at) => {
    const now = Math.floor(at / minuteMs);
    if (now !== minute) [minute, open] = [now, judge(at)];
    return open;
  };
}

export function isOpen(hours: HoursConfig, at: number): boolean {
  return hours.some(({ days, from, to, zone, except }) => {
    const { year, month, day, weekday, minutes } = zoneOf(zone).wall(at);
    const begins = (before: number): boolean => {
      const date = new Date(Date.UTC(year, month - 1, day - before)).toISOString().slice(0, 10);
      return (days === undefined || days.flat().includes((weekday - before + 7) % 7)) && !except.includes(date);
    };
    if (from < to) return minutes >= from && minutes < to && begins(0);
    return (minutes >= from && begins(0)) || (minutes < to && begins(1));
  });
}
