/** Lets a legacy session hear of the servers behind its endpoint, as soon as it has a stream to be told over. */
import type { Identified } from '../pipeline/exchange.ts';
import type { Front } from './context.ts';
import { type Arrival, unreadable } from './received.ts';
import type { Hearing, LegacySession } from './session.ts';

export function hear(session: LegacySession, came: Arrival, front: Front): Hearing {
  const { caller } = session;
  const message = unreadable(came, { ok: true, value: caller }, 0, '(stream)');
  const exchange: Identified = { ...message, caller, client: { ...session.claims, era: 'legacy', session } };
  // What is said on the stream is for the credential that opened it, and not for the one that began the session.
  return front.subscribe(
    exchange,
    () => front.renew(session.holder),
    (method, params) => session.tell(method, params),
  );
}
