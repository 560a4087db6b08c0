/** Limits: how much of something callers, tools and servers get in how much time. */
import { z } from 'zod';
import { limitKeys } from '../../pipeline/contracts/limit.ts';
import { duration, oneOrMore } from './units.ts';

const periods: Readonly<Record<string, number>> = {
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  day: 86_400_000,
  month: 2_592_000_000,
};
const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** An amount and the time for it. `unit` as it was written. */
export interface Quota {
  readonly amount: number;
  readonly periodMs: number;
  readonly unit: string;
  readonly text: string;
}

function quota(pattern: RegExp, wanted: string, amountOf: (text: string) => number) {
  return z
    .string(wanted)
    .regex(pattern, wanted)
    .transform((text): Quota => {
      const [amount = '', unit = ''] = text.split('/');
      return { amount: amountOf(amount), periodMs: periods[unit] ?? 0, unit, text };
    })
    .refine(({ amount }) => amount > 0, 'must be more than nothing');
}

const number = (text: string): number => Number(text);
const rate = quota(
  /^\d{1,9}\/(s|min|h|day)$/,
  'must be a number and a time, such as 60/min, 5/s, 100/h or 20/day',
  number,
);
const callBudget = quota(
  /^\d{1,9}\/(min|h|day|month)$/,
  'must be a number of calls in a session, or a number and a time such as 20/day',
  number,
);
const costBudget = quota(
  /^\d{1,9}(?:\.\d{1,6})?\/(min|h|day|month)$/,
  'must be a cost and a time, such as 20/day or 0.5/h',
  number,
);
const byteBudget = quota(
  /^\d{1,9}(B|kB|MB|GB|TB|KiB|MiB|GiB)\/(min|h|day|month)$/,
  'must be a size and a time, such as 200MB/day or 64KiB/min',
  (text) => Number.parseInt(text, 10) * (sizes[text.replace(/^\d+/, '')] ?? Number.NaN),
);

export function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return /^[A-Za-z]/.test(text);
  } catch {
    // Node knows no such zone.
    return false;
  }
}

export const zone = z
  .string()
  .max(64)
  .refine(isZone, 'must be a time zone of the IANA database, such as Europe/Paris or UTC');

const kinds = ['rate', 'calls', 'cost', 'bytes', 'concurrency'] as const;

const fields = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('For people, models, records and metrics. Without it: what it says.'),
  per: oneOrMore(z.enum(limitKeys))
    .optional()
    .describe(
      'What is counted apart. Of a list, each combination. Without it, all together. A call that has no such thing, such as no user, is not counted.',
    ),
  of: z
    .enum(['calls', 'lists', 'handshakes'])
    .default('calls')
    .describe('What is limited. Lists are tools/list and its kind, handshakes are initialize and server/discover.'),
  rate: rate.optional().describe('So many evenly over a time, such as 60/min.'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('How many of a rate may come at once after a pause; all of them by default.'),
  calls: z
    .union([z.int().min(1).max(1_000_000_000), callBudget])
    .optional()
    .describe('So many calls in a session, or over a time such as 20/day.'),
  cost: costBudget.optional().describe('So much `cost` of tools over a time, such as 20/day.'),
  bytes: byteBudget.optional().describe('So much data over a time, such as 200MB/day.'),
  direction: z
    .enum(['request', 'response', 'both'])
    .optional()
    .describe('Which bytes: of requests, of responses, or both, which is the default.'),
  zone: zone
    .optional()
    .describe('Days and months are those of the calendar in this zone. Without it, the last 24 hours or 30 days.'),
  concurrency: z.int().min(1).max(100_000).optional().describe('So many calls under way.'),
  queue: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Calls that may wait for room: until one under way ends, or until the rate has room. None by default.'),
  wait: duration
    .refine((ms) => ms <= 600_000, 'must be ten minutes at most')
    .optional()
    .describe('How long a call waits in the queue; 5s by default.'),
  tools: oneOrMore(z.string().min(1).max(256))
    .optional()
    .describe('Only these tools, by original name; `*` as in rules.'),
  tier: oneOrMore(z.enum(['read', 'write', 'destructive']))
    .optional()
    .describe('Only calls of these tiers.'),
  mode: z
    .enum(['enforce', 'observe'])
    .default('enforce')
    .describe('observe records what would be refused, and refuses nothing.'),
  warnAt: z
    .string()
    .regex(/^[1-9]\d?%$/, 'must be a share such as 80%')
    .transform((text) => Number.parseInt(text, 10) / 100)
    .optional()
    .describe('Share of a budget at which a record and the log say so.'),
});

