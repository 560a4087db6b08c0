/** When calls to a server that fails are held back. */
import { z } from 'zod';
import { duration } from './units.ts';

const share = z
  .string()
  .regex(/^[1-9]\d?%$|^100%$/, 'must be a share such as 50%')
  .transform((text) => Number.parseInt(text, 10) / 100);
const pause = duration.refine((ms) => ms >= 100 && ms <= 86_400_000, 'must be from 100ms to 1d');

const failures = z.int().min(1).max(10_000).describe('So many failures in a row open it.');
const ofCalls = share.describe('So does this share of failures in the window.');
const calls = z.int().min(2).max(1_000_000).describe('Calls that the window must have before a share counts.');
const window = duration
  .refine((ms) => ms >= 1_000 && ms <= 3_600_000, 'must be from 1s to 1h')
  .describe('Time after which a failure is forgotten.');
const first = pause.describe('How long calls are held back at first. Each probe that fails doubles it.');
const longest = pause.describe('The longest that they are held back before the next probe.');

const isOrdered = ({ pause: ms, longestPause }: { pause?: number | undefined; longestPause?: number | undefined }) =>
  ms === undefined || longestPause === undefined || ms <= longestPause;

export const breaker = z
  .union([
    z.literal('off'),
    z
      .strictObject({
        failures: failures.default(5),
        share: ofCalls.prefault('50%'),
        calls: calls.default(20),
        window: window.prefault('1m'),
        pause: first.prefault('1s'),
        longestPause: longest.prefault('1m'),
      })
      .refine(isOrdered, 'must have a longestPause that is not shorter than pause'),
  ])
  .describe(
    'When calls to a server or tool that fails are refused at once, until a probe succeeds. A result with isError is no failure. off: never.',
  );

/** Of one server: what it leaves out is as for all. */
export const serverBreaker = z
  .union([
    z.literal('off'),
    z
      .strictObject({
        failures: failures.optional(),
        share: ofCalls.optional(),
        calls: calls.optional(),
        window: window.optional(),
        pause: first.optional(),
        longestPause: longest.optional(),
      })
      .refine(isOrdered, 'must have a longestPause that is not shorter than pause'),
  ])
  .describe('For this server, in place of what holds for all.');

export type BreakerConfig = z.output<typeof breaker>;
export type ServerBreakerConfig = z.output<typeof serverBreaker>;
