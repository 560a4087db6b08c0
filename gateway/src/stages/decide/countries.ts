/** The one file that knows mmdb-lib: the country of an address, by the database of the operator. */
import { isIP } from 'node:net';
import { Reader } from 'mmdb-lib';
import { isObject, type Json } from '../../protocol/json.ts';
import { plainAddress } from '../../protocol/networks.ts';

/** ISO 3166-1, such as `FR`; `undefined` for an address that the database does not know. */
export type CountryOf = (address: string | undefined) => string | undefined;

/** Addresses whose country is remembered. */
const maxRemembered = 4_096;
/** An address that every database must be able to look up, whether it knows it or not. */
const anyAddress = '192.0.2.1';

/** What is no such database is a problem, in words. */
export function countriesOf(
  bytes: Buffer,
): { readonly ok: true; readonly countryOf: CountryOf } | { readonly ok: false; readonly problem: string } {
  let reader: Reader<never>;
  try {
    reader = new Reader<never>(bytes);
    const { databaseType } = reader.metadata;
    if (!/country|city|enterprise/i.test(databaseType))
      return { ok: false, problem: `is a database of ${databaseType.slice(0, 64)}, and not of countries` };
    reader.get(anyAddress);
  } catch {
    return { ok: false, problem: 'is no database in the format of MaxMind, or is damaged' };
  }
  const known = new Map<string, string | undefined>();
  return {
    ok: true,
    countryOf(address) {
      if (address === undefined) return undefined;
      if (known.has(address)) return known.get(address);
      const found = lookUp(reader, plainAddress(address));
      if (known.size >= maxRemembered) known.clear();
      known.set(address, found);
      return found;
    },
  };
}

function lookUp(reader: Reader<never>, address: string): string | undefined {
  if (isIP(address) === 0) return undefined;
  try {
    const found = reader.get(address) as Json | null;
    const { country, registered_country: registered } = isObject(found) ? found : {};
    const code = codeIn(country) ?? codeIn(registered);
    return typeof code === 'string' ? code : undefined;
  } catch {
    // A part of the file is damaged: what it says of this address is not known.
    return undefined;
  }
}

function codeIn(value: Json | undefined): Json | undefined {
  return isObject(value) ? value.iso_code : undefined;
}
