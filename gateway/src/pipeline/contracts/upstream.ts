/**
 * What the road knows of the servers behind it. `upstreams/` implements it, for every transport and era; nothing here
 * tells one from another, except where an input request can only be answered by the very call that asked it.
 */
import type { Json, JsonObject } from '../../protocol/json.ts';
import type { RpcError } from '../../protocol/jsonrpc.ts';
import type { ListKind } from '../../protocol/methods.ts';
import type { MirroredArgument } from '../../protocol/mirrored-headers.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Cancellation } from '../cancellation.ts';
import type { AccountLinkPrompt } from './accounts.ts';
import type { Caller } from './caller.ts';
import type { Tier } from './policy.ts';

/** The client for which an upstream client to a server is opened. Equal clients share an upstream client where the server allows it. */
export interface ClientProfile {
  readonly caller: Caller;
  /** A server that speaks both eras is spoken to in this one. */
  readonly era: Era;
  /** What the server may ask, after the policy: a subset of what the client declared. */
  readonly capabilities: JsonObject;
  /** A legacy session of the client, so that it gets a session of its own at a legacy server. */
  readonly session?: string;
}

export interface Upstreams {
  /** Opens nothing by itself: the first use does. `undefined` when there is no such server under this revision. */
  client(server: string, client: ClientProfile): UpstreamClient | undefined;
}

/** What a server says about itself. */
export interface ServerFacts {
  readonly era: Era;
  readonly version: string;
  readonly info?: JsonObject;
  readonly capabilities: JsonObject;
  readonly instructions?: string;
}

export type UpstreamFailure =
  /** `status`: the HTTP status, where there was one. */
  | {
      readonly kind: 'unavailable' | 'timeout' | 'misbehaved';
      readonly detail: string;
      /** The server may have had the request. */
      readonly sent?: true;
      readonly status?: number;
      /** What it says of the server where the status says nothing. */
      readonly fault?: 'none' | 'known';
      /** The server refused it, as it has, or may have, forgotten the session that it came in. */
      readonly forgotten?: 'surely' | 'perhaps';
      /** What the server said of it, where it had forgotten nothing. */
      readonly said?: RpcError;
      /** The server takes no calls for so long, as it said: it has had enough of them. */
      readonly retryAfterMs?: number;
      /** What a 401 or 403 says about the tokens that the server wants. */
      readonly challenge?: string;
    }
  /** The user behind the call has to connect an account first. */
  | { readonly kind: 'account-required'; readonly detail: string; readonly prompt: AccountLinkPrompt }
  | { readonly kind: 'too-large'; readonly limit: number }
  | { readonly kind: 'cancelled' };

export interface UpstreamClient {
  readonly server: string;
  /** Users have accounts of their own at this server. */
  readonly hasAccounts: boolean;
  /** No attempt to reach the server has ended since it was configured. */
  readonly isUntried: boolean;
  /** Connects if need be. Remembers success, and failure for a moment. */
  facts(): ServerFacts | Promise<ServerFacts | LinkFailureResult>;
  /** Starts a call. Resolves with its first step. */
  call(call: OutboundCall): Promise<Step>;
  /** All entries of a list, over all pages, within the bounds. `ttl` in milliseconds, absent when the server gives none. */
  list(kind: ListKind): Promise<ListResult>;
  /** What the server was given over this upstream client and must not come back out of it: credentials, and fixed headers. */
  secrets(): readonly string[];
  /** Names the stream over which changes of lists are heard; `undefined` while there is none. */
  readonly hearing: string | undefined;
  /** Asks for updates of one resource, as long as the returned function has not been called. */
  watch(uri: string, listener: () => void): () => void;
  /** Messages that belong to no call: list changes and, on legacy servers, log messages. Returns what stops it. */
  onNotification(listener: (method: string, params: JsonObject) => void): () => void;
  /** Keeps the upstream client open without calls, until the returned function is called. */
  hold(): () => void;
  /** Tells a legacy server the least severe level that its clients want to see. `whose`: the session that says so. */
  setLevel(level: string, whose: string): void;
}

export interface LinkFailureResult {
  readonly failure: UpstreamFailure;
}

export type ListResult =
  | { readonly ok: true; readonly items: readonly JsonObject[]; readonly ttl?: number }
  | { readonly ok: false; readonly failure: UpstreamFailure };

/** Milliseconds until a call must have begun to answer, and until it must be over. */
export interface CallTimes {
  readonly firstByte?: number | undefined;
  readonly total?: number | undefined;
}

export interface OutboundCall {
  readonly method: string;
  /** Without the protocol's own `_meta` keys; these are made anew for the server. */
  readonly params: JsonObject;
  readonly capabilities: JsonObject;
  /** Key of whose call it is; absent where the gateway makes it for itself. */
  readonly caller?: string;
  /** Made by the gateway for itself: no client waits that could answer an input request of the server. */
  readonly own?: boolean;
  /** Least severe level of log messages that the client gets. */
  readonly logLevel?: string | undefined;
  /** The same where the client has said so itself: a legacy server is told no other. */
  readonly wantedLevel?: string | undefined;
  readonly progress: boolean;
  /** Of the tool that is called: some servers get another credential for it. */
  readonly tier?: Tier | undefined;
  /** Of a tool: by the word of the operator it only reads. */
  readonly isSafe?: boolean | undefined;
  /** In place of those of the server. */
  readonly times?: CallTimes | undefined;
  /** Headers of this call only, such as a credential of its tier. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Arguments that are mirrored in headers towards a modern HTTP server. */
  readonly mirrored: readonly MirroredArgument[];
  readonly cancellation: Cancellation;
  /** Stays open until it is cancelled: no time limit applies. */
  readonly open?: boolean;
  /** Progress (with the token removed) and log messages of this call. */
  onNotification(method: string, params: JsonObject): void;
}

/** A request of a server to the client: elicitation, sampling or roots. */
export interface ClientRequest {
  readonly method: string;
  readonly params: JsonObject;
}

/**
 * A result as the server wrote it, and the value that was read from it. The text stands for this very object: a stage
 * that changes anything makes another object, and the text does not stand for that one.
 */
export interface ResultSource {
  readonly of: JsonObject;
  readonly text: string;
}

/** One step of a call: its end, or an input request on the way there. */
export type Step =
  | {
      readonly kind: 'result';
      readonly result: JsonObject;
      readonly bytes: number;
      readonly source?: ResultSource | undefined;
    }
  | { readonly kind: 'error'; readonly error: RpcError }
  | { readonly kind: 'failed'; readonly failure: UpstreamFailure }
  | InputRequired;

export interface InputRequired {
  readonly kind: 'input-required';
  readonly requests: Readonly<Record<string, ClientRequest>>;
  /**
   * `state`: any later request can carry the answer, together with this text (modern servers). `parked`: only this very
   * call can take it (legacy servers). `anew`: nothing was done, and what comes with the answer is another call.
   */
  readonly resume: { readonly kind: 'state'; readonly state?: string } | { readonly kind: 'parked' | 'anew' };
  /** Hands over the answers and waits for the next step. Notifications go to `call` from then on. */
  answer(responses: Readonly<Record<string, Json>>, call: OutboundCall): Promise<Step>;
  /** The request that asked is answered; the call waits on, although its client has hung up. */
  detach(): void;
  /** Gives up the call. */
  abandon(): void;
}
