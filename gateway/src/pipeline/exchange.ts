/**
 * An exchange: one request and its answer, on their way through the gateway. Each stage receives what the stage before
 * it established and returns more of it; what has not been decided cannot be forwarded, because it does not compile.
 */

import type { ClientClaims } from '../protocol/decode.ts';
import type { Json, JsonObject } from '../protocol/json.ts';
import type { RequestId, RpcError } from '../protocol/jsonrpc.ts';
import type { Operation } from '../protocol/methods.ts';
import type { HeaderReader, MirroredArgument } from '../protocol/mirrored-headers.ts';
import type { Era } from '../protocol/versions.ts';
import type { Cancellation } from './cancellation.ts';
import type { Checks } from './checks.ts';
import type { SpentApproval } from './contracts/approval.ts';
import type { RoledArgument } from './contracts/argument-roles.ts';
import type { Caller } from './contracts/caller.ts';
import type { Resumption } from './contracts/input-requests.ts';
import type { ContentHold } from './contracts/inspector.ts';
import type { LimitLevel } from './contracts/limit.ts';
import type { Capability, Decision, Grants, Tier } from './contracts/policy.ts';
import type { ToolTag } from './contracts/traits.ts';
import type { CallTimes, ResultSource, UpstreamClient } from './contracts/upstream.ts';
import type { Delivered } from './deliver.ts';
import type { Outcome, Refusal } from './refusal.ts';

/** `/mcp`, or the endpoint of one server. */
export type Endpoint = { readonly kind: 'portal' } | { readonly kind: 'server'; readonly server: string };

/** How messages reach the client while the exchange lasts. */
export interface Channel {
  notify(method: string, params: Delivered<JsonObject>): void;
  /** What the limits of the call have left; absent where clients are not told. */
  readonly tellLimits?: (levels: readonly LimitLevel[]) => void;
  /** Legacy clients only: sends a request of a server and waits for the answer. */
  readonly requestInput?: (method: string, params: Delivered<JsonObject>) => Promise<InputResponse>;
}

export type InputResponse =
  | { readonly ok: true; readonly result: JsonObject }
  | { readonly ok: false; readonly error?: { readonly code: number; readonly message: string } };

/** The client as it declared itself, in this request or when its session began. */
export interface Client extends ClientClaims {
  readonly era: Era;
  readonly session?: ClientSession;
}

/** What the stages may know and change of a legacy session. */
export interface ClientSession {
  /** A digest of the session id: safe to log, worthless to present. */
  readonly digest: string;
  logLevel: string | undefined;
  /** Subscribes this session's stream to updates of a resource, or ends that. */
  watch(server: string, uri: string): boolean;
  unwatch(server: string, uri: string): void;
}

/** Stages 1 and 2, listen and decode; and what stage 3 found, as it needs the same headers and bytes. */
export interface Received {
  /** Correlation id. */
  readonly id: string;
  /** Milliseconds since the epoch, and the monotonic clock in milliseconds. */
  readonly at: number;
  readonly started: number;
  readonly transport: 'http' | 'stdio';
  readonly address: string | undefined;
  readonly identity: Outcome<Caller>;
  readonly endpoint: Endpoint;
  readonly client: Client;
  readonly requestId: RequestId;
  readonly operation: Operation;
  readonly method: string;
  readonly params: JsonObject;
  /** Numbers in `params` need care: some exceed double precision. */
  readonly rawNumbers: boolean;
  readonly headers: HeaderReader | undefined;
  readonly bytesIn: number;
  readonly cancellation: Cancellation;
  readonly channel: Channel;
}

/** Stage 3, authenticate: there is a caller. */
export interface Identified extends Received {
  readonly caller: Caller;
}

declare const admitted: unique symbol;

/** Stage 6, limits: the caller has room for one more. Only the road makes it. */
export interface Admitted extends Identified {
  readonly checks: Checks;
  /** The parameters as they came, whatever inspectors make of `params`: those of a retry are the same. */
  readonly asked: JsonObject;
  readonly [admitted]: true;
}

/** Stage 4, resolve: one capability of one server. */
export interface Resolved extends Admitted {
  readonly grants: Grants;
  readonly upstream: UpstreamClient;
  readonly capability: Capability;
  /** The definition of a tool, as the server lists it. */
  readonly tool?: ToolFacts;
  /** `params` with original names in place of aliases. */
  readonly outbound: JsonObject;
  /** What the request resumes; absent where it answers no input request. */
  readonly resumption?: Resumption;
}

