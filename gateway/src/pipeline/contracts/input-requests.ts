/**
 * Input requests of servers on their way to modern clients, whose answer comes with a later, independent request
 * (2026-07-28, MRTR). `stages/resume/` implements it.
 */
import type { JsonObject } from '../../protocol/json.ts';
import type { Delivered } from '../deliver.ts';
import type { Resumed } from '../exchange.ts';
import type { Outcome } from '../refusal.ts';
import type { InputRequired } from './upstream.ts';

/** Input requests of a server, by the key that the server gave each. */
export type DeliveredRequests = Readonly<
  Record<string, { readonly method: string; readonly params: Delivered<JsonObject> }>
>;

/**
 * What a request says about the input requests that it answers. `state`: for the server itself, with its own state, opened.
 * `parked`: for the call that waits under this id. `expiresAt`: milliseconds since the epoch. `round`: how often the server
 * has asked during this call. `messages`: what it asked the last time, for a person who decides about the answers.
 */
export type Resumption = {
  readonly id: string;
  readonly expiresAt: number;
  readonly round: number;
  readonly messages: JsonObject;
} & ({ readonly kind: 'state'; readonly state: string | undefined } | { readonly kind: 'parked' });

export interface InputRequests {
  /** The result that puts the input requests to a modern client. `lifetimeMs`: how long an answer is taken. */
  issue(
    exchange: Resumed,
    inputRequired: InputRequired,
    requests: DeliveredRequests,
    lifetimeMs: number,
  ): Outcome<Delivered<JsonObject>>;
  /** The call that waits. One answer each: a second request with the same state finds nothing. */
  take(id: string): Outcome<InputRequired>;
}
