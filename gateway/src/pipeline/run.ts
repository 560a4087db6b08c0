/**
 * The road. Everything that crosses the gateway takes it, in this order; every exit, a thrown bug included, leaves a
 * record. Open this file to see the product.
 */

import type { Operation } from '../protocol/methods.ts';
import { messageOf } from '../protocol/result.ts';
import { withAccountLink } from './account-link.ts';
import { Checks } from './checks.ts';
import type { AuditLog, ExchangeEnd, ExchangeFacts } from './contracts/audit.ts';
import type { Caller } from './contracts/caller.ts';
import type { Lease, Use } from './contracts/limit.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import { decide } from './decide.ts';
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
import { endOf, factsOf, outcomeOf, type Progress, unrecorded } from './facts.ts';
import { type Inspect, inspectArguments, withArguments } from './inspect.ts';
import { isCorrectable, permit } from './permit.ts';
import { type Outcome, pass, type Refusal, refuse } from './refusal.ts';
import { type Rights, Standing } from './rights.ts';

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
  admit(caller: Caller, operation: Operation, snapshot: Snapshot): Outcome<Lease>;
  /** 4: which capability of which server. */
  resolve(exchange: Admitted, snapshot: Snapshot): Resolving | Promise<Resolving>;
  /** 4, the end: opens what the gateway sealed for an earlier request of the client. */
  resume(exchange: Resolved): Outcome<Resumed>;
  /** 4 again, where a schema refuses: the exchange with the tool as its server lists it now, if that is another one. */
  renew(exchange: Decided, snapshot: Snapshot): Promise<Decided | undefined>;
  /** What is known of where a request would lead, without asking its server. */
  unresolvedTarget(exchange: Identified, snapshot: Snapshot): UnresolvedTarget | undefined;
  /** 7: what a client sends to a server. */
  readonly inspect: Inspect;
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

export async function run(message: Received, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  const progress: Progress = {};
  let reply: Reply;
  try {
    reply = await travel(message, snapshot, stages, progress);
  } catch (error) {
    stages.onBug(error, message.id);
    reply = refused({ reason: 'internal', detail: text(error) });
  }
  return withAccountLink(message, await record(message, snapshot, stages, progress, reply));
}

function travel(message: Received, snapshot: Snapshot, stages: Stages, progress: Progress): Reply | Promise<Reply> {
  if (!message.identity.ok) return refused(message.identity.refusal);
  const admitted = admit(message, message.identity.value, snapshot, stages, progress);
  if (!admitted.ok) return refused(admitted.refusal);
  return message.operation === 'call' && !stages.isOwn(admitted.value, snapshot)
    ? call(admitted.value, snapshot, stages, progress)
    : local(admitted.value, snapshot, stages, progress);
}

function admit(
  message: Received,
  caller: Caller,
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
): Outcome<Admitted> {
  progress.caller = caller;
  const lease = stages.admit(caller, message.operation, snapshot);
  if (!lease.ok) {
    progress.unresolved = stages.unresolvedTarget({ ...message, caller }, snapshot);
    return lease;
  }
  progress.lease = lease.value;
  progress.checks = new Checks();
  return pass({ ...message, caller, lease: lease.value, checks: progress.checks });
}

/** Most times that an answer is made anew because another revision came into force meanwhile. */
const maxRemakes = 3;

/** What the gateway answers itself, by the revision that is in force when the answer is there. */
async function local(exchange: Admitted, snapshot: Snapshot, stages: Stages, progress: Progress): Promise<Reply> {
  const { rights } = stages;
  let current = snapshot;
  let { caller } = exchange;
  for (let remakes = 0; ; remakes++) {
    const reply = await stages.answerLocally({ ...exchange, caller }, current, () =>
      recordOpening(exchange, snapshot, stages, progress),
    );
    if (exchange.operation === 'stream' || reply.kind === 'refused') return reply;
    const renewed = rights.renew(caller);
    if (renewed === undefined)
      return refused({ reason: 'right-ended', cause: 'credential', detail: 'the credential has ended' });
    if (rights.snapshot() === current) return reply;
    if (remakes === maxRemakes)
      return refused({ reason: 'right-ended', cause: 'configuration', detail: 'the configuration keeps changing' });
    caller = renewed;
    current = rights.snapshot();
  }
}

async function call(exchange: Admitted, snapshot: Snapshot, stages: Stages, progress: Progress): Promise<Reply> {
  const resolving = stages.resolve(exchange, snapshot);
  const resolved = resolving instanceof Promise ? await resolving : resolving;
  if (!resolved.ok) {
    progress.unresolved = resolved.unresolved;
    return refused(resolved.refusal);
  }
  progress.resolved = resolved.value;
  const resumed = stages.resume(resolved.value);
  if (!resumed.ok) return refused(resumed.refusal);

  let decided = decide(resumed.value);
  progress.decided = decided;
  const early = permit(decided);
  if (!early.ok && !isCorrectable(early.refusal, decided)) return refused(early.refusal);

  const inspecting = inspectArguments(decided, stages.inspect);
  let inspected = inspecting instanceof Promise ? await inspecting : inspecting;
  const renewed =
    !inspected.ok && inspected.refusal.reason === 'arguments-invalid'
      ? await stages.renew(decided, snapshot)
      : undefined;
  if (renewed !== undefined) {
    progress.resolved = progress.decided = decided = renewed;
    inspected = await inspectArguments(renewed, stages.inspect);
  }
  if (!inspected.ok) {
    const { keep, refusal } = inspected;
    if (keep !== undefined) progress.resolved = progress.decided = withArguments(decided, keep);
    return refused(refusal);
  }
  let final = inspected.value;
  // An inspector changed the arguments: the rules decide about those that are sent.
  if (final !== decided) progress.resolved = progress.decided = final = decide(final);
  const allowed = permit(final);
  if (!allowed.ok) return refused(allowed.refusal);

  const intending = intend(allowed.value, snapshot, stages, progress);
  const intended = intending instanceof Promise ? await intending : intending;
  if (!intended.ok) return refused(intended.refusal);
  if (exchange.cancellation.cancelled) return refused({ reason: 'cancelled' });
  return send(intended.value, snapshot, stages, progress);
}

