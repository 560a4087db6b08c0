/** What the record says of an exchange: what was known of it, how far it came, and how it ended. */

import type { Checks } from './checks.ts';
import type { SpentApproval } from './contracts/approval.ts';
import type { ExchangeEnd, ExchangeFacts, Verdict } from './contracts/audit.ts';
import type { Probe } from './contracts/breaker.ts';
import type { Caller } from './contracts/caller.ts';
import type { Lease } from './contracts/limit.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import { argumentsOf } from './decide.ts';
import { mayBeMade } from './denial.ts';
import type { Admitted, Decided, Received, Reply, Resolved, UnresolvedTarget } from './exchange.ts';
import type { Reason, Refusal } from './refusal.ts';

/** How far an exchange has come: filled in along the road, read when its record is written. */
export interface Progress {
  caller?: Caller;
  lease?: Lease;
  checks?: Checks;
  /** What a person approved, spent on this call. */
  spent?: SpentApproval;
  /** What became of its approval, where a rule holds it. */
  approval?: { readonly id: string; readonly verdict: string };
  /** Room under the limits of the policy. */
  admission?: Lease;
  /** What these said, where it was not yes. */
  limits?: readonly Verdict[];
  /** A call that goes to a server, or is refused on the way there. */
  called?: Admitted;
  resolved?: Resolved;
  /** Its session, or process, makes no room for those of others until then: a call may wait for a person, a limit or the disk. */
  release?: () => void;
  /** Instead of `resolved`, when stage 4 or a limit before it ended the exchange. */
  unresolved?: UnresolvedTarget | undefined;
  decided?: Decided;
  /** The facts of the intent, which the outcome repeats. */
  intended?: ExchangeFacts;
  /** The call tries whether its server answers again. */
  probe?: Probe;
  /** The call was handed to its server. */
  forwarded?: boolean;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Everything known of an exchange when its record is written. */
export function factsOf(message: Received, snapshot: Snapshot, progress: Progress): ExchangeFacts {
  const { client } = message;
  const { resolved, unresolved } = progress;
  const facts: Mutable<ExchangeFacts> = {
    id: message.id,
    at: message.at,
    revision: snapshot.revision,
    direction: 'client-to-server',
    transport: message.transport,
    era: client.era,
    method: message.method,
    bytesIn: message.bytesIn,
  };
  if (message.address !== undefined) facts.address = message.address;
  if (progress.caller !== undefined) facts.caller = progress.caller;
  if (client.info !== undefined) facts.client = client.info;
  if (client.session !== undefined) facts.session = client.session.digest;
  if (progress.limits !== undefined) facts.limits = progress.limits;
  if (resolved === undefined) {
    if (message.endpoint.kind === 'server') facts.server = message.endpoint.server;
    if (message.operation === 'call') facts.arguments = message.params;
    return unresolved === undefined ? facts : soughtFacts(facts, unresolved, message);
  }
  facts.server = resolved.upstream.server;
  facts.connections = resolved.grants.connections;
  facts.capability = resolved.capability;
  facts.arguments = argumentsOf(resolved) ?? {};
  if (resolved.tool !== undefined) {
    facts.tier = resolved.tool.tier;
    if (resolved.tool.tags.length > 0) facts.tags = resolved.tool.tags;
    facts.definition = resolved.tool.digest;
    if (resolved.tool.cost !== undefined) facts.cost = resolved.tool.cost;
  } else facts.tier = 'read';
  if (progress.approval !== undefined) facts.approval = progress.approval;
  if (progress.decided !== undefined) facts.decision = progress.decided.decision;
  const checks = progress.checks?.take();
  if (checks !== undefined && checks.length > 0) facts.checks = checks;
  return facts;
}

function soughtFacts(facts: Mutable<ExchangeFacts>, unresolved: UnresolvedTarget, message: Received): ExchangeFacts {
  if (unresolved.server === undefined) delete facts.server;
  else facts.server = unresolved.server;
  facts.connections = unresolved.connections;
  if (unresolved.asked !== undefined) facts.asked = unresolved.asked;
  if (unresolved.tier !== undefined) facts.tier = unresolved.tier;
  if (unresolved.tags !== undefined && unresolved.tags.length > 0) facts.tags = unresolved.tags;
  if (unresolved.decision !== undefined) facts.decision = unresolved.decision;
  if (unresolved.capability === undefined) return facts;
  facts.capability = unresolved.capability;
  facts.arguments = argumentsOf(message) ?? {};
  return facts;
}

/** Refusals of `forward` that it gives before the server has the call. */
const unsent: ReadonlySet<Reason> = new Set(['state-invalid', 'bad-params', 'account-required']);

/**
 * The refusal that replaces a reply whose record cannot be written. Clients repeat a call that is reported as not made, so
 * that is said only where the server never had it.
 */
export function unrecorded({ forwarded }: Progress, reply: Reply, detail: string): Refusal {
  const ended = reply.kind === 'refused' ? reply.refusal.reason : undefined;
  if (forwarded !== true || (ended !== undefined && unsent.has(ended))) return { reason: 'record-unavailable', detail };
  return { reason: 'result-unrecorded', answered: ended === undefined, detail };
}

/** `unknown`: the server may have had the call, and its caller did not get the end. */
export function outcomeOf(refusal: Refusal, { forwarded }: Progress): 'cancelled' | 'unknown' | 'refused' {
  const { reason } = refusal;
  if (reason === 'cancelled') return 'cancelled';
  return mayBeMade(refusal) || (reason === 'internal' && forwarded === true) ? 'unknown' : 'refused';
}

/** How the exchange ended, and the reply with its result written once, for the record and for the client. */
export function endOf(
  message: Received,
  reply: Reply,
  progress: Progress,
): { readonly end: ExchangeEnd; readonly written: Reply } {
  const latency = Math.round((performance.now() - message.started) * 1_000);
  const checks = progress.checks?.take() ?? [];
  const base = { at: Date.now(), latency, bytesOut: 0, ...(checks.length > 0 && { checks }) };
  switch (reply.kind) {
    case 'result': {
      const { result, source } = reply;
      const resultText = source?.of === result ? source.text : JSON.stringify(result);
      const outcome = result.isError === true ? 'tool-error' : 'answered';
      const end: ExchangeEnd = { ...base, outcome, resultText, bytesOut: resultText.length };
      return { end, written: { kind: 'text', text: resultText } };
    }
    case 'text':
      return { end: { ...base, outcome: 'answered', bytesOut: reply.text.length }, written: reply };
    case 'pieces': {
      const bytesOut = reply.before.length + reply.middle.length + reply.after.length;
      return { end: { ...base, outcome: 'answered', bytesOut }, written: reply };
    }
    case 'error': {
      const { code, message: said } = reply.said ?? reply.error;
      const error = { code, message: said };
      return { end: { ...base, outcome: 'error', error }, written: reply };
    }
    case 'refused': {
      const { refusal } = reply;
      const outcome = outcomeOf(refusal, progress);
      const end: Mutable<ExchangeEnd> = { ...base, outcome, reason: refusal.reason };
      if ('cause' in refusal) end.cause = refusal.cause;
      if ('detail' in refusal) end.detail = refusal.detail;
      return { end, written: reply };
    }
  }
}
