/**
 * The road. Everything that crosses the gateway takes it, in this order; every exit, a thrown bug included, leaves a
 * record. Open this file to see the product.
 */

import { Checks } from './checks.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import { decide } from './decide.ts';
import { ownWords, withNote } from './deliver.ts';
import type { Admitted, Identified, Received, Reply } from './exchange.ts';
import { factsOf, type Progress } from './facts.ts';
import { inspectArguments, withArguments } from './inspect.ts';
import { isCorrectable, permit } from './permit.ts';
import { record } from './record.ts';
import { type Outcome, pass, type Refusal } from './refusal.ts';
import { Standing } from './rights.ts';
import type { Stages } from './stages.ts';
import {
  afterWaiting,
  approve,
  enter,
  giveBack,
  intend,
  limit,
  noteVerdicts,
  type Step,
  tellBreaker,
  text,
} from './steps.ts';
import { asTask } from './tasks.ts';
import { withUrlPrompt } from './url-prompt.ts';

export type { Stages } from './stages.ts';

export function run(message: Received, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  return whole(message, snapshot, stages, offered);
}

/** The road without what a client is given in place of a refusal. */
export function runBare(message: Received, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  return whole(message, snapshot, stages, (_message, reply) => reply);
}

/** Every wait of a call costs it a microsecond, so that what answers at once is not waited for. */
async function whole(message: Received, snapshot: Snapshot, stages: Stages, offer: typeof offered): Promise<Reply> {
  const progress: Progress = {};
  const step: Step = { snapshot, stages, progress };
  let reply: Reply;
  try {
    const travelling = travel(message, snapshot, stages, progress);
    reply = travelling instanceof Promise ? await travelling : travelling;
    if (progress.called !== undefined) reply = withLoops(progress.called, reply, step);
  } catch (error) {
    stages.onBug(error, message.id);
    reply = refused({ reason: 'internal', detail: text(error) });
  }
  try {
    progress.release?.();
    giveBack(progress, reply, stages);
    tellBreaker(message, reply, step);
  } catch (error) {
    stages.onBug(error, message.id);
  }
  const recording = record(message, reply, step);
  const recorded = recording instanceof Promise ? await recording : recording;
  const offering = offer(message, withResumption(message, recorded, stages), stages);
  return offering instanceof Promise ? await offering : offering;
}

/** What a client is given in place of a refusal: a task, or a page. */
function offered(message: Received, reply: Reply, { tasks, keepAnswers }: Stages): Reply | Promise<Reply> {
  const task = asTask(message, reply, tasks);
  return task === undefined
    ? withUrlPrompt(message, reply, keepAnswers)
    : task.then((begun) => begun ?? withUrlPrompt(message, reply, keepAnswers));
}

function travel(message: Received, snapshot: Snapshot, stages: Stages, progress: Progress): Reply | Promise<Reply> {
  if (!message.identity.ok) return refused(message.identity.refusal);
  const admitted = admit(message, message.identity.value, snapshot, stages, progress);
  if (!admitted.ok) return refused(admitted.refusal);
  const exchange = admitted.value;
  if (message.operation !== 'call' || stages.isOwn(exchange, snapshot))
    return local(exchange, snapshot, stages, progress);
  // Its caller goes round in circles.
  const held = stages.loops.held(exchange, snapshot);
  if (held !== undefined) {
    progress.unresolved = stages.unresolvedTarget(exchange, snapshot);
    return refused(held);
  }
  progress.called = exchange;
  return call(exchange, snapshot, stages, progress);
}

function admit(
  message: Received,
  caller: Identified['caller'],
  snapshot: Snapshot,
  stages: Stages,
  progress: Progress,
): Outcome<Admitted> {
  progress.caller = caller;
  const identified = { ...message, caller, checks: new Checks(), asked: message.params };
  const admission = stages.admit(identified, snapshot);
  noteVerdicts(admission, progress);
  if (!admission.ok) {
    progress.unresolved = stages.unresolvedTarget(identified, snapshot);
    return admission;
  }
  progress.lease = admission.value.lease;
  progress.checks = identified.checks;
  return pass(identified as Identified as Admitted);
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
      return refused({ reason: 'right-ended', cause: 'credential', sent: true, detail: 'the credential has ended' });
    if (rights.snapshot() === current) return reply;
    if (remakes === maxRemakes)
      return refused({
        reason: 'right-ended',
        cause: 'configuration',
        sent: true,
        detail: 'the configuration keeps changing',
      });
    caller = renewed;
    current = rights.snapshot();
  }
}

