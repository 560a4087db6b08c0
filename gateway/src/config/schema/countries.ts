/** Where callers are, by the address of their client, and which part of a company callers and servers belong to. */
import { z } from 'zod';
import { oneOrMore } from './units.ts';

const country = z.string().regex(/^[A-Z]{2}$/, 'must be a country code of ISO 3166-1, such as FR');

export const countryDatabase = z
  .strictObject({
    database: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'File in the format of MaxMind (.mmdb) that has the countries of addresses. Read again when it changes.',
      ),
  })
  .describe('How the country of an address is known.');

/** Of a connection. */
export const countries = z
  .strictObject({
    allow: oneOrMore(country).optional().describe('Only from these.'),
    deny: oneOrMore(country).optional().describe('From everywhere but these.'),
    unknown: z
      .enum(['allow', 'deny'])
      .default('deny')
      .describe('What holds for addresses that the database does not know, such as private ones, and over stdio.'),
  })
  .refine(({ allow, deny }) => (allow === undefined) !== (deny === undefined), 'must have either allow or deny')
  .describe('From which countries the connection is there, by the address of the client. Needs `countries.database`.');

export type CountriesConfig = z.output<typeof countries>;
