/** What every listener is given: the snapshot in force, the stages, and ways to identify and to name things. */
import type { Bounds } from '../config/schema/index.ts';
import type { Credentials } from '../pipeline/contracts/authenticate.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Pages } from '../pipeline/contracts/pages.ts';
import type { Snapshot } from '../pipeline/contracts/snapshot.ts';
import type { Delivered } from '../pipeline/deliver.ts';
import type { Identified } from '../pipeline/exchange.ts';
import type { Outcome } from '../pipeline/refusal.ts';
import type { Stages } from '../pipeline/run.ts';
import type { Streams } from '../pipeline/streams.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';
import type { SessionSubscription } from './session.ts';

export interface ListenerContext {
  /** The snapshot in force now. An exchange keeps the one that it began with. */
  snapshot(): Snapshot;
  bounds(): Bounds;
  readonly stages: Stages;
  readonly streams: Streams;
  /** Stage 3: who calls. */
  identify(credentials: Credentials): Outcome<Caller> | Promise<Outcome<Caller>>;
  /** Whose tokens are accepted, and what to ask them for. */
  authorizationServers(): { readonly issuers: readonly string[]; readonly scopes: readonly string[] };
  /** Who the credential of a caller stands for now; `undefined` when it has ended. */
  renew(caller: Caller): Caller | undefined;
  /** Hears of the servers behind an endpoint on behalf of one open stream, for who `caller` says at each message. */
  subscribe(
    exchange: Identified,
    caller: () => Caller | undefined,
    listener: (method: string, params: Delivered<JsonObject>) => void,
  ): SessionSubscription;
  /** Seals what a session id carries. */
  readonly sessionSeal: Seal;
  /** Pages for people; `undefined` until the public URL is known. */
  pages(): Pages | undefined;
  /** Shows how full a table of the listener is. */
  readonly table: (name: string, size: () => number) => void;
  /** Whether clients are told what their limits have left. */
  tellsLimits(): boolean;
  /** True from the moment in which the gateway begins to stop. */
  draining(): boolean;
}
