/** Lets a legacy session hear of the servers behind its endpoint, as soon as it has a stream to be told over. */
import type { Caller } from '../pipeline/caller.ts';
import type { Identified } from '../pipeline/exchange.ts';
import type { Front } from './front.ts';
import { type Arrival, unreadable } from './received.ts';
import type { Hearing, LegacySession } from './session.ts';

export function hear(session: LegacySession, came: Arrival, caller: Caller, front: Front): Hearing {
  const message = unreadable(came, { ok: true, value: caller }, 0, '(stream)');
  const exchange: Identified = { ...message, caller, client: { ...session.claims, era: 'legacy', session } };
  return front.subscribe(exchange, (method, params) => session.tell(method, params));
}
