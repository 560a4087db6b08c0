/** Terms of an approval in words: commands and pages say the same. */
import type { SentFindings } from '../../pipeline/checks.ts';
import type { ApprovalTerms, GrantTerms } from '../../pipeline/contracts/approval.ts';

export function leftText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`;
}

/** Who must decide, and how. */
export function neededText({ quorum, by, notBy, proof, reason }: ApprovalTerms): string {
  const named = by?.map((each) => {
    if (each === 'requester') return 'the user that the call is made for';
    return 'role' in each ? `operators with the role ${each.role.join(' or ')}` : each.operator.join(' or ');
  });
  return [
    `${quorum} of ${named?.join(', or ') ?? 'the approvers'}`,
    ...(notBy === undefined ? [] : ['another person than the requester']),
    ...(proof === undefined ? [] : ['confirmed with a passkey']),
    ...(reason === 'required' ? ['with a reason'] : []),
  ].join(', ');
}

/** What guardrails found in the call, a line for each. */
export function findingTexts({ listed, more }: SentFindings): readonly string[] {
  const texts = listed.map(({ guardrail, found, action, part, at }) => {
    const place = at ?? (found.startsWith('not scanned') ? '' : 'a name of a member');
    return `${found}${place === '' ? '' : ` at ${place}`} in ${inWords[part] ?? part}: ${action} (${guardrail})`;
  });
  return more === 0 ? texts : [...texts, `and ${more} more`];
}

const inWords: Readonly<Record<string, string>> = {
  arguments: 'the arguments',
  meta: '_meta',
  answer: 'the answers to what the server asked',
};

export function grantText({ for: ms, calls, when }: GrantTerms): string {
  const often = calls === undefined ? 'as often as wanted' : `${calls} times`;
  const what = when === undefined ? 'with the same arguments' : `with arguments for which ${when}`;
  return `${often} for ${Math.round(ms / 1_000)} s, ${what}`;
}
