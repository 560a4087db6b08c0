/**
 * A transport carries JSON-RPC messages to one server and back. It knows bytes, statuses and processes; it knows nothing of
 * calls. The peer above it knows nothing of bytes.
 */

import type { UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import type { JsonLimits } from '../protocol/json.ts';
import type { Message, RequestId } from '../protocol/jsonrpc.ts';

/** How the JSON of servers is read: as they write it, and with the text of the result at hand. */
export const reading = { looseText: true, member: 'result' } as const;

export interface AnswerLimits extends JsonLimits {
  readonly values: number;
  readonly keys: number;
  readonly looseText: true;
  readonly member: 'result';
}

export interface TransportEvents {
  /**
   * `request`: the request in whose answer the message came, where the transport tells. `resultText`: the result as the
   * server wrote it, where that text can be used as it is.
   */
  onMessage(message: Message, bytes: number, request: RequestId | undefined, resultText: string | undefined): void;
  /** This request will get no answer. `sessionLost`: the server has forgotten the session. */
  onRequestFailed(id: RequestId, failure: UpstreamFailure, sessionLost: boolean): void;
  /** Nothing will come over this transport any more. */
  onDown(detail: string): void;
}

/** Which connections a request takes one of: an answer that stays open must not take those of calls. */
export type Budget = 'calls' | 'streams';

/** What HTTP needs to know of a request beside its text. */
export interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly budget: Budget;
  /** Key of the caller, for its part of the connections; absent where the gateway asks for itself. */
  readonly caller?: string | undefined;
}

export interface Abandon {
  /** False when the server has not heard of it: nothing of the request has left. */
  abort(): boolean;
}

export interface Transport {
  /** Modern era: a call is cancelled by a notification (stdio), not by closing its stream (HTTP). */
  readonly cancelsByNotification: boolean;
  /**
   * Sends a request whose answer comes through the events. What is returned stops listening for the answer; a transport on
   * which that is impossible returns nothing.
   */
  request(id: RequestId, text: string, sending: Sending): Abandon | undefined;
  /**
   * Sends a notification or a response. Failures are not reported: no caller could act on them. `caller`: as in `Sending`, of
   * the call that it is about.
   */
  send(text: string, caller?: string): void;
  /** Counts the streams over which messages that belong to no request are heard; 0 while there is none. */
  readonly hearing: number;
  /** Legacy Streamable HTTP: opens the stream for messages that belong to no request. */
  openStream(): void;
  /** The handshake is over: this version was agreed. */
  agreed(version: string): void;
  close(): Promise<void>;
}
