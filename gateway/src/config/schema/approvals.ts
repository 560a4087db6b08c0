/** Approvals: what holds for calls that a rule holds until a person has decided. */
import { z } from 'zod';
import { operatorRoles } from '../../operators/roles.ts';
import { duration } from './units.ts';

const quorum = z.int().min(1).max(10).describe('How many persons must approve. One that rejects is enough.');
const within = duration.describe('Time to decide, and after an approval the same time again to make the call.');
const reason = z.enum(['required', 'optional']).describe('Whether a decision must say why.');

const name = z.string().min(1).max(128);

function listOf<Item extends z.ZodType>(item: Item) {
  return z.union([item.transform((one) => [one]), z.array(item).min(1).max(32)]);
}

const by = listOf(
  z.union([
    z.literal('requester'),
    z.strictObject({ role: listOf(z.enum(operatorRoles)) }),
    z.strictObject({ operator: listOf(name) }),
  ]),
).describe(
  'Who decides: requester (the user that the call is made for), { role: … } or { operator: … }; each of a list may. Without it: operators with the role approver or administrator, and users of the machine.',
);
const notBy = z.literal('requester').describe('The user that the call is made for must not decide.');
const proof = z.literal('passkey').describe('A person confirms an approval with a passkey, which the log proves.');

/** Of one rule, in place of what holds for all. */
export const approval = z.strictObject({
  by: by.optional(),
  notBy: notBy.optional(),
  proof: proof.optional(),
  quorum: quorum.optional(),
  within: within.optional(),
  reason: reason.optional(),
  grant: z
    .union([
      z.literal('once'),
      z.strictObject({
        for: duration.describe('How long an approved call may be made again, with the same arguments.'),
        calls: z.int().min(1).max(100_000).optional().describe('How often at most.'),
        when: z
          .string()
          .min(1)
          .max(4096)
          .optional()
          .describe('Expression (CEL) over args and approved, the approved arguments: other arguments that it covers.'),
      }),
    ])
    .optional()
    .describe('once: an approved call is made once.'),
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
    by: by.optional(),
    notBy: notBy.optional(),
    proof: proof.optional(),
  })
  .describe('How calls that a rule holds are approved.');

export type ApprovalConfig = z.output<typeof approval>;
