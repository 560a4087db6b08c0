/**
 * Where approvals are kept: the embedded database, which commands and gateways open. Each method is one atomic step, which is
 * done when it returns; what answers later answers when the step is on the disk.
 */
import type { JsonObject } from '../../protocol/json.ts';
import { createSeal } from '../../secrets/seal.ts';
import type { Unrecorded } from '../../stores/recording.ts';
import { isUnwritable, openDatabase } from '../../stores/sqlite/driver.ts';
import { type JournalOptions, openJournal, type Settled } from '../../stores/sqlite/journal.ts';
import {
  type Approval,
  type ApprovalContent,
  type ApprovalLine,
  type ApprovalState,
  approvalBounds,
  type Vote,
} from './approval.ts';
import type { ApproverProblem } from './approvers.ts';
import { stepsOf } from './steps.ts';
import type { Waits } from './waits.ts';

export * from './approval.ts';

export type Request =
  | { readonly ok: true; readonly approval: Approval; readonly isNew: boolean }
  | { readonly ok: false; readonly reason: 'full' | 'too-large' }
  | Unkept;

/** Nothing says whether it is on the disk: nothing may be done by it. */
export interface Unkept {
  readonly ok: false;
  readonly reason: 'unkept';
  readonly detail: string;
}

export type Voted =
  | { readonly ok: true; readonly approval: Approval }
  | {
      readonly ok: false;
      readonly problem: 'unknown' | 'over' | 'twice' | 'no-reason' | 'unreadable' | 'unkept' | ApproverProblem;
      readonly approval?: Approval;
    };

/** What a new approval is of. */
export interface Requested {
  readonly content: ApprovalContent;
  readonly digest: string;
  /** Digest of everything but the arguments: what a grant for other arguments is looked for by. */
  readonly scope: string;
  /** Who asks waits for it from the same step on, for a moment: until it says for how long, or stops. */
  readonly waiter: string;
  readonly now: number;
}

export interface ApprovalFilter {
  readonly state?: ApprovalState | undefined;
  readonly limit?: number;
  /** Servers; absent: all. */
  readonly servers?: readonly string[] | undefined;
  /** Those that are older than this one: the next page. */
  readonly after?: { readonly createdAt: number; readonly id: string } | undefined;
}

/** One use of an approval, with what it is of as it is kept: an approval that is given back is what it was. */
export interface Use {
  readonly id: string;
  readonly summary: string;
  readonly content?: string;
}

export type Spent = { readonly ok: true; readonly use: Use } | { readonly ok: false; readonly reason: 'over' } | Unkept;

export interface ApprovalStore {
  /** The approval in force for this call, or a new one. */
  request(requested: Requested): Promise<Request>;
  /** Approved ones of the same scope, which may cover other arguments. */
  grants(scope: string, now: number): readonly Approval[];
  get(id: string, now: number): Approval | undefined;
  /** Without what it is about, which takes time to decrypt. */
  stateOf(id: string, now: number): ApprovalState | undefined;
  /** Is its state on record, durably, by whichever process? */
  isRecorded(id: string): boolean;
  /** The newest first. */
  list(filter: ApprovalFilter, now: number): readonly ApprovalLine[];
  /** Number of the last change of any approval, by any process. */
  lastChange(): number;
  /** Those that changed after this one, the last `limit` of them, in the order of their changes. */
  changedSince(change: number, limit: number, now: number): readonly ApprovalLine[];
  /** A person approves or rejects. Of two at once, one decides and the other is told that it is over. */
  vote(id: string, verdict: 'approve' | 'reject', vote: Vote): Promise<Voted>;
  /** Takes one use of an approval: of all that try, one gets it. */
  spend(id: string, now: number): Promise<Spent>;
  /** Those who approved it no longer may. */
  revoke(id: string, now: number): Promise<Settled>;
  /** The call was not made. */
  giveBack(use: Use, now: number): Promise<Settled>;
  /** A call or a task waits for it until then. */
  readonly wait: Waits['wait'];
  readonly stopWaiting: Waits['stopWaiting'];
  /** What waited is gone: where nothing else waits, a pending approval ends. */
  withdraw(id: string, waiter: string, now: number): Promise<Settled>;
  /** The same, also for an approved one. */
  giveUp(id: string, waiter: string, now: number): Promise<Settled>;
  /** Answers when everything that was read is on the disk, whichever process wrote it. */
  readonly settle: () => Promise<Settled>;
  /** What became of approvals. What is over is ended first. */
  readonly unrecorded: Unrecorded<Approval>;
  /** Differs after each write of any process. Cheap: asked each second. */
  version(): number;
  close(): void;
}

/** `master`: 32 secret bytes. Throws when the database cannot be opened; each method when it cannot be read or written. */
export function openApprovalStore(data: string, master: Buffer, options?: JournalOptions): ApprovalStore {
  const database = openDatabase(data);
  const journal = openJournal(data, options);
  const steps = stepsOf(database, createSeal(master, 'approval', approvalBounds.content * 8));
  const { settle } = journal;
  const { waits } = steps;
  return {
    ...steps,
    wait: waits.wait,
    stopWaiting: waits.stopWaiting,
    settle,
    async request(requested) {
      const made = written(() => steps.request(requested));
      return made.ok ? kept(made, await settle()) : made;
    },
    async vote(id, verdict, vote) {
      const voted = written(() => steps.vote(id, verdict, vote));
      if (!voted.ok) return 'reason' in voted ? { ok: false, problem: 'unkept' } : voted;
      return (await settle()).ok ? voted : { ok: false, problem: 'unkept', approval: voted.approval };
    },
    async spend(id, now) {
      const taken = written(() => ({ ok: true as const, use: steps.spend(id, now) }));
      if (!taken.ok) return taken;
      const { use } = taken;
      if (use === undefined) return { ok: false, reason: 'over' };
      const spent = kept({ ok: true, use } as const, await settle());
      if (spent.ok) return spent;
      // Nothing is done by it. Where that cannot be written either, it stays spent.
      return written(() => {
        steps.giveBack(use, now);
        return spent;
      });
    },
    async revoke(id, now) {
      steps.revoke(id, now);
      return settle();
    },
    async giveBack(use, now) {
      steps.giveBack(use, now);
      return settle();
    },
    async withdraw(id, waiter, now) {
      waits.withdraw(id, waiter, now);
      return settle();
    },
    async giveUp(id, waiter, now) {
      waits.giveUp(id, waiter, now);
      return settle();
    },
    close() {
      journal.close();
      database.close();
    },
  };
}

function kept<Done>(done: Done, settled: Settled): Done | Unkept {
  return settled.ok ? done : { ok: false, reason: 'unkept', detail: settled.problem };
}

/** Full disks are no bugs: what could not be written was not done. */
function written<Done>(step: () => Done): Done | Unkept {
  try {
    return step();
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    return { ok: false, reason: 'unkept', detail: (error as Error).message };
  }
}

/** For people: `args` in full. */
export function argumentsText(args: JsonObject): string {
  return JSON.stringify(args, undefined, 2);
}
