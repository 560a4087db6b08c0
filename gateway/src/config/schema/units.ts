/** Scalars of the configuration file: names, durations, sizes, and references to secrets. */
import { z } from 'zod';

/** A name of a server, caller, role or connection, as it appears in URLs, metrics and records. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/,
    'must be 1 to 64 characters of A-Z a-z 0-9 . _ - and begin and end with a letter or a digit',
  );

/**
 * What authorization servers call users and clients: `dana@example.com`, `auth0|5f3c`, `https://agent.example/id.json`.
 * Many are random base64url, which begins or ends with `-` or `_` once in sixteen times.
 */
const callerNames = /^[A-Za-z0-9._@|:/+=~%-]{1,256}$/;

export function isCallerName(text: string): boolean {
  return callerNames.test(text);
}

/** A name of a user, agent or application, as configurations and tokens write it. */
export const callerName = z
  .string()
  .regex(callerNames, 'must be 1 to 256 characters of A-Z a-z 0-9 . _ @ | : / + = ~ % -');

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function scaled(pattern: RegExp, units: Readonly<Record<string, number>>, example: string) {
  const wanted = `must be a whole number with a unit, such as ${example}`;
  return z
    .string(wanted)
    .regex(pattern, wanted)
    .transform((text) => {
      const unit = text.replace(/^\d+/, '');
      return Number.parseInt(text, 10) * (units[unit] ?? Number.NaN);
    });
}

/** A length of time such as `250ms`, `30s`, `5m`, `12h` or `90d`. Parsed to milliseconds. */
export const duration = scaled(/^\d{1,9}(ms|s|m|h|d)$/, durationUnits, '250ms, 30s, 5m, 12h or 90d');

/** An amount of data such as `512B`, `64KiB` or `4MiB`. Parsed to bytes. */
export const size = scaled(/^\d{1,9}(B|KiB|MiB|GiB)$/, sizeUnits, '512B, 64KiB or 4MiB');

export const secretReference = /^\$\{(env|file|secret|vault|aws-sm):([^}]+)\}$/;

/** A reference to a secret. The value itself never stands in the file. */
export const secret = z
  .string()
  .regex(secretReference, 'must be a reference such as ${env:NAME} or ${file:/path}, never the secret itself');

/** Text that may contain references, each replaced when the configuration is loaded. */
export const text = z.string().max(8192);

/** One value or a list of them. Parsed to a list. */
export function oneOrMore<Item extends z.ZodType>(item: Item) {
  return z.union([item.transform((value) => [value]), z.array(item).min(1)]) as z.ZodType<
    z.output<Item>[],
    z.input<Item> | z.input<Item>[]
  >;
}
