/** Calls that the gateway makes at a server for itself. */
import { Cancellation } from '../pipeline/cancellation.ts';
import type { OutboundCall, Step } from '../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../protocol/json.ts';
import { timedOut } from './failures.ts';
import type { Peer } from './peer.ts';

/** It offers nothing and wants no notification. */
export function ownCall(method: string, params: JsonObject, cancellation: Cancellation): OutboundCall {
  return {
    method,
    params,
    capabilities: {},
    own: true,
    progress: false,
    mirrored: [],
    cancellation,
    onNotification: () => {},
  };
}

/** One that the server may refuse for itself alone: that it has forgotten the session is found out by the next call. */
export async function tell(
  peer: Peer,
  { method, params }: { readonly method: string; readonly params: JsonObject },
): Promise<Step> {
  const step = await peer.call(ownCall(method, params, new Cancellation()));
  if (step.kind === 'failed' && 'forgotten' in step.failure) peer.sessionLost = false;
  return step;
}

/** One with a time limit of its own, in milliseconds. */
export async function askWithin(
  peer: Peer,
  { method, params = {} }: { readonly method: string; readonly params?: JsonObject },
  timeMs: number,
): Promise<Step> {
  const cancellation = new Cancellation();
  const timer = setTimeout(() => cancellation.cancel(), timeMs);
  const step = await peer.call(ownCall(method, params, cancellation));
  clearTimeout(timer);
  return step.kind === 'failed' && step.failure.kind === 'cancelled'
    ? { kind: 'failed', failure: timedOut(`did not answer ${method} within ${timeMs} ms`) }
    : step;
}
