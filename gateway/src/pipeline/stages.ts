/** What the road is made of: the stages that are more than a few lines. */
import type { Approve, SpentApproval } from './contracts/approval.ts';
import type { AuditLog, ExchangeEnd, ExchangeFacts } from './contracts/audit.ts';
import type { Admission, LimitLevel, LoopVerdict } from './contracts/limit.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import type {
  Admitted,
  Allowed,
  Decided,
  Identified,
  Inspected,
  Intended,
  Received,
  Reply,
  Resolved,
  Resolving,
  Resumed,
  UnresolvedTarget,
} from './exchange.ts';
import type { Inspect } from './inspect.ts';
import type { Outcome, Refusal } from './refusal.ts';
import type { Rights, Standing } from './rights.ts';
import type { Tasks } from './tasks.ts';
import type { KeepAnswers } from './url-prompt.ts';

/** What was known of a call at its end. */
export interface SeenCall {
  readonly resolved: Resolved | undefined;
  readonly snapshot: Snapshot;
}

/** The stages that are more than a few lines, each from its own folder. `runtime/road.ts` puts them together. */
export interface Stages {
  /** Is this a call of a tool of the gateway itself? */
  isOwn(exchange: Identified, snapshot: Snapshot): boolean;
  /**
   * What the gateway answers itself: lists, `initialize`, subscriptions, its own tools. `open` records that a stream
   * opens, before the client is told that it did.
   */
  answerLocally(exchange: Admitted, snapshot: Snapshot, open: () => Promise<Refusal | undefined>): Promise<Reply>;
  /** 6: room under the limits of the caller, until the lease is settled. */
  admit(exchange: Identified, snapshot: Snapshot): Outcome<Admission>;
  /** 4: which capability of which server. */
  resolve(exchange: Admitted, snapshot: Snapshot): Resolving | Promise<Resolving>;
  /** 4, the end: opens what the gateway sealed for an earlier request of the client. */
  resume(exchange: Resolved): Outcome<Resumed>;
  /** Does the request go on with a call of which its server has a part? */
  isResumed: (message: Received) => boolean;
  /** What a client sends back with its answer to a page of the gateway. */
  keepAnswers: KeepAnswers;
  /** 4 again, where a schema refuses: the exchange with the tool as its server lists it now, if that is another one. */
  renew(exchange: Decided, snapshot: Snapshot): Promise<Decided | undefined>;
  /**
   * 6, the end: room under the limits of the policy, until the lease is settled. It comes after everything that denies a
   * call or finds it invalid: a limit tells nothing of what is hidden, and only calls that would be made count.
   */
  limit(exchange: Allowed<Inspected>, snapshot: Snapshot): Outcome<Admission> | Promise<Outcome<Admission>>;
  /** What these limits have left. Takes nothing. */
  limitLevels(exchange: Allowed<Inspected>, snapshot: Snapshot): readonly LimitLevel[];
  /** Whether a call is refused for now, as it was repeated in vain; and what came of one: what its caller is to be told. */
  readonly loops: {
    held(exchange: Admitted, snapshot: Snapshot): Refusal | undefined;
    saw(exchange: Admitted, reply: Reply, seen: SeenCall): LoopVerdict | undefined;
  };
  /** What is known of where a request would lead, without asking its server. */
  unresolvedTarget(exchange: Identified, snapshot: Snapshot): UnresolvedTarget | undefined;
  /** 7: what a client sends to a server. */
  readonly inspect: Inspect;
  /** 8: a person decides about a call that a rule holds. */
  readonly approve: Approve;
  /** Held calls as tasks, for clients that take them. */
  readonly tasks: Tasks;
  /** The call on which an approval was spent was not made after all. */
  giveBack(approval: SpentApproval): void;
  /** 10 and 11: to the server and back. */
  forward(exchange: Intended, snapshot: Snapshot, standing: Standing): Promise<Reply>;
  /** What the caller of something that stays open may do now. */
  readonly rights: Rights;
  readonly audit: AuditLog;
  /** Told of every exchange when it is over. */
  observe(facts: ExchangeFacts, end: ExchangeEnd): void;
  /** Told of a bug: the operator must see it, the client must not. */
  onBug(error: unknown, reference: string): void;
}
