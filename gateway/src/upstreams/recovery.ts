/**
 * What is done about a call that a server refused in a way that may concern the connection: the server has forgotten its
 * session, or was replaced by one of another era. A call that is made again may be run twice, and sessions that are begun
 * without need are lost to other calls, so that the server is asked first where its answer may mean something else.
 */
import type { OutboundCall, Step, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Connected } from './connected.ts';
import { seemsForgotten } from './failures.ts';
import { askWithin } from './own-call.ts';
import type { AllRenewals, Renewals } from './renewals.ts';
import type { Server } from './server.ts';

type Unsuccessful = Step & { readonly kind: 'failed' | 'error' };

/** What of a session is needed for it. */
export interface Recovering {
  /** What the call was made over. */
  readonly connected: Connected;
  readonly server: Server;
  readonly renewals: AllRenewals;
  /** Another one than `connected` once a call has dropped that. */
  readonly current: () => Connected | undefined;
  /** The next call begins a connection. False where another call has dropped this one. */
  readonly drop: () => boolean;
  /** The call, made once more. */
  readonly again: () => Promise<Step>;
}

/** With the renewals that count for what the call was refused with. */
interface Renewing extends Omit<Recovering, 'renewals'> {
  readonly renewals: Renewals;
}

/** The step itself, or that of the call made once more. */
export function recovered(step: Unsuccessful, call: OutboundCall, recovering: Recovering): Step | Promise<Step> {
  const { connected, server } = recovering;
  const session = { ...recovering, renewals: recovering.renewals.refusals };
  if (!server.isHttp) return step;
  if (step.kind === 'error') return seemsForgotten(step) ? afterDoubt(step, session) : step;
  const { failure } = step;
  if ('forgotten' in failure && failure.forgotten === 'perhaps') return afterDoubt(step, session);
  if ('forgotten' in failure || connected.peer.sessionLost) return afterLoss(step, session);
  if (failure.kind !== 'unavailable' || failure.status === undefined) return step;
  if (failure.status >= 500 && connected.facts.era === 'legacy')
    return afterError(step, call, { ...recovering, renewals: recovering.renewals.errors });
  return [400, 404, 405].includes(failure.status) ? afterRefusal(step, session) : step;
}

async function afterLoss(step: Unsuccessful & { readonly kind: 'failed' }, session: Renewing): Promise<Step> {
  if (!mayDrop(session)) {
    const { peer } = session.connected;
    peer.sessionLost = false;
    if (!isSure(await askHarmless(session.connected, session.server), session)) return step;
  }
  const isDropped = dropped(session);
  // Where another request has shown it, this call is made once more only if nothing of it was run.
  return 'forgotten' in step.failure || isUnrun(step.failure) ? onceMore(session, isDropped) : step;
}

/** Has the server not run a call that failed so? It may have, of one that was cut off, was late or had too long an answer. */
function isUnrun(failure: UpstreamFailure): boolean {
  return failure.kind === 'unavailable' && failure.sent === undefined;
}

/** Was the connection dropped, or may it be? Not where several were begun in vain. */
function mayDrop({ current, renewals, connected }: Renewing): boolean {
  return current() !== connected || renewals.areLeft;
}

/** Is the session forgotten for certain? This server answers a harmless request in one that it knows. */
function isSure(asked: Step, { renewals, connected }: Renewing): boolean {
  const isForgotten = seemsForgotten(asked) && renewals.areTold;
  if (!isForgotten) connected.peer.sessionLost = false;
  return isForgotten;
}

/** True where this call is the one that drops it. */
function dropped({ drop, renewals }: Renewing): boolean {
  const isFirst = drop();
  if (isFirst) renewals.take();
  return isFirst;
}

async function onceMore(session: Renewing, isDropped: boolean): Promise<Step> {
  const step = await session.again();
  const connected = session.current();
  // What is refused in a session that has just begun may not be refused for the session.
  if (isRefusedAnew(step) && connected !== undefined) connected.peer.sessionLost = false;
  if (isDropped && !isRefusedAnew(step)) session.renewals.helped();
  return step;
}

