/** Stage 8: makes an approval of a call that a rule holds, waits for a decision, and spends it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ApprovalPage, Approve, SpentApproval } from '../../pipeline/contracts/approval.ts';
import type { AuditLog } from '../../pipeline/contracts/audit.ts';
import { argumentsOf } from '../../pipeline/decide.ts';
import { ownWords } from '../../pipeline/deliver.ts';
import type { Allowed, Inspected } from '../../pipeline/exchange.ts';
import { permitHeld } from '../../pipeline/permit.ts';
import { type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import { lostRight, type Rights } from '../../pipeline/rights.ts';
import { takesTasks } from '../../pipeline/tasks.ts';
import { opensPages } from '../../pipeline/url-prompt.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { Recording } from '../../stores/recording.ts';
import { inBackground } from '../../telemetry/background.ts';
import { isAnother } from './another.ts';
import { approverProblem, personOf, type Voter } from './approvers.ts';
import { boundOf, contentOf, eventOf } from './content.ts';
import { approvalDigest, scopeDigest } from './digest.ts';
import { messageOf, notMade, reasonOf, untilOf, unwritten } from './refusals.ts';
import { type Approval, type ApprovalStore, type Use, wantedOf } from './store.ts';

export interface ApproveParts {
  readonly store: ApprovalStore;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly rights: Rights;
  /** Milliseconds for which a call waits for a decision before its client is told to come again. */
  readonly waitMs: () => number;
  /** What an operator that decided is now; undefined when it is none any more. */
  readonly operatorNow: (by: string) => Pick<Voter, 'role' | 'servers' | 'user'> | undefined;
  /** An approval has another state: told by the process that records it, again where one was killed before it had. */
  readonly onState: (approval: Approval) => void;
  /** Tells approvers and other processes that something changed. */
  readonly announce: () => void;
  /** The page of an approval for this user; undefined where there is none. */
  readonly pageFor: (approval: Approval, user: string) => string | undefined;
  /** A page that a client was asked to open has become of no use: tells the streams of its caller. */
  readonly onPageOver: (caller: string, approval: string) => void;
}

/** Milliseconds between two messages to a client that wants to hear of progress. */
const progressMs = 5_000;
/** Milliseconds that a call waits for the record of its approval, and for another process that has begun to write it. */
const maxRecordMs = 5_000;
const maxOtherMs = 1_000;
const otherPauseMs = 10;
/** Pages of which the end is told; of more it is not. */
const maxPrompted = 10_000;

export interface Approvals {
  readonly approve: Approve;
  /** The call was not made: what a person decided counts for the next one that is the same. */
  readonly giveBack: (approval: SpentApproval) => void;
  /** The gateway ends: no call waits any longer. */
  release(): void;
  /** Another process decided, or time passed: calls that wait look again. Answers when the log has what changed. */
  look(): Promise<void>;
  /** Answers when that is durable, or takes too long. */
  settled(): Promise<unknown>;
  /** Calls that wait. */
  readonly size: number;
}

type Held = Inspected;

/** A call that waits. */
interface Waiter {
  /** Looks whether it was decided. */
  readonly wake: () => void;
  readonly release: () => void;
}