/** Stage 9. Answers at once where the record need not be durable before the call. */
function intend(
  exchange: Allowed<Inspected>,
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
): Outcome<Intended> | Promise<Outcome<Intended>> {
  progress.intended = factsOf(exchange, snapshot, progress);
  const written = stages.audit.intend(progress.intended);
  if (written === undefined) return pass(exchange as Intended);
  return written.then(
    () => pass(exchange as Intended),
    (error: unknown) => refuse({ reason: 'record-unavailable', detail: text(error) }),
  );
}

/** Stages 10 and 11, for as long as the caller has the right to it. */
async function send(exchange: Intended, snapshot: Snapshot, stages: Stages, progress: Progress): Promise<Reply> {
  progress.forwarded = true;
  const { rights } = stages;
  const standing = new Standing(exchange, snapshot, rights);
  rights.underWay.add(standing);
  let reply: Reply;
  try {
    reply = await stages.forward(exchange, snapshot, standing);
  } finally {
    rights.underWay.delete(standing);
  }
  // The revision and the credential of now decide about the result, whatever they were when the call was made.
  const lost = standing.lost();
  return lost === undefined ? reply : refused({ reason: 'right-ended', ...lost });
}

/** What `runStream` gives a listener: whether the stream may open, and how it says that it is over. */
export type Opening = { readonly ok: true; close(): void } | { readonly ok: false; readonly reply: Reply };

/** The road of a stream that a listener opens for a session: recorded when it opens, and when it is over. */
export async function runStream(message: Identified, snapshot: Snapshot, stages: Stages): Promise<Opening> {
  const progress: Progress = {};
  const admitted = admit(message, message.caller, snapshot, stages, progress);
  const refusal = admitted.ok ? await recordOpening(message, snapshot, stages, progress) : admitted.refusal;
  if (refusal !== undefined)
    return { ok: false, reply: await record(message, snapshot, stages, progress, refused(refusal)) };
  return {
    ok: true,
    close: () => {
      record(message, snapshot, stages, progress, { kind: 'text', text: '' }).catch((error: unknown) =>
        stages.onBug(error, message.id),
      );
    },
  };
}

/** What stays open is recorded when it opens: how it ends may never be known. */
async function recordOpening(
  message: Received,
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
): Promise<Refusal | undefined> {
  progress.intended = factsOf(message, snapshot, progress);
  try {
    await stages.audit.intend(progress.intended);
    return undefined;
  } catch (error) {
    return { reason: 'record-unavailable', detail: text(error) };
  }
}

/** The road of what a listener has done itself for a known caller, such as ending a session. */
export function runDone(message: Identified, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  return record(message, snapshot, stages, { caller: message.caller }, { kind: 'text', text: '' });
}

/** The stages, and the snapshot in force. */
export interface Road {
  readonly snapshot: Snapshot;
  readonly stages: Stages;
}

/** The short road of what could not be decoded: it is recorded with its caller. */
export function runRefused(message: Received, refusal: Refusal, { snapshot, stages }: Road): Promise<Reply> {
  const { identity } = message;
  // An unknown caller learns nothing of what the gateway thinks of the message.
  if (!identity.ok) return record(message, snapshot, stages, {}, refused(identity.refusal));
  return record(message, snapshot, stages, { caller: identity.value }, refused(refusal));
}

/** Stage 12. */
async function record(
  message: Received,
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
  reply: Reply,
): Promise<Reply> {
  let use: Use = { bytesIn: message.bytesIn, bytesOut: 0, cost: 0, outcome: 'unknown' };
  try {
    const facts = progress.intended ?? factsOf(message, snapshot, progress);
    const { end, written } = concluded(message, reply, progress, stages);
    use = { bytesIn: message.bytesIn, bytesOut: end.bytesOut, cost: facts.cost ?? 0, outcome: end.outcome };
    let unwritten: string | undefined;
    try {
      const keeping = stages.audit.end(facts, end, progress.intended !== undefined);
      if (keeping !== undefined) await keeping;
    } catch (error) {
      unwritten = text(error);
    }
    if (unwritten === undefined) {
      stages.observe(facts, end);
      return written;
    }
    const refusal = unrecorded(progress, reply, unwritten);
    const { reason } = refusal;
    stages.observe(facts, { ...end, outcome: outcomeOf(refusal, progress), reason, detail: unwritten });
    return refused(refusal);
  } finally {
    progress.lease?.settle(use);
  }
}

/** A reply that cannot be written is a bug, and its exchange leaves a record like every other. */
function concluded(message: Received, reply: Reply, progress: Progress, stages: Stages): ReturnType<typeof endOf> {
  try {
    return endOf(message, reply, progress);
  } catch (error) {
    stages.onBug(error, message.id);
    return endOf(message, refused({ reason: 'internal', detail: text(error) }), progress);
  }
}

function text(error: unknown): string {
  return messageOf(error);
}

function refused(refusal: Refusal): Reply {
  return { kind: 'refused', refusal };
}
