/** When and from where a connection is there. */
import { z } from 'zod';
import { isNetwork } from '../../protocol/networks.ts';
import { zone } from './limits.ts';
import { oneOrMore } from './units.ts';

export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
type Weekday = (typeof weekdays)[number];

const dayPattern = /^(?:sun|mon|tue|wed|thu|fri|sat)(?:-(?:sun|mon|tue|wed|thu|fri|sat))?$/;

/** `mon-fri` or `sat`. Parsed to numbers, of which 0 is Sunday. */
const days = z
  .string()
  .regex(dayPattern, 'must be a day or a range of days, such as mon-fri or sat')
  .transform((text): readonly number[] => {
    const [first = 0, last = first] = text.split('-').map((day) => weekdays.indexOf(day as Weekday));
    return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, at) => (first + at) % 7);
  });

const clock = z
  .string()
  .regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time such as "09:00"')
  .transform((text) => {
    const [hours = 0, minutes = 0] = text.split(':').map(Number);
    return hours * 60 + minutes;
  });

const window = z
  .strictObject({
    days: oneOrMore(days).optional().describe('Days on which it begins, such as mon-fri; every day by default.'),
    from: clock.prefault('00:00').describe('When it begins, as the clock in the zone shows it.'),
    to: clock.prefault('24:00').describe('When it ends; the next day where that is earlier than `from`.'),
    zone: zone.describe('A time zone of the IANA database, such as Europe/Paris. Daylight saving is that of the zone.'),
    except: z.array(z.iso.date()).max(1_000).default([]).describe('Days on which it does not begin.'),
  })
  .refine(({ from, to }) => from !== to, 'must have a from that differs from its to');

export const hours = oneOrMore(window).describe('When the connection is there; outside, it does not exist.');

export const networks = oneOrMore(
  z.string().min(1).max(64).refine(isNetwork, 'must be an address or a network such as 10.0.0.0/8'),
).describe('From where the connection is there. Over stdio there is no address, so that it is not.');

export type HoursConfig = z.output<typeof hours>;
