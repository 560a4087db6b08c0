/** Puts the stages of the road together for one gateway. */

import { correlationId } from '../listeners/received.ts';
import type { AuditLog, ExchangeEnd } from '../pipeline/contracts/audit.ts';
import type { Admission, Limit, Use } from '../pipeline/contracts/limit.ts';
import type { Deliver } from '../pipeline/deliver.ts';
import type { Inspect } from '../pipeline/inspect.ts';
import { type Outcome, pass } from '../pipeline/refusal.ts';
import type { Rights } from '../pipeline/rights.ts';
import { runBare, type Stages } from '../pipeline/run.ts';
import type { Streams } from '../pipeline/streams.ts';
import { methods } from '../protocol/methods.ts';
import type { Approvals } from '../stages/approve/approve.ts';
import { createTasks, type TasksParts } from '../stages/approve/tasks.ts';
import { forward } from '../stages/forward/forward.ts';
import { SharedCalls } from '../stages/forward/shared-calls.ts';
import { admitTo, callOf } from '../stages/limits/exchange.ts';
import { type Limiter, unlimitedOutcome } from '../stages/limits/limiter/limiter.ts';
import type { Loops } from '../stages/limits/loops/loops.ts';
import { isConnectTool } from '../stages/local/account-tool.ts';
import { answerLocally } from '../stages/local/index.ts';
import { witnessed } from '../stages/record/witnessed.ts';
import { renewed, resolve } from '../stages/resolve/resolve.ts';
import { unresolvedTarget } from '../stages/resolve/unresolved.ts';
import type { ParkedRequests } from '../stages/resume/input-requests.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface StageParts {
  readonly limit: Limit;
  readonly limiter: Limiter;
  readonly loops: Loops;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly inputRequests: ParkedRequests;
  readonly streams: Streams;
  readonly rights: Rights;
  readonly deliver: Deliver;
  readonly inspect: Inspect;
  readonly approvals: Pick<Approvals, 'approve' | 'giveBack'>;
  readonly tasks: Omit<TasksParts, 'again' | 'newId'>;
  /** How an exchange with a server ended. */
  readonly saw: (server: string, end: ExchangeEnd) => void;
}

export function makeStages(parts: StageParts): Stages {
  const {
    limit,
    limiter,
    loops,
    audit,
    log,
    metrics,
    inputRequests,
    streams,
    rights,
    saw,
    deliver,
    inspect,
    approvals,
  } = parts;
  const tasks = createTasks({
    ...parts.tasks,
    again: (message) => runBare(message, rights.snapshot(), stagesOfTasks),
    newId: correlationId,
  });
  const sharedCalls = new SharedCalls(metrics.coalesced);
  metrics.table('shared_calls', () => sharedCalls.size);
  const stages: Stages = {
    tasks,
    audit,
    admit: (exchange, snapshot) => admitTo(limit, limiter, { exchange, snapshot, hasPlace: false }),
    limit(exchange, { limits }) {
      if (limits.all.length === 0) return unlimitedOutcome;
      const giveBack = inputRequests.claim(exchange);
      const limiting = limiter.admit(callOf(exchange, { isResumed: giveBack !== undefined }), limits);
      if (giveBack === undefined) return limiting;
      const conclude = (outcome: Outcome<Admission>): Outcome<Admission> => unlessSent(outcome, giveBack);
      return limiting instanceof Promise ? limiting.then(conclude) : conclude(limiting);
    },
    limitLevels: (exchange, { limits }) =>
      limits.all.length === 0 ? [] : limiter.levels(callOf(exchange, { isResumed: false }), limits),
    loops,
    isOwn: isConnectTool,
    resolve,
    resume: (exchange) => inputRequests.resume(exchange),
    isResumed: (message) => inputRequests.isResumed(message),
    keepAnswers: (message) => inputRequests.keepAnswers(message),
    renew: renewed,
    unresolvedTarget,
    rights,
    inspect,
    approve: approvals.approve,
    giveBack: approvals.giveBack,
    forward: (exchange, snapshot, standing) =>
      forward(witnessed(exchange, snapshot, audit), {
        inputRequests,
        bounds: snapshot.bounds,
        standing,
        deliver,
        inspect,
        sharedCalls,
      }),
    answerLocally: (exchange, snapshot, open) =>
      answerLocally(exchange, snapshot, { rights, streams, log, deliver, inspect, tasks, open }),
    observe(facts, end) {
      if (facts.connections !== undefined && facts.server !== undefined) saw(facts.server, end);
      metrics.observe({
        // A server that only the client named is not a label either.
        server: facts.connections === undefined ? '-' : (facts.server ?? '-'),
        method: labelOf(facts.method),
        outcome: end.reason ?? end.outcome,
        cause: end.cause,
        seconds: end.latency / 1_000_000,
      });
      if (end.outcome === 'refused' || end.outcome === 'unknown')
        log.info(
          {
            reference: facts.id,
            method: labelOf(facts.method),
            caller: facts.caller?.key,
            reason: end.reason,
            detail: end.detail,
          },
          end.outcome === 'refused' ? 'refused' : 'call may have been made',
        );
    },
    onBug: (error, reference) => log.error({ reference, err: error }, 'bug: please report it'),
  };
  // The `tasks/get` that makes the call waits for it, so that both are one request under way.
  const stagesOfTasks: Stages = {
    ...stages,
    admit: (exchange, snapshot) => admitTo(limit, limiter, { exchange, snapshot, hasPlace: true }),
  };
  return stages;
}

/** Where the call is not sent after all, at once or at its end, its state is still good for one. */
function unlessSent(outcome: Outcome<Admission>, giveBack: () => void): Outcome<Admission> {
  if (!outcome.ok) {
    giveBack();
    return outcome;
  }
  const { lease, ...admission } = outcome.value;
  const settle = (use: Use): void => {
    if (use.outcome === 'refused') giveBack();
    lease.settle(use);
  };
  return pass({ ...admission, lease: { settle } });
}

/** A method as a label of metrics and logs: what a client makes up counts as `other`. */
function labelOf(method: string): string {
  return methods.has(method) ? method : 'other';
}
