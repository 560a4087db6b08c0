/**
 * What the road asks of the circuit breaker, and tells it: calls to a server or tool that fails are refused at once for a
 * while. `stages/limits/breaker/` implements it.
 */
import type { Reply } from '../exchange.ts';
import type { Outcome, Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';

/** A call, for as long as it lasts. */
export interface BreakerCall {
  readonly server: string;
  readonly caller: Caller;
  /** The name of its tool, or its method; absent where it is not known yet. */
  readonly part?: string;
  /** Monotonic milliseconds. */
  readonly started: number;
}

/** The one call that tries whether the server answers again. Its end closes the circuit, or opens it for longer. */
export interface Probe {
  readonly circuits: readonly object[];
}

export interface Breaker {
  /** Why a call is not looked at now. Takes no probe. */
  refusal(call: BreakerCall): Refusal | undefined;
  /** The call is about to leave. Where it is the probe, `saw` is told of it. */
  enter(call: BreakerCall): Outcome<Probe | undefined>;
  /** How a call ended. `forwarded`: it was handed to the server. */
  saw(call: BreakerCall, reply: Reply, how: { readonly probe?: Probe | undefined; readonly forwarded: boolean }): void;
}
