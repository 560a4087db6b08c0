/**
 * What is done about a call that a server refused in a way that may concern the connection: the server has forgotten its
 * session, or was replaced by one of another era. A connection that is dropped takes all calls on it along, and a call
 * that is made again may be run twice, so that the server is asked first where its answer may mean something else.
 */
import type { OutboundCall, Step, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import type { Connected } from './connected.ts';
import { mayMeanForgotten } from './failures.ts';
import { askWithin } from './own-call.ts';
import type { Server } from './server.ts';

type Unsuccessful = Step & { readonly kind: 'failed' | 'error' };

/** What of a session is needed for it. */
export interface Recovering {
  /** What the session has now. */
  readonly connected: Connected | undefined;
  readonly server: Server;
  /** False once another call has dropped this connection. */
  isCurrent(connected: Connected): boolean;
  /** The next call begins a connection. */
  drop(): void;
  call(call: OutboundCall): Promise<Step>;
}

/** The step itself, or that of the call made once more. */
export function recovered(step: Unsuccessful, call: OutboundCall, session: Recovering): Step | Promise<Step> {
  const { connected } = session;
  if (!session.server.isHttp) return step;
  if (step.kind === 'failed' && 'forgotten' in step.failure) {
    // Another call may have begun a new one meanwhile.
    if (connected?.peer.sessionLost === true) session.drop();
    return session.call(call);
  }
  if (connected === undefined) return step;
  if (step.kind === 'error') return mayMeanForgotten(step.error) ? afterDoubt(step, call, connected, session) : step;
  const { failure } = step;
  if (connected.peer.sessionLost) {
    session.drop();
    // Another request has shown it: this call is made once more only where nothing of it was run.
    return isUnrun(failure) ? session.call(call) : step;
  }
  if (failure.kind !== 'unavailable' || failure.status === undefined) return step;
  if (failure.status >= 500 && connected.facts.era === 'legacy') return afterError(step, call, connected, session);
  return [400, 404, 405].includes(failure.status) ? afterRefusal(step, connected, session) : step;
}

/** Has the server not run a call that failed so? It may have, of one that was cut off, was late or had too long an answer. */
export function isUnrun(failure: UpstreamFailure): boolean {
  return failure.kind === 'unavailable' && failure.sent === undefined;
}

/**
 * A server that answers a ping with an error as well has forgotten the session, or is down: the next call begins a new
 * one. This call may have been run; it is made once more where that does no harm.
 */
async function afterError(
  step: Unsuccessful,
  call: OutboundCall,
  connected: Connected,
  session: Recovering,
): Promise<Step> {
  const pinged = await askWithin(connected.peer, { method: 'ping' }, session.server.pingTimeout);
  if (pinged.kind !== 'failed' || !session.isCurrent(connected)) return step;
  session.drop();
  return call.method !== 'tools/call' || call.isSafe === true ? session.call(call) : step;
}

/**
 * The error speaks of a session, which may be one of the tool, and the call was run then: only a server that says so of a
 * harmless request as well has forgotten ours.
 */
async function afterDoubt(
  step: Unsuccessful,
  call: OutboundCall,
  connected: Connected,
  session: Recovering,
): Promise<Step> {
  const asked = await askHarmless(connected, session.server);
  const isForgotten = asked.kind === 'error' ? mayMeanForgotten(asked.error) : connected.peer.sessionLost;
  if (!isForgotten || !session.isCurrent(connected)) return step;
  session.drop();
  // A modern server has no sessions: this one was replaced by one that has.
  if (connected.facts.era === 'modern') session.server.eras.forget();
  return session.call(call);
}

/**
 * The server may be of another era now; or this request alone was refused, as by a proxy that finds its headers too long,
 * and the calls that others have under way on this connection must not end with it.
 */
async function afterRefusal(step: Unsuccessful, connected: Connected, session: Recovering): Promise<Step> {
  const asked = await askHarmless(connected, session.server);
  if (asked.kind === 'result' || !session.isCurrent(connected)) return step;
  session.drop();
  session.server.eras.forget();
  return step;
}

/** What every server of the era of this connection answers, and that changes nothing. */
export function askHarmless({ peer, facts }: Connected, server: Server): Promise<Step> {
  const method = facts.era === 'modern' ? 'server/discover' : 'ping';
  return askWithin(peer, { method }, server.pingTimeout);
}
