/** Steps of the road that ask a stage and keep what it answers for the record. */

import { messageOf } from '../protocol/result.ts';
import type { BreakerCall } from './contracts/breaker.ts';
import type { Admission } from './contracts/limit.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import type { Allowed, Inspected, Intended, Limited, Received, Reply, Resolved } from './exchange.ts';
import { factsOf, type Progress } from './facts.ts';
import { withArguments } from './inspect.ts';
import { outOfService } from './out-of-service.ts';
import { failureRefusal, type Outcome, pass, refuse } from './refusal.ts';
import { lostRight } from './rights.ts';
import type { Stages } from './stages.ts';

/** What a step needs beside the exchange. */
export interface Step {
  readonly snapshot: Snapshot;
  readonly stages: Stages;
  readonly progress: Progress;
}

/** Stage 8. A rule holds the call: a person decides about exactly this one. */
export async function approve(
  exchange: Inspected,
  { snapshot, stages, progress }: Step,
): Promise<Outcome<Allowed<Inspected>>> {
  const approved = await stages.approve(exchange, snapshot);
  if (approved.ok) {
    progress.resolved = progress.decided = approved.value;
    const { approval } = approved.value;
    if (approval !== undefined) {
      progress.spent = approval;
      progress.approval = { id: approval.id, verdict: `approved by ${approval.by.join(', ')}` };
    }
  } else if (exchange.heldBy !== undefined)
    // What a guardrail found is not kept while it was not approved.
    progress.resolved = progress.decided = withArguments(exchange, exchange.heldBy.keep);
  if (!approved.ok && 'id' in approved.refusal)
    progress.approval = { id: approved.refusal.id, verdict: approved.refusal.reason.replace('approval-', '') };
  return approved;
}

/** An approval is spent before the call is made: where it was not made, a person need not decide again. */
export function giveBack({ spent, forwarded }: Progress, reply: Reply, stages: Stages): void {
  // Once it was handed over, nothing says for sure that no server had a part of it.
  if (spent !== undefined && forwarded !== true && reply.kind === 'refused') stages.giveBack(spent);
}

/** What limits said, for the record. */
export function noteVerdicts(outcome: Outcome<Admission>, progress: Progress): void {
  const told = outcome.ok ? outcome.value : outcome.refusal;
  if ('verdicts' in told && told.verdicts !== undefined) progress.limits = told.verdicts;
}

/** Stage 6, the end. Answers at once unless the call has to wait for another one. */
export function limit(
  exchange: Allowed<Inspected>,
  { snapshot, stages, progress }: Step,
): Outcome<Limited<Allowed<Inspected>>> | Promise<Outcome<Limited<Allowed<Inspected>>>> {
  const { tellLimits } = exchange.channel;
  const conclude = (outcome: Outcome<Admission>): Outcome<Limited<Allowed<Inspected>>> => {
    tellLimits?.(stages.limitLevels(exchange, snapshot));
    noteVerdicts(outcome, progress);
    if (!outcome.ok) return outcome;
    progress.admission = outcome.value.lease;
    return pass(exchange as Limited<Allowed<Inspected>>);
  };
  const limiting = stages.limit(exchange, snapshot);
  return limiting instanceof Promise ? limiting.then(conclude) : conclude(limiting);
}

/**
 * A call that waited for room: the revision, the credential and the definition of now decide whether it is made, whatever
 * they were when it came.
 */
export async function afterWaiting(exchange: Limited<Allowed<Inspected>>, { rights }: Stages): Promise<Outcome<void>> {
  const caller = rights.renew(exchange.caller);
  if (caller === undefined)
    return refuse({ reason: 'right-ended', cause: 'credential', detail: 'the credential has ended' });
  const snapshot = rights.snapshot();
  const lost = lostRight(exchange, caller, snapshot);
  if (lost !== undefined) return refuse({ reason: 'right-ended', ...lost });
  const { capability, upstream, tool } = exchange;
  if (capability.type !== 'tool' && capability.type !== 'prompt') return pass(undefined);
  const catalog = snapshot.catalog(upstream.server, upstream);
  const reading = catalog.read(capability.type === 'tool' ? 'tools' : 'prompts');
  const read = reading instanceof Promise ? await reading : { ok: true as const, listed: reading };
  if (!read.ok) return refuse(failureRefusal(upstream.server, read.failure));
  const definition = read.listed.byName.get(capability.name);
  const isSame = definition !== undefined && (tool === undefined || catalog.facts(definition).digest === tool.digest);
  if (isSame) return pass(undefined);
  return refuse({ reason: 'right-ended', cause: 'rule', detail: 'it has another definition now, or none' });
}

/** The end of stage 6: of a server that is left alone, one call at a time tries whether it answers again. */
export function enter(
  exchange: Limited<Allowed<Inspected>>,
  { snapshot, stages, progress }: Step,
): Outcome<Limited<Allowed<Inspected>>> {
  // It may have waited, for a person or for room, and what was taken out of service meanwhile gets no call.
  const now = stages.rights.snapshot();
  const switchedOff = now === snapshot ? undefined : outOfService(now, exchange.upstream.server);
  if (switchedOff !== undefined) return refuse(switchedOff);
  const entered = snapshot.breaker.enter(breakerCallOf(exchange));
  if (!entered.ok) return entered;
  if (entered.value !== undefined) progress.probe = entered.value;
  return pass(exchange);
}

/** What the end of a call says of its server. */
export function tellBreaker(message: Received, reply: Reply, { snapshot, progress }: Omit<Step, 'stages'>): void {
  const { breaker } = snapshot;
  const { caller, resolved, probe, forwarded = false } = progress;
  if (message.operation !== 'call' || caller === undefined) return;
  if (resolved !== undefined) breaker.saw(breakerCallOf(resolved), reply, { probe, forwarded });
  else if (reply.kind === 'refused' && 'server' in reply.refusal)
    breaker.saw({ server: reply.refusal.server, caller, started: message.started }, reply, { forwarded });
}

function breakerCallOf({ upstream, capability, caller, method, started }: Resolved): BreakerCall {
  return {
    server: upstream.server,
    caller,
    part: capability.type === 'tool' ? capability.name : method,
    started,
  };
}

/** Stage 9. Answers at once where the record need not be durable before the call. */
export function intend(
  exchange: Limited<Allowed<Inspected>>,
  { snapshot, stages, progress }: Step,
): Outcome<Intended> | Promise<Outcome<Intended>> {
  progress.intended = factsOf(exchange, snapshot, progress);
  const written = stages.audit.intend(progress.intended);
  if (written === undefined) return pass(exchange as Intended);
  return written.then(
    () => pass(exchange as Intended),
    (error: unknown) => refuse({ reason: 'record-unavailable', detail: text(error) }),
  );
}

export function text(error: unknown): string {
  return messageOf(error);
}
