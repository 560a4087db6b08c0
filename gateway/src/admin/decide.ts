/** An operator decides about an approval: in the API and on the page it is the same. */
import { asserted, passkeyIdOf, proofOf, type RelyingParty } from '../operators/passkeys.ts';
import { isFresh, may, type Principal } from '../operators/principal.ts';
import { approverProblems, type Voter } from '../stages/approve/approvers.ts';
import { challengeOf, type PasskeyProof } from '../stages/approve/proof.ts';
import type { Approval } from '../stages/approve/store.ts';
import type { AdminParts } from './context.ts';

export type Verdict = 'approve' | 'reject';

export interface DecisionRequest {
  readonly id: string;
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  /** Answer of a passkey to the challenge of this approval, as `PublicKeyCredential.toJSON` has it. */
  readonly assertion?: unknown;
}

export type Decided =
  | { readonly ok: true; readonly approval: Approval }
  | {
      readonly ok: false;
      readonly status: 403 | 404 | 409 | 422 | 503;
      readonly problem: string;
      readonly remedy: string;
    };

/** Longest reason, in characters. */
export const maxReason = 1_000;

/** The approval as this operator may see it: what is elsewhere is not there. */
export function visible(
  { approvals }: Pick<AdminParts, 'approvals'>,
  { operator: { servers } }: Principal,
  id: string,
): Approval | undefined {
  const approval = approvals.get(id, Date.now());
  return approval === undefined || servers?.includes(approval.server) === false ? undefined : approval;
}

export async function decide(
  parts: Pick<AdminParts, 'approvals' | 'operators' | 'onDecided'>,
  principal: Principal,
  { id, verdict, reason, assertion, party }: DecisionRequest & { readonly party: RelyingParty },
): Promise<Decided> {
  const approval = visible(parts, principal, id);
  if (approval === undefined)
    return { ok: false, status: 404, problem: 'there is no such approval', remedy: 'See the list of approvals.' };
  if (!may(principal, 'approvals.decide'))
    return { ok: false, status: 403, problem: 'your role decides nothing', remedy: 'Ask an approver.' };
  const proof =
    assertion === undefined ? undefined : await proven(parts, principal, { approval, verdict, assertion, party });
  if (assertion !== undefined && proof === undefined)
    return {
      ok: false,
      status: 403,
      problem: 'the answer of the passkey does not confirm this approval',
      remedy: 'Open the approval again, and confirm it with a passkey of yours.',
    };
  const needsPerson = verdict === 'approve' && approval.content?.tier === 'destructive' && proof === undefined;
  if (needsPerson && !isFresh(principal, Date.now()))
    return {
      ok: false,
      status: 403,
      problem: 'the call is destructive, and you signed in more than five minutes ago',
      remedy: 'Confirm it with your passkey, or sign in again.',
    };
  const { operator, role } = principal;
  const { servers, user } = operator;
  const voter: Voter = {
    by: `operator:${operator.name}`,
    kind: 'operator',
    role,
    ...(servers !== undefined && { servers }),
    ...(user !== undefined && { user }),
    ...(proof !== undefined && { proof }),
  };
  const said = reason?.trim().slice(0, maxReason);
  const voted = await parts.approvals.vote(id, verdict, {
    ...voter,
    at: Date.now(),
    ...(said !== undefined && said !== '' && { reason: said }),
  });
  if (voted.ok) {
    parts.onDecided();
    return voted;
  }
  switch (voted.problem) {
    case 'unknown':
      return { ok: false, status: 404, ...approverProblems.elsewhere };
    case 'over':
      return {
        ok: false,
        status: 409,
        problem: `it is ${voted.approval?.state ?? 'over'} already`,
        remedy: 'Nothing is left to decide.',
      };
    case 'twice':
      return {
        ok: false,
        status: 409,
        problem: 'you have decided about it already',
        remedy: 'Another person must decide as well.',
      };
    case 'no-reason':
      return { ok: false, status: 422, problem: 'the rule asks for a reason', remedy: 'Say why.' };
    case 'unreadable':
      return {
        ok: false,
        status: 409,
        problem: 'it cannot be decrypted, so that what it is about cannot be known',
        remedy: 'Reject it, and have the call made again.',
      };
    case 'unkept':
      return {
        ok: false,
        status: 503,
        problem: 'the disk of the gateway has not taken the decision, so that it may not count',
        remedy: 'Look at the approval again before you decide anew; the log of the gateway says what fails.',
      };
    case 'elsewhere':
    case 'no-approver':
    case 'own-request':
    case 'person-unknown':
    case 'proof-required':
      return { ok: false, status: 403, ...approverProblems[voted.problem] };
  }
}

/** A passkey of this operator said yes to exactly this. */
async function proven(
  { operators }: Pick<AdminParts, 'operators'>,
  { operator }: Principal,
  {
    approval,
    verdict,
    assertion,
    party,
  }: {
    readonly approval: Approval;
    readonly verdict: Verdict;
    readonly assertion: unknown;
    readonly party: RelyingParty;
  },
): Promise<PasskeyProof | undefined> {
  const passkey = operators.passkey(passkeyIdOf(assertion) ?? '');
  if (passkey === undefined || passkey.operator !== operator.id) return undefined;
  const challenge = challengeOf(verdict, approval.id, approval.digest);
  const confirmed = await asserted(assertion, passkey, { party, challenge });
  if (confirmed === undefined || !operators.usePasskey(passkey.id, confirmed.counter)) return undefined;
  return proofOf(assertion, passkey);
}
