/** The contract of stage 8: a person decides about exactly one call. */
import type { Allowed, Inspected } from '../exchange.ts';
import type { Outcome } from '../refusal.ts';
import type { Snapshot } from './snapshot.ts';

/** What a rule says of the approvals of the calls that it holds. */
export interface ApprovalTerms {
  /** How many persons must approve. */
  readonly quorum: number;
  /** Milliseconds for which it can be decided, and after that for which it can be used. */
  readonly within: number;
  /** Must a decision have a reason? */
  readonly reason: 'required' | 'optional';
  /** Who decides: each of these may. Absent: operators with the role `approver` or `administrator`, and users of the machine. */
  readonly by?: readonly Approver[];
  /** The user that the call is made for must not decide. */
  readonly notBy?: 'requester';
  /** A person confirms an approval with its passkey. */
  readonly proof?: 'passkey';
  /** The call may be made again and again; absent: once. */
  readonly grant?: GrantTerms;
}

/** The user that the call is made for, operators by role, or operators by name. */
export type Approver = 'requester' | { readonly role: readonly string[] } | { readonly operator: readonly string[] };

/** What one approval covers beside the one call. */
export interface GrantTerms {
  /** Milliseconds. */
  readonly for: number;
  /** How often at most. */
  readonly calls?: number;
  /** Expression that other arguments must meet; absent: the same arguments. */
  readonly when?: string;
}

/** The page on which the user that a call is made for sees what became of it, and decides where the rule lets it. */
export interface ApprovalPage {
  readonly url: string;
  readonly decides: boolean;
  /** The client is to open it for its person. */
  readonly asks: boolean;
}

/** An approval that was spent on this exchange. */
export interface SpentApproval {
  readonly id: string;
  /** Who approved. */
  readonly by: readonly string[];
}

/** Waits for a decision for a while. A call that is refused was not made. */
export type Approve = (exchange: Inspected, snapshot: Snapshot) => Promise<Outcome<Allowed<Inspected>>>;