/** What stage 4 knew of a request that goes no further. It is for the record: the client is told none of it. */
export interface UnresolvedTarget {
  /** In the client's own words. */
  readonly asked?: string;
  /** Absent when it was looked for at several servers. */
  readonly server?: string;
  /** Of this caller, to the servers at which it was looked for. */
  readonly connections: readonly string[];
  /** Absent when neither a list nor a rule has such a name: then it is what the client made up. */
  readonly capability?: Capability;
  readonly tier?: ToolFacts['tier'];
  readonly tags?: ToolFacts['tags'];
  /** Why no rule could ever allow it. */
  readonly decision?: Decision;
}

/** What stage 4 says. */
export type Resolving =
  | { readonly ok: true; readonly value: Resolved }
  | { readonly ok: false; readonly refusal: Refusal; readonly unresolved?: UnresolvedTarget };

export interface OutputFacts {
  /** What becomes of a result that does not meet the schema, as the operator says. */
  readonly misfit: 'off' | 'warn' | 'block';
  /** Problems with this structured content, each with its path; `undefined` when it fits. */
  validate(structuredContent: Json): readonly string[] | undefined;
}

/** What the catalogue knows of a tool. */
export interface ToolFacts {
  readonly digest: string;
  readonly tier: Tier;
  readonly tags: readonly ToolTag[];
  /** The operator says that it only reads: it may be made again without being asked. What a definition says is a guess. */
  readonly isSafe: boolean;
  readonly cost?: number;
  /** Identical calls of one caller that are under way at the same time are made once, where it only reads. */
  readonly coalesces?: true;
  /** Milliseconds for its calls, where the operator says so. */
  readonly timeouts?: CallTimes;
  readonly mirrored: readonly MirroredArgument[];
  /** What its arguments stand for, as the operator says; absent where nothing is said. */
  readonly roles?: readonly RoledArgument[];
  /** What is known of its results, where it has an output schema. */
  readonly output?: OutputFacts;
  /** Making a call once more changes nothing more: it only reads, or is idempotent, as the operator or the server says. */
  readonly repeatable: boolean;
  /** Problems with these arguments, each with its path; `undefined` when they fit. */
  validate(args: JsonObject): readonly string[] | undefined;
}

declare const resumed: unique symbol;

/** Every state that the gateway sealed and the client sent back is opened. Only `resume` makes it. */
export type Resumed = Resolved & { readonly [resumed]: true };

/** Stage 5, decide: what the policy says of it. A denied exchange has this type, and no later one. */
export type Decided = Resumed & {
  readonly decision: Decision;
  /** Stage 8, approve: what was spent on a call that a rule holds. */
  readonly approval?: SpentApproval;
  /** Stage 7, inspect: a guardrail wants a person to decide, whatever the rules say. */
  readonly heldBy?: ContentHold;
};

declare const allowed: unique symbol;
declare const inspected: unique symbol;
declare const limited: unique symbol;
declare const intended: unique symbol;

/** The decision lets it through. Only `permit` makes it. */
export type Allowed<Exchange extends Decided = Decided> = Exchange & { readonly [allowed]: true };

/** Stage 7, inspect: its arguments were looked at, and from here they are final. Only `inspectArguments` makes it. */
export type Inspected<Exchange extends Decided = Decided> = Exchange & { readonly [inspected]: true };

/** Stage 6, the end: the limits of the policy have room for it. Only `limit` makes it. */
export type Limited<Exchange extends Decided = Decided> = Exchange & { readonly [limited]: true };

/** Stage 9, record: the intent stands in the record. Only `intend` makes it, and only this can be forwarded. */
export type Intended = Limited<Allowed<Inspected>> & { readonly [intended]: true };

/** The answer, before it is written in the client's era and transport. */
export type Reply =
  | { readonly kind: 'result'; readonly result: Delivered<JsonObject>; readonly source?: ResultSource | undefined }
  /** A result that is already written. */
  | { readonly kind: 'text'; readonly text: string }
  /** A result whose middle is the same for many: written once, in UTF-8, and never copied. */
  | { readonly kind: 'pieces'; readonly before: string; readonly middle: Buffer; readonly after: string }
  | {
      readonly kind: 'error';
      readonly error: Delivered<RpcError>;
      /** What the server said, where the client is told something else: for the record. */
      readonly said?: { readonly code: number; readonly message: string };
    }
  /**
   * `note`: what the model is told beside the reason. `resumed`: the request went on with a call of which its server has a
   * part already.
   */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly note?: string; readonly resumed?: true };