export function createApprovals({
  store,
  audit,
  rights,
  waitMs,
  operatorNow,
  announce,
  pageFor,
  onPageOver,
  onState,
}: ApproveParts): Approvals {
  /** By approval, those whose calls wait for it. */
  const waiting = new Map<string, Set<Waiter>>();

  /** Approvals for which a client was asked to open a page, with the key of its caller. */
  const prompted = new Map<string, string>();
  /** What calls that are under way have spent. */
  const uses = new WeakMap<SpentApproval, Use>();
  let version = -1;

  /** Tells of pages that nothing is left to do on. */
  const endPages = (): void => {
    if (prompted.size === 0 || store.version() === version) return;
    version = store.version();
    for (const [id, caller] of prompted) {
      if (store.stateOf(id, Date.now()) === 'pending') continue;
      prompted.delete(id);
      onPageOver(caller, id);
    }
  };

  function pageOf(exchange: Held, approval: Approval): ApprovalPage | undefined {
    const { user } = exchange.caller;
    const url = user === undefined ? undefined : pageFor(approval, user);
    if (url === undefined) return undefined;
    return { url, decides: approval.terms.by?.includes('requester') === true, asks: false };
  }

  const changes = new Recording(store.unrecorded, audit);
  let recording: Promise<void> = Promise.resolve();
  /** One after the other, so that records stand in the order of what they tell. */
  const record = (): Promise<void> => {
    const taking = recording.then(async () => {
      const changed = changes.take(Date.now());
      // What became of them is a fact of the log, also where the disk fails.
      if (changed.length > 0) await changes.keepDuring(changed, store.settle());
      changes.record(changed, eventOf);
      for (const approval of changed) onState(approval);
    });
    // Who asked is told of a failure; it does not keep the next one from trying.
    recording = taking.catch(() => undefined);
    return taking;
  };

  /** Until it is decided, the time is over, or the client is gone. */
  async function decided(exchange: Held, id: string): Promise<'decided' | 'late' | 'gone'> {
    const { promise, resolve } = Promise.withResolvers<'decided' | 'late' | 'gone'>();
    const wake = (): void => {
      if (store.stateOf(id, Date.now()) !== 'pending') resolve('decided');
    };
    const own = waiting.get(id) ?? new Set();
    store.wait(id, exchange.id, Date.now() + waitMs());
    const waiter: Waiter = { wake, release: () => resolve('late') };
    waiting.set(id, own.add(waiter));
    const timer = setTimeout(() => resolve('late'), waitMs());
    const stop = exchange.cancellation.onCancel(() => resolve('gone'));
    const telling = new AbortController();
    inBackground('tell that a call waits', tellProgress(exchange, telling.signal));
    // It may have been decided before it was waited for.
    wake();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      stop();
      telling.abort();
      own.delete(waiter);
      if (own.size === 0) waiting.delete(id);
    }
  }

  async function spend(exchange: Held, approval: Approval): Promise<Outcome<Allowed<Inspected>>> {
    const { id, votes } = approval;
    // That it was approved is recorded before it is spent, however soon its caller comes, and durably, as a process that is
    // killed leaves nothing but the last state. Whether the call may be made without records its intent decides.
    await record();
    if (await changes.settled(maxRecordMs)) await recordedByAnother(id);
    const taken: SpentApproval = { id, by: votes.map(({ by }) => by) };
    const marked = { ...exchange, approval: taken };
    // The revision and the credential of now decide, whatever they were when the call was held.
    const caller = rights.renew(exchange.caller);
    if (caller === undefined)
      return refuse({ reason: 'right-ended', cause: 'credential', detail: 'the credential has ended' });
    const snapshot = rights.snapshot();
    const lost = lostRight(marked, caller, snapshot);
    if (lost !== undefined) return refuse({ reason: 'right-ended', ...lost });
    if (await isAnother(exchange, { caller, snapshot, approval }))
      return refuse({
        reason: 'right-ended',
        cause: 'rule',
        detail: 'what was approved is not what would be called now',
      });
    if (!isStillApproved(approval)) {
      await store.revoke(id, Date.now());
      await record();
      return refuse({ reason: 'approval-over', id, state: 'withdrawn' });
    }
    // Spent in the same turn in which everything above was looked at.
    const spent = await store.spend(id, Date.now());
    if (!spent.ok)
      return refuse(
        spent.reason === 'unkept'
          ? { reason: 'record-unavailable', detail: spent.detail }
          : { reason: 'approval-over', id, state: 'consumed' },
      );
    uses.set(taken, spent.use);
    // Its call is made all the same, if its intent can be recorded: what could not be taken now is at the next look.
    await record().catch(unwritten);
    return pass(permitHeld(marked));
  }

  /** A process that is killed before its record is durable leaves a state that the next one would hide. */
  async function recordedByAnother(id: string): Promise<void> {
    const deadline = performance.now() + maxOtherMs;
    while (!store.isRecorded(id) && performance.now() < deadline) await pause(otherPauseMs);
    changes.record(store.isRecorded(id) ? [] : store.unrecorded.take({ of: id }, Date.now()), eventOf);
    await changes.settled(maxRecordMs);
  }

  /** Those who approved it may do so now, and are as many as the rule wants. */
  function isStillApproved(approval: Approval): boolean {
    const now = approval.votes.flatMap((vote): readonly Voter[] => {
      if (vote.kind !== 'operator') return [vote];
      const { role: _role, servers: _servers, user: _user, ...same } = vote;
      const current = operatorNow(vote.by);
      return current === undefined ? [] : [{ ...same, ...current }];
    });
    const valid = now.filter((voter) => approverProblem(voter, wantedOf(approval), 'approve') === undefined);
    return new Set(valid.map(personOf)).size >= approval.terms.quorum;
  }

  /** An approval of other arguments that covers these as well. */
  function granted(exchange: Held, scope: string): Approval | undefined {
    const { covers } = exchange.decision;
    if (covers === undefined) return undefined;
    const { caller } = exchange;
    const args = argumentsOf(exchange) ?? {};
    return store
      .grants(scope, Date.now())
      .find(({ content }) => content !== undefined && covers({ args, approved: content.arguments, caller }));
  }

  const hold: Approve = async (exchange, { revision }) => {
    if (watching.has(exchange.method)) return refuse(neverHeard);
    const content = contentOf(exchange, revision);
    const bound = boundOf(content);
    const scope = scopeDigest(bound);
    const grant = granted(exchange, scope);
    if (grant !== undefined) {
      const spent = await spend(exchange, grant);
      if (spent.ok) return spent;
    }
    const digest = approvalDigest(bound);
    const made = await store.request({ content, digest, scope, waiter: exchange.id, now: Date.now() });
    if (!made.ok) return refuse(notMade(made));
    if (made.isNew) {
      await record();
      announce();
    }
    let { approval } = made;
    const { id } = approval;
    const page = pageOf(exchange, approval);
    // The client leads its person there, and then makes the call again, which waits.
    if (takesTasks(exchange)) {
      // The task waits in its place.
      if (approval.state === 'pending')
        return refuse({ reason: 'approval-pending', id, until: untilOf(exchange, approval), ...messageOf(exchange) });
    } else if (made.isNew && page !== undefined && opensPages(exchange)) {
      store.stopWaiting(id, exchange.id);
      if (prompted.size < maxPrompted) prompted.set(id, exchange.caller.key);
      const asking = { ...page, asks: true };
      return refuse({
        reason: 'approval-pending',
        id,
        until: untilOf(exchange, approval),
        page: asking,
        ...messageOf(exchange),
      });
    }
    if (approval.state === 'pending') {
      const how = await decided(exchange, id);
      if (how === 'gone') {
        await store.withdraw(id, exchange.id, Date.now());
        await record();
        return refuse({ reason: 'cancelled' });
      }
      store.stopWaiting(id, exchange.id);
      approval = store.get(id, Date.now()) ?? approval;
      // Another process may have decided a moment ago: its client hears what is on the disk.
      const settled = await store.settle();
      if (!settled.ok) return refuse({ reason: 'record-unavailable', detail: settled.problem });
    }
    switch (approval.state) {
      case 'approved':
        return spend(exchange, approval);
      case 'rejected':
        return refuse({ reason: 'approval-rejected', id, ...reasonOf(approval) });
      case 'pending':
        return refuse({
          reason: 'approval-pending',
          id,
          until: untilOf(exchange, approval),
          ...(page !== undefined && { page }),
          ...messageOf(exchange),
        });
      case 'expired':
      case 'consumed':
      case 'withdrawn':
        return refuse({ reason: 'approval-over', id, state: approval.state });
    }
  };

  const approve: Approve = async (exchange, place) => {
    try {
      return await hold(exchange, place);
    } catch (error) {
      return refuse(unwritten(error));
    }
  };

  return {
    approve,
    look() {
      endPages();
      for (const waiters of waiting.values()) for (const { wake } of waiters) wake();
      return record();
    },
    giveBack(spent) {
      const use = uses.get(spent);
      if (use === undefined) return;
      inBackground('give an approval back', Promise.all([store.giveBack(use, Date.now()), record()]));
    },
    settled: () => changes.settled(),
    release() {
      for (const waiters of waiting.values()) for (const { release } of waiters) release();
    },
    get size() {
      return waiting.size;
    },
  };
}

/** A person decides about one call: what is heard after it has no end, and is told only of what may be read without one. */
const watching: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe']);
const neverHeard: Refusal = {
  reason: 'held',
  detail: 'an approval is of one call, and not of what is heard after it',
  message: 'a person can approve that it is read, and not that its changes are told',
};

/** Clients that asked for progress hear that the call waits. The steps are small, so that those of the server come after. */
async function tellProgress({ channel, params }: Held, signal: AbortSignal): Promise<void> {
  const token = isObject(params._meta) ? params._meta.progressToken : undefined;
  if (token === undefined) return;
  for (let step = 1; ; step++) {
    const isOver = await pause(step === 1 ? 0 : progressMs, false, { signal, ref: false }).catch(() => true);
    if (isOver) return;
    const told: JsonObject = {
      progressToken: token,
      progress: step / 1_000,
      message: 'waiting for the approval of a person',
    };
    channel.notify('notifications/progress', ownWords(told));
  }
}
