/** What the policy answers. The stages that ask know this file only; `stages/decide/` implements it. */
import type { JsonObject } from '../../protocol/json.ts';
import type { ApprovalTerms } from './approval.ts';
import type { Caller } from './caller.ts';
import type { Guardrails } from './guardrails.ts';
import type { ToolTraits } from './traits.ts';

export type { Tier } from './traits.ts';

/** A capability by its original name or URI, never by the alias that a client sees. */
export type Capability =
  /** Without `traits` the definition is not known: no rule by tier or tag opens it, and every one of them closes it. */
  | ({ readonly type: 'tool'; readonly name: string; readonly traits?: ToolTraits } & Pinned)
  | ({ readonly type: 'prompt'; readonly name: string } & Pinned)
  | { readonly type: 'resource'; readonly uri: string }
  | ({ readonly type: 'template'; readonly uriTemplate: string } & Pinned);

/** `isNew`: nothing has approved its definition yet, so that only rules that include what is new open it. */
interface Pinned {
  readonly isNew?: true;
}

/** Where a rule stands, and what it says there. */
export interface RuleReference {
  readonly connection: string;
  /** `file:line:column` */
  readonly place: string;
  /** The rule in one line, such as `allow query_data when args.limit <= 100`. */
  readonly text: string;
}

/** Fields that results must not show to this caller. */
export interface Mask {
  /** JSON pointers (RFC 6901), each as its parts; `*` stands for any name or index. */
  readonly pointers: readonly (readonly string[])[];
  /** What becomes of content that is no JSON. */
  readonly text: 'withhold' | 'keep';
  /** Of the rule: `file:line:column` */
  readonly place: string;
}

/** What results, prompts and input requests may hold. A member that is absent limits nothing. */
export interface ContentLimits {
  readonly types?: readonly string[];
  /** Of URIs, in lower case, without the colon. */
  readonly schemes?: readonly string[];
}

export type Covers = (call: {
  readonly args: JsonObject;
  readonly approved: JsonObject;
  readonly caller: Caller;
}) => boolean;

export interface Decision {
  readonly effect: 'allow' | 'deny' | 'hold' | 'observe';
  /**
   * `rule`: that rule decided. `no-rule`: nothing matched, which denies. `scope`: a rule would open it, and the token
   * lacks its scopes. The others: the ceiling of that principal says no, whatever the rules say.
   */
  readonly reason: 'rule' | 'no-rule' | 'scope' | 'user-ceiling' | 'agent-ceiling' | 'application-ceiling';
  /** With `scope`: every scope that the operation needs. */
  readonly scopes?: readonly string[];
  readonly rule?: RuleReference;
  /** What the operator tells the model about a denial or a hold. */
  readonly message?: string;
  /** With a hold: how it is approved. */
  readonly approval?: ApprovalTerms;
  /** Whether an approval of other arguments is one of these as well. */
  readonly covers?: Covers;
  /** What the rules that let it through take out of its result; absent where that is nothing. */
  readonly masks?: readonly Mask[];
  /** What would have happened without `mode: observe` on the connection. */
  readonly observed?: 'deny' | 'hold';
  /** Conditions that could not be evaluated, each with its place. They opened nothing. */
  readonly errors: readonly string[];
}

export type ClientRequestKind = 'elicitation' | 'sampling' | 'roots';

/** What one caller may do at one server, under one revision. */
export interface Grants {
  /** Equal for two callers exactly when their lists are equal. */
  readonly key: string;
  /** Names of the connections that lead there. */
  readonly connections: readonly string[];
  /** What every connection that leads there lists; absent where none lists anything. */
  readonly content?: ContentLimits;
  /** What the server may ask of the client of this caller. */
  readonly requests: Readonly<Record<ClientRequestKind, 'allow' | 'deny'>>;
  /** May this call be made now? `args`: arguments of a tool or prompt, with numbers beyond double precision as bigint. */
  decide(capability: Capability, args: JsonObject | undefined, now: number): Decision;
  /** Could this be allowed for some arguments at some time? What lists show. */
  couldAllow(capability: Capability): boolean;
  /** May what the server says lead to this resource? Absent where no rule speaks of resources: then it may lead to any. */
  readonly mayShow?: (uri: string) => boolean;
  /** The same as `couldAllow` for a tool whose definition is not known yet: could it be allowed whatever the definition says? */
  couldAllowSome(capability: Capability): boolean;
  /** Do rules ask for more of a tool than its name? Then its definition decides with them whether it is there. */
  readonly asksTraits: boolean;
  /**
   * What is looked for in the content of calls of it, and in what comes back: of the gateway, the server, the connections, and
   * every rule that names it and is not certain to have no say about this caller, whatever its arguments are.
   */
  guardrailsOn(capability: Capability): Guardrails;
  /** Could a result of it be masked, for some arguments at some time? */
  couldMask(capability: Capability): boolean;
  /**
   * Why a capability could never be allowed, for the record. It looks at names and at what is certain about the caller,
   * never at arguments: what a client sends must not decide how long this takes.
   */
  closed(capability: Capability): Decision;
  /** Is a tool or prompt written out in a rule? Then its name is in the configuration, and no client made it up. */
  names(capability: Capability): boolean;
}

/** When and from where something is asked: some connections are there at some hours, or for some networks, only. */
export interface Whence {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Absent over stdio. */
  readonly address?: string | undefined;
}

export interface Policy {
  /** `undefined`: no connection leads there, so the server does not exist for this caller. */
  grants(caller: Caller, server: string, whence: Whence): Grants | undefined;
  /** The servers that a caller is connected to, in the order of the configuration. */
  serversOf(caller: Caller, whence: Whence): readonly string[];
  /** For the record: why no connection leads there, where one does at other hours or from other networks. */
  whyClosed(caller: Caller, server: string, whence: Whence): string | undefined;
  /** Can a rule hold a call? Then clients are told that held calls can be tasks. */
  readonly holds: boolean;
  /** Differs between two times where the hours of a connection began or ended. */
  hoursAt(at: number): string;
  /** Of everything that leads to a server: for what it sends beside calls, such as definitions. */
  guardrailsOf(server: string): Guardrails;
}
