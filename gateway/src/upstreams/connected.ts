/** A connection to a server after its handshake. */
import type { ServerFacts, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import type { Peer } from './peer.ts';

export interface Connected {
  readonly peer: Peer;
  readonly facts: ServerFacts;
}

export type ConnectResult =
  | { readonly ok: true; readonly connected: Connected }
  | { readonly ok: false; readonly failure: UpstreamFailure };