type Fields = z.output<typeof fields>;

const only = (key: keyof Fields, ...with_: readonly (typeof kinds)[number][]) =>
  [
    (value: Fields) => value[key] === undefined || with_.some((kind) => value[kind] !== undefined),
    `must say ${key} only with ${with_.join(', ')}`,
  ] as const;

export const limit = fields
  .refine(
    (value) => kinds.filter((kind) => value[kind] !== undefined).length === 1,
    'must have exactly one of rate, calls, cost, bytes and concurrency',
  )
  .refine(...only('burst', 'rate'))
  .refine(...only('direction', 'bytes'))
  .refine(...only('queue', 'concurrency', 'rate'))
  .refine(...only('warnAt', 'calls', 'cost', 'bytes'))
  .refine((value) => value.wait === undefined || (value.queue ?? 0) > 0, 'must say wait only with a queue')
  .refine(
    ({ zone: named, calls, cost, bytes }) =>
      named === undefined ||
      ['day', 'month'].includes(((typeof calls === 'object' && calls) || cost || bytes || { unit: '' }).unit),
    'must say zone only with a budget by day or month',
  )
  .refine(
    ({ of, calls, per = [] }) => typeof calls !== 'number' || per.includes('session') || of === 'handshakes',
    'must say per: session with a number of calls, or a time such as 20/day',
  )
  .refine(
    ({ of, tools, tier, cost, concurrency, bytes, per = [] }) =>
      of === 'calls' ||
      ([tools, tier, cost, concurrency, bytes].every((each) => each === undefined) &&
        !per.some((key) => key === 'tool' || key === 'tier' || key === 'connection' || key === 'server')),
    'must limit lists and handshakes by rate or calls, and not by tool, tier, server or connection',
  )
  .refine(
    ({ of, queue, warnAt }) => of === 'calls' || (queue === undefined && warnAt === undefined),
    'must say queue, wait and warnAt only with limits of calls, not of lists or handshakes',
  )
  .refine(
    ({ of, calls }) => of !== 'handshakes' || typeof calls !== 'number',
    'must limit handshakes over a time such as 20/day: a number alone is for calls of a session',
  )
  .refine(
    ({ of, per = [] }) => of !== 'handshakes' || !per.includes('session'),
    'must not limit handshakes per session, as an initialize opens one of its own: write per: caller and a time such as 20/day',
  );

/** What a server allows the gateway: calls wait or are refused before they count there. */
export const serverQuota = oneOrMore(
  limit.refine(({ of, mode }) => of === 'calls' && mode === 'enforce', 'must be about calls, and be enforced'),
).describe(
  'What the server itself allows, as limits of all callers together unless `per` says otherwise. Calls beyond it wait, with a `queue`, or are refused, and do not reach it.',
);

export type LimitConfig = z.output<typeof limit>;

export const loops = z
  .enum(['on', 'refusals', 'off'])
  .describe(
    'Whether callers are told, and then refused, that make the same calls with the same results again and again. refusals: only where these are refused.',
  );

const recommended = z.literal('recommended');
type Written = z.input<typeof limit> | 'recommended';
type Limits = z.ZodType<(LimitConfig | 'recommended')[], Written[] | 'recommended'>;

/** One word, or a list. Parsed to a list. */
const listOf = (one: typeof limit): Limits =>
  z.union([
    recommended.transform((word): (LimitConfig | typeof word)[] => [word]),
    z.array(z.union([recommended, one])),
  ]);

export const limits = listOf(limit).describe(
  'How much callers get. A call that one limit refuses takes nothing from the others. `recommended` is built in.',
);

/** Of a server, a tool or a connection: lists and handshakes are limited before it is known where they lead. */
const limitOfCalls = limit.refine(
  ({ of }) => of === 'calls',
  'must be about calls here: limits of lists and handshakes stand under "limits" of the whole configuration',
);

export const limitsOfCalls = listOf(limitOfCalls);

export const limitsOfTool = listOf(
  limitOfCalls.refine(
    ({ tools }) => tools === undefined,
    'must not name tools: a limit on a tool limits the calls of that tool',
  ),
);

export type LimitsConfig = z.output<typeof limits>;
