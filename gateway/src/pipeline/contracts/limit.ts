/**
 * The contract of stage 6: a limit gives an exchange room for as long as it lasts, or refuses it. `stages/limits/` has the
 * ordered list.
 */
import type { Operation } from '../../protocol/methods.ts';
import type { Outcome, Reason } from '../refusal.ts';
import type { ExchangeEnd, Verdict } from './audit.ts';
import type { Caller } from './caller.ts';
import type { Grants, Tier } from './policy.ts';
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
  /** Of a refusal. */
  readonly reason?: Reason;
}

/** Room under the limits of the policy. */
export interface Admission {
  readonly lease: Lease;
  /** What limits said that only observe; absent where that is nothing. */
  readonly verdicts?: readonly Verdict[];
}

/** What a limit has left, for the client. */
export interface LimitLevel {
  readonly name: string;
  /** Requests, unless `unit` says otherwise. */
  readonly quota: number;
  readonly unit?: 'content-bytes' | 'concurrent-requests';
  readonly windowSeconds?: number;
  readonly remaining: number;
  /** Until more is left. */
  readonly resetSeconds?: number;
}

/** What a limit decides on. */
export interface Demand {
  readonly caller: Caller;
  readonly address?: string | undefined;
  readonly operation: Operation;
  /** Where it leads, as far as its words say: a server, or what the alias that it names begins with. */
  readonly server?: string | undefined;
  /** It is made for a request of the caller that waits for it, and that has a place already. */
  readonly hasPlace: boolean;
  readonly bounds: RoadBounds;
}

/** One limit, for the life of the process: a new revision brings new bounds and keeps what was counted. */
export interface Limit {
  /** A refusal leaves nothing counted. */
  admit(demand: Demand): Outcome<Lease>;
}

/** A caller goes round in circles. */
export interface LoopVerdict {
  /** For the model. */
  readonly note: string;
  readonly times: number;
}

/** What limits of the configuration count apart. */
export const limitKeys = [
  'user',
  'agent',
  'application',
  'caller',
  'role',
  'address',
  'session',
  'server',
  'tool',
  'tier',
  'connection',
] as const;
export type LimitKey = (typeof limitKeys)[number];

/** A limit of the configuration. */
export interface LimitRule {
  /** Equal in two revisions where it counts the same: what was counted then goes on. */
  readonly id: string;
  /** For people, models, records and metrics. */
  readonly name: string;
  /** `file:line:column`; absent for what ships. */
  readonly place?: string;
  /** Such as `20/day` or `8 at once`. */
  readonly text: string;
  readonly of: 'calls' | 'lists' | 'handshakes';
  readonly per: readonly LimitKey[];
  /** It says what it would refuse, and refuses nothing. */
  readonly isObserved: boolean;
  /** What the server behind the gateway allows: told as a limit of this server. */
  readonly quotaOf?: string;
  readonly kind: LimitKind;
}

export type LimitKind =
  /** With a `queue` calls wait until they have room. */
  | {
      readonly is: 'rate';
      readonly everyMicros: number;
      readonly burst: number;
      readonly queue: number;
      readonly waitMs: number;
    }
  /** Amounts in whole units: calls, bytes, or millionths of a cost. `warnAt`: the amount. */
  | {
      readonly is: 'budget';
      readonly of: 'calls' | 'cost' | 'request' | 'response' | 'both';
      readonly limit: number;
      readonly window: LimitWindow;
      readonly warnAt?: number;
    }
  | { readonly is: 'concurrency'; readonly limit: number; readonly queue: number; readonly waitMs: number };

export type LimitWindow =
  | { readonly by: 'session' }
  /** The last so many milliseconds. */
  | { readonly by: 'time'; readonly lengthMs: number }
  | { readonly by: 'calendar'; readonly unit: 'day' | 'month'; readonly zone: string };

/** A capability of a server. */
export interface LimitTarget {
  readonly server: string;
  readonly grants: Pick<Grants, 'connections'>;
  /** Absent for what is no tool. */
  readonly tool?: string;
  readonly tier: Tier;
}

/** The limits of one revision. */
export interface LimitRules {
  readonly all: readonly LimitRule[];
  /** Those that a call meets, the outermost first. */
  ofCall(target: LimitTarget): readonly LimitRule[];
  /** Whether calls that end the same are looked for. Without a tool: of what leads to none. */
  watchesLoops(what: 'results' | 'refusals', at?: { readonly server: string; readonly tool: string }): boolean;
  /** Those that lists or handshakes meet. */
  of(what: 'lists' | 'handshakes'): readonly LimitRule[];
}
