/** An approval: what it is of, what was decided, and its bounds. */

import type { SentFindings } from '../../pipeline/checks.ts';
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import type { Voter } from './approvers.ts';
import type { Bound } from './digest.ts';

/**
 * `approved`: the call can be made. `consumed`: it was made, or its process ended while it was. `withdrawn`: its caller gave
 * it up before a person decided.
 */
export const approvalStates = ['pending', 'approved', 'rejected', 'expired', 'consumed', 'withdrawn'] as const;
export type ApprovalState = (typeof approvalStates)[number];

/** What one person decided. `user`, `role` and `servers` are what it was then. */
export interface Vote extends Voter {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason?: string;
}

/** What a person needs to decide. It is encrypted where it is kept. */
export interface ApprovalContent extends Bound {
  readonly place: string;
  readonly revision: string;
  /** Id of the credential that made the call: it proves no other person. */
  readonly credential?: string;
  /** What guardrails found in it, whatever becomes of that: shown, and bound to by nothing, as it follows from the call. */
  readonly findings?: SentFindings;
  /** Who calls: shown, and the subject of the record. */
  readonly who: { readonly user?: string; readonly agent?: string; readonly application?: string };
}

/** What lists say of it, which is small. It is encrypted as well. */
export type ApprovalSummary = Pick<ApprovalContent, 'caller' | 'who' | 'rule' | 'tier'>;

export function summaryOfContent({ caller, who, rule, tier }: ApprovalContent): ApprovalSummary {
  return { caller, who, rule, ...(tier !== undefined && { tier }) };
}

export function callerTextOf({ who: { user, agent, application }, caller }: ApprovalSummary): string {
  const named = [user && `user:${user}`, agent && `agent:${agent}`, application && `application:${application}`];
  return named.filter((each) => each !== undefined && each !== '').join(' ') || caller;
}

/** An approval as lists have it, without what it is about. */
export interface ApprovalLine {
  readonly id: string;
  readonly digest: string;
  readonly owner: string;
  readonly server: string;
  readonly name: string;
  readonly state: ApprovalState;
  readonly createdAt: number;
  /** Until then it can be decided, and once it is, used. */
  readonly expiresAt: number;
  readonly terms: ApprovalTerms;
  readonly votes: readonly Vote[];
  /** How often the call was made by it. */
  readonly uses: number;
  /** Undefined where it is over, or cannot be decrypted. */
  readonly summary: ApprovalSummary | undefined;
}

export interface Approval extends ApprovalLine {
  /** Undefined where it is over, or cannot be decrypted. */
  readonly content: ApprovalContent | undefined;
}

/** What it says of who decides about it. */
export function wantedOf({ server, terms, content }: Approval) {
  return { server, terms, requester: content?.who.user };
}

export const approvalBounds = {
  /** Pending ones of all callers, and of one. */
  pending: 10_000,
  pendingOfOne: 20,
  /** Characters of one call that are kept for review: more cannot be shown whole, so it cannot be approved. */
  content: 262_144,
  /** Lines of those that are over. */
  over: 20_000,
  /** Milliseconds for which those that are over are kept. */
  keptMs: 30 * 86_400_000,
} as const;
