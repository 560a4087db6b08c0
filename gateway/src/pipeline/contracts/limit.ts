/**
 * The contract of stage 6: a limit gives an exchange room for as long as it lasts, or refuses it. `stages/limits/` has the
 * ordered list.
 */
import type { Operation } from '../../protocol/methods.ts';
import type { Outcome } from '../refusal.ts';
import type { ExchangeEnd } from './audit.ts';
import type { Caller } from './caller.ts';
import type { RoadBounds } from './snapshot.ts';

/** Room for one exchange under the limits that apply to its caller. */
export interface Lease {
  /** Gives the room back. Called once, when the record of the exchange is written. */
  settle(use: Use): void;
}

/** What an exchange took of the limits. Sizes in bytes. */
export interface Use {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cost: number;
  readonly outcome: ExchangeEnd['outcome'];
}

/** What a limit decides on. */
export interface Demand {
  readonly caller: Caller;
  readonly operation: Operation;
  readonly bounds: RoadBounds;
}

/** One limit, for the life of the process: a new revision brings new bounds and keeps what was counted. */
export interface Limit {
  /** A refusal leaves nothing counted. */
  admit(demand: Demand): Outcome<Lease>;
}
