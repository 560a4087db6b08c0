/** Approvals as the user that a call is made for meets them: the page that it is led to, and its decision. */
import type { ApprovalDesk } from '../accounts/pages.ts';
import { ticketLifetimeMs } from '../accounts/tickets.ts';
import { accountPaths } from '../pipeline/contracts/accounts.ts';
import { isObject } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';
import { approverProblem, approverProblems, type Voter } from '../stages/approve/approvers.ts';
import { type Approval, type ApprovalStore, wantedOf } from '../stages/approve/store.ts';
import { viewOf } from '../stages/approve/view.ts';

export interface RequesterParts {
  readonly store: ApprovalStore;
  readonly seal: Seal;
  readonly onDecided: () => void;
}

/** The page of an approval for one user. The address says nothing, and opens nothing without a proof of who is there. */
export function approvalUrl(
  base: string,
  seal: Seal,
  { approval, user }: { readonly approval: Approval; readonly user: string },
): string {
  return `${base}${accountPaths.approval}${seal.close({ a: approval.id, u: user, e: approval.expiresAt + ticketLifetimeMs })}`;
}

export function requesterApprovals({ store, seal, onDecided }: RequesterParts): ApprovalDesk {
  const voterOf = (user: string): Voter => ({ by: `user:${user}`, kind: 'user', user });
  return {
    find(sealed) {
      const opened = seal.open(sealed);
      if (!isObject(opened) || typeof opened.e !== 'number' || opened.e <= Date.now()) return undefined;
      const { a: approval, u: user, e: until } = opened;
      if (typeof approval !== 'string' || typeof user !== 'string') return undefined;
      const found = store.get(approval, Date.now());
      if (found === undefined) return undefined;
      return { id: sealed, server: found.server, user, until, wanted: [], approval };
    },
    isMadeWith: ({ approval }, credential) =>
      approval !== undefined && store.get(approval, Date.now())?.content?.credential === credential,
    show({ approval = '', user }) {
      const found = store.get(approval, Date.now());
      if (found === undefined) return undefined;
      const view = viewOf(found, Date.now());
      const mayDecide = approverProblem(voterOf(user), wantedOf(found), 'approve') === undefined;
      return {
        view,
        decides: found.state === 'pending' && mayDecide && view.isDrawn,
        needsReason: found.terms.reason === 'required',
      };
    },
    async decide({ approval = '', user }, verdict, reason) {
      const vote = { ...voterOf(user), at: Date.now(), ...(reason !== undefined && { reason }) };
      const voted = await store.vote(approval, verdict, vote);
      if (voted.ok) {
        onDecided();
        return undefined;
      }
      switch (voted.problem) {
        case 'unknown':
        case 'over':
          return `It is ${voted.approval?.state ?? 'over'} already.`;
        case 'twice':
          return 'You have decided about it already.';
        case 'no-reason':
          return 'The rule asks for a reason.';
        case 'unreadable':
          return 'What it is about cannot be decrypted, so it cannot be approved.';
        case 'unkept':
          return 'The gateway could not keep the decision. Look again before you decide anew.';
        case 'elsewhere':
        case 'no-approver':
        case 'own-request':
        case 'person-unknown':
        case 'proof-required': {
          const { problem, remedy } = approverProblems[voted.problem];
          return `${problem.slice(0, 1).toUpperCase()}${problem.slice(1)}. ${remedy}`;
        }
      }
    },
  };
}
