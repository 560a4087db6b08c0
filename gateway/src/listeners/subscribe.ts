/** Lets a legacy session hear of the servers behind its endpoint, as soon as it has a stream to be told over. */
import type { Identified } from '../pipeline/exchange.ts';
import type { ListenerContext } from './context.ts';
import { type Arrival, unreadable } from './received.ts';
import type { LegacySession, SessionSubscription } from './session.ts';

export function subscribe(session: LegacySession, arrival: Arrival, context: ListenerContext): SessionSubscription {
  const { caller } = session;
  const message = unreadable(arrival, { ok: true, value: caller }, { method: '(stream)' });
  const exchange: Identified = { ...message, caller, client: { ...session.claims, era: 'legacy', session } };
  // What is said on the stream is for the credential that opened it, and not for the one that began the session.
  return context.subscribe(
    exchange,
    () => context.renew(session.holder),
    (method, params) => session.tell(method, params),
  );
}