/** Finds out, in a session that was begun anew, whether the server answers a harmless request in one that it knows. */
export function learn(connected: Connected, server: Server, renewals: AllRenewals): void {
  const { refusals, errors } = renewals;
  if (!refusals.areNew && !errors.areNew) return;
  refusals.areNew = false;
  errors.areNew = false;
  inBackground('ask a new session', learned(connected, server, renewals));
}

async function learned(connected: Connected, server: Server, { refusals, errors }: AllRenewals): Promise<void> {
  const asked = await askHarmless(connected, server);
  if (isAnswer(asked)) {
    refusals.areTold = true;
    errors.areTold = true;
    return;
  }
  connected.peer.sessionLost = false;
  // It may be another server by now. One that is down, or late, says nothing of how it answers at other times.
  if (seemsForgotten(asked)) refusals.areTold = false;
  if (asked.kind !== 'failed' || 'status' in asked.failure) errors.areTold = false;
}

/** Does the server know the session, whatever it says to the request itself? */
function isAnswer(asked: Step): boolean {
  return asked.kind === 'result' || (asked.kind === 'error' && !seemsForgotten(asked));
}

function isRefusedAnew(step: Step): boolean {
  return (
    seemsForgotten(step) || (step.kind === 'failed' && 'status' in step.failure && (step.failure.status ?? 0) >= 500)
  );
}

/**
 * A server that answers a ping with an error as well has forgotten the session, or is down: the next call begins a new
 * one. This call may have been run; it is made once more where that does no harm.
 */
async function afterError(step: Unsuccessful, call: OutboundCall, session: Renewing): Promise<Step> {
  const pinged = await askHarmless(session.connected, session.server);
  if (isAnswer(pinged)) session.renewals.areTold = true;
  if (pinged.kind !== 'failed' || !(mayDrop(session) || session.renewals.areTold)) return step;
  const isDropped = dropped(session);
  return call.method !== 'tools/call' || call.isSafe === true ? onceMore(session, isDropped) : step;
}

/**
 * The error speaks of a session, which may be one of the tool, and the call was run then; or the status may be about the
 * arguments, and the session lives. Only a server that refuses a harmless request so as well has forgotten ours, and has
 * not run what it refuses in this way.
 */
async function afterDoubt(step: Unsuccessful, session: Renewing): Promise<Step> {
  const { connected, server } = session;
  const asked = await askHarmless(connected, server);
  // What has a status of its own for it would not say it in words.
  const saysSo = step.kind === 'error' ? asked.kind === 'error' && seemsForgotten(asked) : seemsForgotten(asked);
  if (isAnswer(asked)) session.renewals.areTold = true;
  if (!saysSo && !connected.peer.sessionLost) return step;
  if (!mayDrop(session) && !isSure(asked, session)) return step;
  const isDropped = dropped(session);
  // A modern server has no sessions: this one was replaced by one that has.
  if (isDropped && connected.facts.era === 'modern') server.eras.forget();
  return saysSo ? onceMore(session, isDropped) : step;
}

/**
 * The server may be of another era now; or this request alone was refused, as by a proxy that finds its headers too long,
 * and the calls that others have under way on this connection must not end with it.
 */
async function afterRefusal(step: Unsuccessful, session: Renewing): Promise<Step> {
  const { connected, server } = session;
  const asked = await askHarmless(connected, server);
  if (asked.kind !== 'result' && mayDrop(session) && dropped(session)) server.eras.forget();
  return step;
}

/** What every server of the era of this connection answers, and that changes nothing. */
export function askHarmless({ peer, facts }: Connected, server: Server): Promise<Step> {
  const method = facts.era === 'modern' ? 'server/discover' : 'ping';
  return askWithin(peer, { method }, server.pingTimeout);
}
