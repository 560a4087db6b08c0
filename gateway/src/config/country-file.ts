/** Reads the database of countries: nothing starts, and no revision comes into force, without the one that is named. */
import { readRegular } from '../stores/regular-file.ts';

/** Those of countries have up to 10 MiB, those of cities up to 150. */
const maxBytes = 256 * 1024 ** 2;
const maxMs = 10_000;

export type CountryFile =
  | { readonly ok: true; readonly path: string; readonly bytes: Buffer }
  | { readonly ok: false; readonly problem: string };

export async function readCountryFile(path: string): Promise<CountryFile> {
  const read = await readRegular(path, maxBytes, maxMs);
  if (read.ok) return { ok: true, path, bytes: read.bytes };
  return { ok: false, problem: `the database of countries ${path} cannot be used: ${read.problem}` };
}
