/** Everything that one revision of the configuration became. A call ends under the snapshot it began with. */

import type { JsonObject } from '../../protocol/json.ts';
import type { ListKind } from '../../protocol/methods.ts';
import type { Delivered } from '../deliver.ts';
import type { ToolFacts } from '../exchange.ts';
import type { Breaker } from './breaker.ts';
import type { LimitRules } from './limit.ts';
import type { Policy } from './policy.ts';
import type { ToolTraits } from './traits.ts';
import type { ServerFacts, UpstreamClient, UpstreamFailure, Upstreams } from './upstream.ts';

/** The bounds that the road itself enforces; sizes in bytes, times in milliseconds. */
export interface RoadBounds {
  readonly concurrency: number;
  readonly refusals: number;
  readonly streams: number;
  readonly result: number;
  readonly rounds: number;
  readonly parked: number;
}

/** `disabled`: known, and taken out of service. `inactive` and `quarantined`: as if it were not there. */
export type ServerStatus = 'active' | 'draining' | 'disabled' | 'inactive' | 'quarantined';

/** What an operator said of a server while the gateway runs. */
export interface Switched {
  /** For clients. */
  readonly message?: string;
  /** Milliseconds since the epoch. */
  readonly until?: number;
}

export interface Snapshot {
  /** Digest of the revision. */
  readonly revision: string;
  readonly bounds: RoadBounds;
  readonly policy: Policy;
  readonly limits: LimitRules;
  readonly upstreams: Upstreams;
  readonly breaker: Breaker;
  /** `undefined` for a server that is not configured. */
  statusOf(server: string): ServerStatus | undefined;
  /** Absent where only the configuration says something of it. */
  switched(server: string): Switched | undefined;
  catalog(server: string, upstream: UpstreamClient): CatalogView;
}

/** A list at one moment; `views` remembers what was written from it, and is forgotten with it. */
export interface ListSnapshot {
  readonly items: readonly Delivered<JsonObject>[];
  readonly byName: ReadonlyMap<string, Delivered<JsonObject>>;
  readonly views: Map<string, Buffer>;
}

export type ListSnapshotResult =
  | { readonly ok: true; readonly listed: ListSnapshot }
  | { readonly ok: false; readonly failure: UpstreamFailure };

export interface CatalogView {
  /** `purpose`: a list that is shown is read again when the server says that it does not last (2026-07-28, caching). */
  read(kind: ListKind, purpose?: 'list' | 'call'): ListSnapshot | Promise<ListSnapshotResult>;
  /** Reads again, unless that happened a moment ago. */
  reread(kind: ListKind): Promise<ListSnapshotResult>;
  /** The list as it was last read, however long ago and through whichever upstream client. Sends no request, and is for records only. */
  peek(kind: ListKind): ListSnapshot | undefined;
  facts(definition: JsonObject): ToolFacts;
  /** What a tool is by its definition and the configuration: the same object for the same definition. */
  traits(definition: JsonObject): ToolTraits;
  /** The same by name, of the list that was read last; `undefined` where that does not have it. */
  traitsOf(tool: string): ToolTraits | undefined;
  /** Nothing has approved this definition yet: only rules that include what is new show it. */
  isNew(definition: JsonObject): boolean;
  /** What clients may get of what the server says of itself as `instructions`. */
  instructions(text: string): Promise<string | undefined>;
  /** The same of what it says that it is. */
  info(facts: ServerFacts): JsonObject;
  /** Of a tool of this name, whether the server has one or not: what the configuration says, the definition, or `write`. */
  tierOf(tool: string): ToolFacts['tier'];
  /** A client was answered without this list: `onArrival` tells its listeners when the list is there. */
  missed(kind: ListKind): void;
  onArrival(listener: (kind: ListKind) => void): () => void;
}
