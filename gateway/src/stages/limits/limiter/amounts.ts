/** How much of a limit a call takes, before it is made and after. */
import type { LimitRule, Use } from '../../../pipeline/contracts/limit.ts';
import type { Demand } from '../../../state/contract/meters.ts';
import { costUnit } from '../rules/compile.ts';
import type { Call } from './limiter.ts';

/** Of an answer that is not there yet, in bytes, and at most this share of its budget. */
const reservedBytes = 65_536;
const reservedShare = 0.1;

/** What of a rule is counted: its whole units are so many. */
export function unitOf({ kind }: LimitRule): number {
  return kind.is === 'budget' && kind.of === 'cost' ? costUnit : 1;
}

/** What a call takes before it is made; `undefined`: the rule does not concern it. */
export function amountOf(
  { kind, quotaOf }: LimitRule,
  { bytesIn, cost, isResumed }: Pick<Call, 'bytesIn' | 'cost' | 'isResumed'>,
): number | undefined {
  if (kind.is === 'concurrency') return 1;
  // The server counts each request, and knows nothing of calls that go on.
  const isCounted = isResumed && quotaOf === undefined;
  if (kind.is === 'rate') return isCounted ? undefined : 1;
  switch (kind.of) {
    case 'calls':
      return isCounted ? undefined : 1;
    case 'cost':
      return isCounted || cost === 0 ? undefined : Math.round(cost * costUnit);
    case 'request':
      return bytesIn;
    case 'response':
      return reserved(kind.limit);
    case 'both':
      return bytesIn + reserved(kind.limit);
  }
}

function reserved(limit: number): number {
  return Math.min(reservedBytes, Math.max(1, Math.floor(limit * reservedShare)));
}

/** What a call used more, or less, than was taken for it. What was refused after all used neither cost nor answer. */
export function correctionOf({ kind }: LimitRule, { amount }: Demand, { bytesIn, bytesOut, outcome }: Use): number {
  if (kind.is === 'concurrency') return -1;
  if (kind.is === 'rate') return 0;
  switch (kind.of) {
    case 'calls':
    case 'request':
      return 0;
    case 'cost':
      return outcome === 'refused' ? -amount : 0;
    case 'response':
      return bytesOut - amount;
    case 'both':
      return bytesIn + bytesOut - amount;
  }
}
