/** Checks of servers that no client asks for. */
import { z } from 'zod';
import { duration } from './units.ts';

export const health = z
  .strictObject({
    every: duration
      .refine((ms) => ms >= 1_000 && ms <= 86_400_000, 'must be from 1s to 1d')
      .prefault('1m')
      .describe('Time between two checks, give or take a fifth.'),
    timeout: duration
      .refine((ms) => ms >= 100 && ms <= 600_000, 'must be from 100ms to 10m')
      .prefault('10s')
      .describe('Time for the whole of one check.'),
    canary: z
      .strictObject({
        tool: z.string().min(1).max(256).describe('A tool that only reads, by original name.'),
        arguments: z.record(z.string(), z.json()).default({}).describe('What it is called with.'),
      })
      .optional()
      .describe('A call that has to succeed. It goes through no rule, and counts under no limit.'),
    wake: z
      .boolean()
      .default(false)
      .describe(
        'Of a program: start a process for each check. Without it a process that runs is asked, and none is kept from ending.',
      ),
  })
  .describe('Look at this server again and again, and say how it is.');

export type HealthConfig = z.output<typeof health>;
