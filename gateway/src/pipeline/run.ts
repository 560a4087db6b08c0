/**
 * The road. Everything that crosses the gateway takes it, in this order; every exit, a thrown bug included, leaves a
 * record. Open this file to see the product.
 */

import { Checks } from './checks.ts';
import type { ExchangeEnd, ExchangeFacts } from './contracts/audit.ts';
import type { Use } from './contracts/limit.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import { decide } from './decide.ts';
import { ownWords, withNote } from './deliver.ts';
import { reasonOf } from './denial.ts';
import type { Admitted, Identified, Intended, Received, Reply } from './exchange.ts';
import { endOf, factsOf, outcomeOf, type Progress, unrecorded } from './facts.ts';
import { inspectArguments, withArguments } from './inspect.ts';
import { isCorrectable, permit } from './permit.ts';
import { type Outcome, pass, type Refusal } from './refusal.ts';
import { Standing } from './rights.ts';
import type { Stages } from './stages.ts';
import { afterWaiting, approve, enter, giveBack, intend, limit, tellBreaker, text } from './steps.ts';
import { asTask } from './tasks.ts';
import { withUrlPrompt } from './url-prompt.ts';

export type { Stages } from './stages.ts';

export async function run(message: Received, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  const reply = await runBare(message, snapshot, stages);
  const task = asTask(message, reply, stages.tasks);
  return (task && (await task)) ?? withUrlPrompt(message, reply);
}

/** The road without what a client is given in place of a refusal. */
export async function runBare(message: Received, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  const progress: Progress = {};
  let reply: Reply;
  try {
    reply = await travel(message, snapshot, stages, progress);
  } catch (error) {
    stages.onBug(error, message.id);
    reply = refused({ reason: 'internal', detail: text(error) });
  }
  try {
    giveBack(progress, reply, stages);
    tellBreaker(message, reply, { snapshot, progress });
  } catch (error) {
    stages.onBug(error, message.id);
  }
  return await record(message, snapshot, stages, progress, reply);
}

function travel(message: Received, snapshot: Snapshot, stages: Stages, progress: Progress): Reply | Promise<Reply> {
  if (!message.identity.ok) return refused(message.identity.refusal);
  const admitted = admit(message, message.identity.value, snapshot, stages, progress);
  if (!admitted.ok) return refused(admitted.refusal);
  return message.operation === 'call' && !stages.isOwn(admitted.value, snapshot)
    ? watched(admitted.value, snapshot, stages, progress)
    : local(admitted.value, snapshot, stages, progress);
}

function admit(
  message: Received,
  caller: Identified['caller'],
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
): Outcome<Admitted> {
  progress.caller = caller;
  const lease = stages.admit({ ...message, caller }, snapshot);
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

/** A call, and a look at whether its caller goes round in circles. */
async function watched(exchange: Admitted, snapshot: Snapshot, stages: Stages, progress: Progress): Promise<Reply> {
  const held = stages.loops.held(exchange, snapshot);
  if (held !== undefined) {
    progress.unresolved = stages.unresolvedTarget(exchange, snapshot);
    return refused(held);
  }
  const reply = await call(exchange, snapshot, stages, progress);
  const verdict = stages.loops.saw(exchange, reply, { resolved: progress.resolved, snapshot });
  if (verdict === undefined) return reply;
  exchange.checks.add({ name: 'loops', part: 'calls', verdict: `told after ${verdict.times}` });
  return noted(reply, verdict.note);
}

function noted(reply: Reply, note: string): Reply {
  switch (reply.kind) {
    case 'refused':
      return { ...reply, note };
    case 'result':
      return { kind: 'result', result: withNote(reply.result, note) };
    case 'error':
      return { ...reply, error: ownWords({ ...reply.error, message: `${reply.error.message}. ${note}` }) };
    case 'text':
    case 'pieces':
      return reply;
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
    // Another definition may be another tier, and rules may say something else about that.
    progress.resolved = progress.decided = decided = decide(renewed);
    inspected = await inspectArguments(decided, stages.inspect);
  }
  if (!inspected.ok) {
    const { keep, refusal } = inspected;
    if (keep !== undefined) progress.resolved = progress.decided = withArguments(decided, keep);
    return refused(refusal);
  }
  let final = inspected.value;
  // An inspector changed the arguments: the rules decide about those that are sent.
  if (final !== decided) progress.resolved = progress.decided = final = decide(final);
  const step = { snapshot, stages, progress };
  const permitted = permit(final);
  const allowed = permitted.ok || permitted.refusal.reason !== 'held' ? permitted : await approve(final, step);
  if (!allowed.ok) return refused(allowed.refusal);

  const limiting = limit(allowed.value, step);
  const limited = limiting instanceof Promise ? await limiting : limiting;
  if (!limited.ok) return refused(limited.refusal);

  const entered = enter(limited.value, step);
  if (!entered.ok) return refused(entered.refusal);
  const still = limiting instanceof Promise ? await afterWaiting(entered.value, stages) : pass(undefined);
  if (!still.ok) return refused(still.refusal);

  const intending = intend(entered.value, step);
  const intended = intending instanceof Promise ? await intending : intending;
  if (!intended.ok) return refused(intended.refusal);
  if (exchange.cancellation.cancelled) return refused({ reason: 'cancelled' });
  // The disk may have been waited for, to keep a use of an approval or the intent: rights end meanwhile as well.
  if (allowed !== permitted || intending instanceof Promise) {
    const lost = new Standing(intended.value, snapshot, stages.rights).lost();
    if (lost !== undefined) return refused({ reason: 'right-ended', ...lost });
  }
  return await send(intended.value, snapshot, stages, progress);
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
    use = useOf(message, facts, { end, reply });
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
    progress.admission?.settle(use);
  }
}

function useOf({ bytesIn }: Received, { cost = 0 }: ExchangeFacts, { end, reply }: Ended): Use {
  const { bytesOut, outcome } = end;
  const reason = reasonOf(reply);
  return { bytesIn, bytesOut, cost, outcome, ...(reason !== undefined && { reason }) };
}

interface Ended {
  readonly end: ExchangeEnd;
  readonly reply: Reply;
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

function refused(refusal: Refusal): Reply {
  return { kind: 'refused', refusal };
}