/** A refusal to go on with a call must not say that the call was not made, wherever on the road it comes from. */
function withResumption(message: Received, reply: Reply, { isResumed }: Stages): Reply {
  return reply.kind === 'refused' && isResumed(message) ? { ...reply, resumed: true } : reply;
}

/** The reply to a call, with a word to a caller that goes round in circles. */
function withLoops(exchange: Admitted, reply: Reply, { snapshot, stages, progress }: Step): Reply {
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
  progress.release = resolved.value.upstream.hold();
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
  const step: Step = { snapshot, stages, progress };
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
  // What was waited for, such as an inspector, a person or the disk, took time in which rights end as well.
  const hasWaited =
    allowed !== permitted ||
    renewed !== undefined ||
    resolving instanceof Promise ||
    inspecting instanceof Promise ||
    limiting instanceof Promise ||
    intending instanceof Promise;
  if (hasWaited) {
    const lost = new Standing(intended.value, snapshot, stages.rights).lost();
    if (lost !== undefined) return refused({ reason: 'right-ended', ...lost });
  }

  // Stages 10 and 11, for as long as the caller has the right to it.
  progress.forwarded = true;
  const standing = new Standing(intended.value, snapshot, stages.rights);
  stages.rights.underWay.add(standing);
  let reply: Reply;
  try {
    reply = await stages.forward(intended.value, snapshot, standing);
  } finally {
    stages.rights.underWay.delete(standing);
  }
  // The revision and the credential of now decide about the result, whatever they were when the call was made.
  const lost = standing.lost();
  return lost === undefined ? reply : refused({ reason: 'right-ended', sent: true, ...lost });
}

/** What `runStream` gives a listener: whether the stream may open, and how it says that it is over. */
export type Opening = { readonly ok: true; close(): void } | { readonly ok: false; readonly reply: Reply };

/** The road of a stream that a listener opens for a session: recorded when it opens, and when it is over. */
export async function runStream(message: Identified, snapshot: Snapshot, stages: Stages): Promise<Opening> {
  const progress: Progress = {};
  const admitted = admit(message, message.caller, snapshot, stages, progress);
  const refusal = admitted.ok ? await recordOpening(message, snapshot, stages, progress) : admitted.refusal;
  if (refusal !== undefined)
    return { ok: false, reply: await record(message, refused(refusal), { snapshot, stages, progress }) };
  const recordEnd = async (): Promise<void> => {
    try {
      await record(message, { kind: 'text', text: '' }, { snapshot, stages, progress });
    } catch (error) {
      stages.onBug(error, message.id);
    }
  };
  return { ok: true, close: () => void recordEnd() };
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
export async function runDone(message: Identified, snapshot: Snapshot, stages: Stages): Promise<Reply> {
  const progress: Progress = { caller: message.caller };
  return record(message, { kind: 'text', text: '' }, { snapshot, stages, progress });
}

/** The stages, and the snapshot in force. */
export interface Road {
  readonly snapshot: Snapshot;
  readonly stages: Stages;
}

/** The short road of what could not be decoded: it is recorded with its caller. */
export async function runRefused(message: Received, refusal: Refusal, road: Road): Promise<Reply> {
  const { identity } = message;
  // An unknown caller learns nothing of what the gateway thinks of the message.
  if (!identity.ok) return record(message, refused(identity.refusal), { ...road, progress: {} });
  return record(message, refused(refusal), { ...road, progress: { caller: identity.value } });
}

function refused(refusal: Refusal): Reply {
  return { kind: 'refused', refusal };
}
