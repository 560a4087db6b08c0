/** Who may decide about an approval. Asked when a person decides, and again when the approval is spent. */
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import type { PasskeyProof } from './proof.ts';

/** The person, or the script, that decides, as it was authenticated. */
export interface Voter {
  /** As records have it: `operator:dana`; `os:root`, a user of the machine; `user:dana`, the user of the caller itself. */
  readonly by: string;
  readonly kind: 'operator' | 'machine' | 'user';
  /** Of an operator. */
  readonly role?: string;
  /** Servers whose approvals an operator decides; absent: all. */
  readonly servers?: readonly string[];
  /** The user that this person is where it calls as a client, where that is known. */
  readonly user?: string;
  /** How it was confirmed. */
  readonly proof?: PasskeyProof;
}

/** What an approval says of who decides. */
export interface Wanted {
  readonly server: string;
  readonly terms: ApprovalTerms;
  /** The user whose call waits. */
  readonly requester: string | undefined;
}

export type ApproverProblem = 'elsewhere' | 'no-approver' | 'own-request' | 'person-unknown' | 'proof-required';

/** Roles that decide where a rule names none. */
const usualRoles: readonly string[] = ['approver', 'administrator'];

/** Undefined: may decide. */
export function approverProblem(
  voter: Voter,
  { server, terms, requester }: Wanted,
  verdict: 'approve' | 'reject',
): ApproverProblem | undefined {
  if (voter.servers !== undefined && !voter.servers.includes(server)) return 'elsewhere';
  const isRequester = requester !== undefined && voter.user === requester;
  if (!isNamed(voter, terms, isRequester)) return 'no-approver';
  if (terms.notBy === 'requester' && requester !== undefined) {
    if (isRequester) return 'own-request';
    // Who cannot be shown to be another person may be the same one.
    if (voter.user === undefined) return 'person-unknown';
  }
  if (verdict === 'approve' && terms.proof === 'passkey' && voter.proof === undefined) return 'proof-required';
  return undefined;
}

function isNamed({ by, kind, role = '' }: Voter, { by: named }: ApprovalTerms, isRequester: boolean): boolean {
  if (named === undefined) return kind === 'machine' || (kind === 'operator' && usualRoles.includes(role));
  return named.some((each) => {
    if (each === 'requester') return isRequester;
    if (kind !== 'operator') return false;
    return 'role' in each ? each.role.includes(role) : each.operator.some((name) => by === `operator:${name}`);
  });
}

/**
 * One person, however it decides: it counts once towards a quorum. Where it is not known which user it is, its name tells: an
 * operator, a user of the machine and a user of the same name are taken for one.
 */
export function personOf({ by, user }: Voter): string {
  return user ?? by.slice(by.indexOf(':') + 1);
}

/** For the one who is told. */
export const approverProblems: Readonly<
  Record<ApproverProblem, { readonly problem: string; readonly remedy: string }>
> = {
  elsewhere: { problem: 'there is no such approval', remedy: 'See the list of approvals.' },
  'no-approver': {
    problem: 'the rule does not name you among those who decide',
    remedy: 'Ask one of those that `approval.by` of the rule names.',
  },
  'own-request': {
    problem: 'the call was made for you, and the rule asks for another person',
    remedy: 'Ask another approver.',
  },
  'person-unknown': {
    problem: 'it is not known that you are another person than the one that the call was made for',
    remedy: 'An administrator says which user you are: `sallyport operator change NAME --user USER`.',
  },
  'proof-required': {
    problem: 'the rule asks for a confirmation with a passkey',
    remedy: 'Approve it on the approval page, with your passkey.',
  },
};
