/** Approvals: what holds for calls that a rule holds until a person has decided. */
import { z } from 'zod';
import { duration } from './units.ts';

const quorum = z.int().min(1).max(10).describe('How many persons must approve. One that rejects is enough.');
const within = duration.describe('Time to decide, and after that time to make the call.');
const reason = z.enum(['required', 'optional']).describe('Whether a decision must say why.');

/** Of one rule, in place of what holds for all. */
export const approval = z.strictObject({
  quorum: quorum.optional(),
  within: within.optional(),
  reason: reason.optional(),
  grant: z
    .union([z.literal('once'), z.strictObject({ for: duration })])
    .optional()
    .describe(
      'once: an approved call is made once. for: the same call, with the same arguments, as often as wanted for so long.',
    ),
});

const maxWaitMs = 45_000;

export const approvals = z
  .strictObject({
    wait: duration
      .prefault('20s')
      .refine((value) => value <= maxWaitMs, 'must be at most 45s: clients give up soon after')
      .describe('How long a call waits for a decision before its client is told to come again.'),
    quorum: quorum.default(1),
    within: within.prefault('15m'),
    reason: reason.default('optional'),
  })
  .describe('How calls that a rule holds are approved.');

export type ApprovalConfig = z.output<typeof approval>;
