/** What the answer to the call of a task says of its end. */
import { mayBeMade } from '../../pipeline/denial.ts';
import type { Reply } from '../../pipeline/exchange.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import { toWire } from '../../pipeline/wire-error.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { RpcError } from '../../protocol/jsonrpc.ts';

type Disposition = 'approved-executed' | 'denied-not-executed' | 'execution-error' | 'outcome-unknown';

/** How the call of a task ended. */
export interface Outcome {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly result?: JsonObject;
  readonly error?: RpcError;
  readonly disposition?: Disposition;
}

/** What the server asks before it goes on (2026-07-28, MRTR). */
export interface Asked {
  readonly inputRequests: JsonObject;
  readonly requestState?: string;
}

interface Ended {
  readonly outcome?: Outcome;
  readonly asked?: Asked;
}

/** A result that says that the call was not made, or that it is not known. */
export function told(text: string, disposition: Disposition): Outcome {
  const result = { resultType: 'complete', content: [{ type: 'text', text }], isError: true };
  return { status: 'completed', result, disposition };
}

/** How it ended, or what the server asks before it goes on. */
export function ended(reply: Reply, reference: string): Ended {
  const result = resultOf(reply);
  if (result !== undefined) {
    const { inputRequests, requestState } = result;
    if (result.resultType === 'input_required' && isObject(inputRequests))
      return { asked: { inputRequests, ...(typeof requestState === 'string' && { requestState }) } };
    const disposition = result.isError === true ? 'execution-error' : 'approved-executed';
    return { outcome: { status: 'completed', result, disposition } };
  }
  if (reply.kind === 'error')
    return { outcome: { status: 'failed', error: reply.error, disposition: 'execution-error' } };
  if (reply.kind !== 'refused') return {};
  const { refusal, note, resumed } = reply;
  // The task is over: its client never sees a state.
  const { error } = toWire(refusal, { era: 'modern', reference, note, resumed: resumed && 'over' });
  return {
    outcome: told(error.message, resumed !== true && isNotMade(refusal) ? 'denied-not-executed' : 'outcome-unknown'),
  };
}

/** For sure: a client repeats a call of which that is said. */
function isNotMade(refusal: Refusal): boolean {
  return !mayBeMade(refusal) && refusal.reason !== 'internal' && refusal.reason !== 'cancelled';
}

/** What `deliver` has let through, whichever way it was written. */
function resultOf(reply: Reply): JsonObject | undefined {
  switch (reply.kind) {
    case 'result':
      return reply.result;
    case 'text':
      return JSON.parse(reply.text) as JsonObject;
    case 'pieces':
      return JSON.parse(`${reply.before}${reply.middle.toString()}${reply.after}`) as JsonObject;
    case 'error':
    case 'refused':
      return undefined;
  }
}
