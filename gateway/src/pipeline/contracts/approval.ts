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
  /** Milliseconds for which the same call may be made again and again; absent: once. */
  readonly reuse?: number;
}

/** An approval that was spent on this exchange. */
export interface SpentApproval {
  readonly id: string;
  /** Who approved. */
  readonly by: readonly string[];
}

/** Waits for a decision for a while. A call that is refused was not made. */
export type Approve = (exchange: Inspected, snapshot: Snapshot) => Promise<Outcome<Allowed<Inspected>>>;
