/**
 * What the road tells the evidence log. `stages/record/` implements it. Everything here is plain data; what is encrypted, what
 * is public and how it is made durable is the log's business. Credentials and session ids never appear here.
 */
import type { JsonObject } from '../../protocol/json.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Caller } from './caller.ts';
import type { Capability, Decision, Tier } from './policy.ts';
import type { ToolTag } from './traits.ts';

/** What is known about an exchange when it is about to be forwarded, or when it ended before that. */
export interface ExchangeFacts {
  /** Correlation id: unique, and the same in the error that a client sees and in the operator's log. */
  readonly id: string;
  /** Milliseconds since the epoch at which the request arrived. */
  readonly at: number;
  readonly revision: string;
  readonly direction: 'client-to-server' | 'server-to-client';
  readonly transport: 'http' | 'stdio';
  readonly era: Era;
  readonly method: string;
  /** Address of the client; absent on stdio. */
  readonly address?: string;
  readonly caller?: Caller;
  /** Name and version that the client claims, unverified. */
  readonly client?: { readonly name: string; readonly version: string };
  /** A digest that names the legacy session, never its id. */
  readonly session?: string;
  readonly server?: string;
  readonly connections?: readonly string[];
  readonly capability?: Capability;
  /** What the client asked for, of a request that ended before its capability was established. */
  readonly asked?: string;
  readonly tier?: Tier;
  /** What the tool reaches. */
  readonly tags?: readonly ToolTag[];
  /** Digest of the definition of the capability that the call was checked against. */
  readonly definition?: string;
  /** Arguments of a tool or prompt, or the parameters of another method. */
  readonly arguments?: JsonObject;
  readonly decision?: Decision;
  readonly cost?: number;
  /** On whose behalf the caller acts, the first one first: an entry for each hand-over of the credential. */
  readonly delegation?: readonly string[];
  /** What binds the credential of the caller to its holder, and the audience that it was issued for. */
  readonly binding?: 'certificate' | 'dpop';
  readonly audience?: string;
  /** Kind of the credential that the gateway presented to the server. */
  readonly presented?: string;
  /** Whether the definition was remembered or read anew for this call, and how old it was, in milliseconds. */
  readonly definitionSource?: 'remembered' | 'read';
  readonly definitionAge?: number;
  /** Names of the extensions that the client offered, and of those that did not reach the server. */
  readonly extensions?: { readonly offered: readonly string[]; readonly dropped: readonly string[] };
  /** What looked at the exchange, by the name that the gateway gives it, and what it said. */
  readonly checks?: readonly Verdict[];
  readonly limits?: readonly Verdict[];
  readonly approval?: { readonly id: string; readonly verdict: string };
  /** Bytes of the request as received. */
  readonly bytesIn: number;
}

export interface Verdict {
  /** Of a check or limit, as the gateway names it. */
  readonly name: string;
  /** What it looked at, such as `arguments` or `result`. */
  readonly part?: string;
  readonly verdict: string;
  /** Microseconds that it took. */
  readonly micros?: number;
}

/** How an exchange ended. */
export interface ExchangeEnd {
  readonly at: number;
  /**
   * `answered`: a result. `tool-error`: a result that says the tool failed. `error`: the server answered an error.
   * `refused`: the gateway ended it, `reason` says why. `cancelled`: the client went away. `unknown`: the server may have
   * had the call, and the caller did not get its end.
   */
  readonly outcome: 'answered' | 'tool-error' | 'error' | 'refused' | 'cancelled' | 'unknown';
  readonly reason?: string;
  /** Of a refusal with several causes: which one, from a closed list. */
  readonly cause?: string;
  /** What only the operator may know about a refusal. */
  readonly detail?: string;
  /** The result as JSON text, exactly as the client gets it. Absent for lists, which are the same for many. */
  readonly resultText?: string;
  readonly error?: { readonly code: number; readonly message: string };
  /** What looked at the way back. */
  readonly checks?: readonly Verdict[];
  /** Microseconds from arrival to this end. */
  readonly latency: number;
  readonly bytesOut: number;
}

/** Things that happen outside an exchange. `detail` holds no secret and no personal data but the caller's name. */
export interface AuditEvent {
  readonly kind:
    | 'start'
    | 'stop'
    | 'stall'
    | 'crash'
    | 'revision'
    | 'key-created'
    | 'key-revoked'
    | 'authentication-failed'
    | 'authentication-succeeded'
    | 'authentication-throttled'
    | 'request-refused'
    | 'secret-put'
    | 'secret-rotated'
    | 'secret-removed'
    | 'credential-state'
    | 'credential-standby'
    | 'account-started'
    | 'account-connected'
    | 'account-refused'
    | 'account-disconnected'
    | 'issuer-changed'
    | 'issuer-agreed'
    | 'server-status'
    | 'server-identity'
    | 'approval-pending'
    | 'approval-approved'
    | 'approval-rejected'
    | 'approval-expired'
    | 'approval-consumed'
    | 'approval-withdrawn'
    | 'approval-viewed'
    | 'operator-created'
    | 'operator-changed'
    | 'operator-revoked'
    | 'operator-signed-in'
    | 'operator-refused'
    | 'operator-passkey'
    | 'operator-password'
    | 'operator-token'
    | 'operator-session'
    | 'definition-pending'
    | 'definition-approved'
    | 'definition-rejected'
    | 'limit-warning'
    | 'server-breaker'
    | 'server-control'
    | 'server-health'
    | 'log-key'
    | 'master-key'
    | 'erasure'
    | 'recovered'
    | 'retention'
    | 'export';
  readonly at: number;
  readonly caller?: Pick<Caller, 'user' | 'agent' | 'application'> & Partial<Pick<Caller, 'credential'>>;
  readonly address?: string;
  readonly server?: string;
  readonly detail: JsonObject;
  /** What only the operator may know. Private, unlike `detail`. */
  readonly problem?: string;
  /** Private as well, and kept as the arguments of a call of this connection and tier are. */
  readonly content?: { readonly value: JsonObject; readonly connection: string; readonly tier?: Tier };
}

/** A request that a listener refused without reading it, so that its caller is unknown. Holds neither URL nor key. */
export interface Rejection {
  readonly at: number;
  readonly transport: 'http' | 'stdio';
  readonly reason: string;
  readonly cause?: string;
  readonly address?: string;
  /** What only the operator may know. */
  readonly problem?: string;
}

/**
 * The audit contract. A returned promise must be awaited before the exchange goes on: `intend` before anything leaves
 * for the server, `end` before the answer leaves for the client. `undefined` means: go on. A rejected promise means
 * that the record could not be written, and the exchange is refused.
 */
export interface AuditLog {
  intend(facts: ExchangeFacts): Promise<void> | undefined;
  /** `intended` tells whether `intend` was called for these facts. */
  end(facts: ExchangeFacts, end: ExchangeEnd, intended: boolean): Promise<void> | undefined;
  /**
   * What a server asked of the client during an exchange, once that was answered or given up. `facts` are those of the
   * exchange, with method, arguments, size and time of the input request; `end` is about the client's answer.
   */
  asked(facts: ExchangeFacts, end: ExchangeEnd): void;
  /** Counted, not written one by one: a client without a credential can cause it without end. */
  rejected(rejection: Rejection): void;
  note(event: AuditEvent): void;
  /** As `note`, and resolves when the record is durable. Rejects where this log will not have it. */
  record(event: AuditEvent): Promise<void>;
  /** Says why calls are refused at the moment, if they are. For `/readyz`. */
  health(): { readonly ok: true } | { readonly ok: false; readonly problem: string };
  close(): Promise<void>;
}
