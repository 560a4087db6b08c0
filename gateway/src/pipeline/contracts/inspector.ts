/**
 * The contract of stage 7 and of the way back: an inspector looks at what crosses the gateway, and changes or stops it.
 * Inbound it sees what a client sends to a server, outbound what a server sends to a client.
 */
import type { JsonObject } from '../../protocol/json.ts';
import type { ListKind } from '../../protocol/methods.ts';
import type { Decided } from '../exchange.ts';
import type { Refusal } from '../refusal.ts';
import type { UpstreamClient } from './upstream.ts';

/** Something that a client sends to a server. */
export type Sent =
  | { readonly kind: 'arguments'; readonly content: JsonObject }
  /** What the client put into `_meta` of a call for the server, without the keys of the protocol. */
  | { readonly kind: 'meta'; readonly content: JsonObject }
  /** What the client answers to an input request with this method. */
  | { readonly kind: 'answer'; readonly method: string; readonly content: JsonObject };

/** A person must decide about what was found. */
export interface ContentHold {
  readonly guardrail: string;
  /** Class and place of what was found, never the value. */
  readonly what: string;
  /** For the operator. */
  readonly detail: string;
  /** What the record may keep of it while it was not approved. */
  readonly keep: JsonObject;
}

/**
 * `undefined`: nothing to object. What is changed is decided on again, forwarded and recorded. `keep`: what the record may
 * keep of what is refused.
 */
export type InboundVerdict =
  | undefined
  | { readonly hold: ContentHold; readonly change: JsonObject }
  | { readonly change: JsonObject }
  | { readonly refuse: Refusal; readonly keep?: JsonObject };

/** Something that a server sends to a client; an error as its code, message and data. */
export type Said<Content> =
  | { readonly kind: 'result' | 'notification' | 'input-request'; readonly method: string; readonly content: Content }
  | { readonly kind: 'error' | 'server-info'; readonly content: Content }
  | { readonly kind: 'definition'; readonly list: ListKind; readonly content: Content };

/** What inspectors see of an exchange. */
export type Seen = Pick<
  Decided,
  'at' | 'caller' | 'capability' | 'checks' | 'client' | 'decision' | 'grants' | 'headers' | 'rawNumbers' | 'tool'
>;

/** Whose words they are, and during which call; a definition and a message beside calls belong to none. */
export interface Origin {
  readonly upstream: Pick<UpstreamClient, 'server' | 'secrets'>;
  readonly exchange?: Seen;
}

/** `undefined`: it goes on as it is. `withhold`: the client does not get it; the text is for the operator, the name of the guardrail for the client. */
export type OutboundVerdict =
  | undefined
  | { readonly change: object }
  | { readonly withhold: string; readonly guardrail?: string };

/** Adding one: a file in `stages/inspect/` and a line in its list. An answer at once where there is one: promises cost every call more. */
export interface Inspector {
  readonly id: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  inbound?(sent: Sent, exchange: Seen): InboundVerdict | Promise<InboundVerdict>;
  outbound?(said: Said<object>, origin: Origin): OutboundVerdict | Promise<OutboundVerdict>;
}

export function defineInspector(inspector: Inspector): Inspector {
  return inspector;
}
