/** Stage 12: what became of an exchange is written into its record, and what it took of limits is settled. */
import type { ExchangeEnd, ExchangeFacts } from './contracts/audit.ts';
import type { Use } from './contracts/limit.ts';
import { reasonOf } from './denial.ts';
import type { Received, Reply } from './exchange.ts';
import { endOf, factsOf, outcomeOf, type Progress, unrecorded } from './facts.ts';
import type { Refusal } from './refusal.ts';
import { type Step, text } from './steps.ts';

interface Ended {
  readonly facts: ExchangeFacts;
  readonly end: ExchangeEnd;
  readonly reply: Reply;
  /** With its result written once. */
  readonly written: Reply;
}

/** Answers at once where the record need not be durable before the reply. */
export function record(message: Received, reply: Reply, { snapshot, stages, progress }: Step): Reply | Promise<Reply> {
  let ended: Ended;
  try {
    const facts = progress.intended ?? factsOf(message, snapshot, progress);
    ended = { facts, reply, ...concluded(message, reply, { stages, progress }) };
  } catch (error) {
    settle(progress, { bytesIn: message.bytesIn, bytesOut: 0, cost: 0, outcome: 'unknown' });
    throw error;
  }
  const conclude = (unwritten?: string): Reply => {
    try {
      return recorded(ended, { stages, progress }, unwritten);
    } finally {
      settle(progress, useOf(message, ended));
    }
  };
  try {
    const keeping = stages.audit.end(ended.facts, ended.end, progress.intended !== undefined);
    if (keeping !== undefined)
      return keeping.then(
        () => conclude(),
        (error: unknown) => conclude(text(error)),
      );
  } catch (error) {
    return conclude(text(error));
  }
  return conclude();
}

/** The reply, or what its client is told where there is no record of it. */
function recorded(
  { facts, end, written, reply }: Ended,
  { stages, progress }: Omit<Step, 'snapshot'>,
  unwritten?: string,
): Reply {
  if (unwritten === undefined) {
    stages.observe(facts, end);
    return written;
  }
  const refusal = unrecorded(progress, reply, unwritten);
  const { reason } = refusal;
  stages.observe(facts, { ...end, outcome: outcomeOf(refusal, progress), reason, detail: unwritten });
  return refused(refusal);
}

function settle({ lease, admission }: Progress, use: Use): void {
  lease?.settle(use);
  admission?.settle(use);
}

function useOf({ bytesIn }: Received, { facts, end, reply }: Ended): Use {
  const { bytesOut, outcome } = end;
  const { cost = 0 } = facts;
  const reason = reasonOf(reply);
  return { bytesIn, bytesOut, cost, outcome, ...(reason !== undefined && { reason }) };
}

/** A reply that cannot be written is a bug, and its exchange leaves a record like every other. */
function concluded(
  message: Received,
  reply: Reply,
  { stages, progress }: Omit<Step, 'snapshot'>,
): ReturnType<typeof endOf> {
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
