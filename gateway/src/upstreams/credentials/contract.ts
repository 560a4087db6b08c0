/** What the gateway presents to a server. Adding a kind: a folder and a line in `kinds.ts`. */
import type { z } from 'zod';
import type { PlugIn } from '../../config/schema/plug-in.ts';
import type { Fetch } from '../../egress/fetch.ts';
import type { EgressGuard } from '../../egress/guard.ts';
import type { BearerChallenge } from '../../oauth/challenge.ts';
import type { AccountLinkPrompt } from '../../pipeline/contracts/accounts.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { AccountRegistry } from './authorization-code/book.ts';

export type CredentialHeaders = Readonly<Record<string, string>>;

export type Ready =
  | { readonly ok: true; readonly headers: CredentialHeaders }
  /** For the record and the log; never repeats a secret. */
  /** With an invitation: the user behind the call can do something about it. */
  | { readonly ok: false; readonly problem: string; readonly prompt?: AccountLinkPrompt };

/** `expiring`: works, but could not be renewed. `reauthorize`: consent is needed again. `broken`: it was refused. */
export type CredentialState = 'unused' | 'connected' | 'expiring' | 'reauthorize' | 'broken';

export interface Credential {
  /** Answers at once, unless a token has to be fetched. */
  ready(): Ready | Promise<Ready>;
  /** The headers as they are known now, for streams that stay open. */
  current(): CredentialHeaders;
  /** Texts that must not come back out of the server towards a client. */
  secrets(): readonly string[];
  /** The server has refused these headers. True when asking again gives others. */
  refused(headers: CredentialHeaders): boolean;
  /** The server has taken what was presented last, whatever it refused before. */
  accepted?(): void;
  /** The server refuses these headers whatever it is asked. True when another credential takes their place. */
  replace?(headers: CredentialHeaders): boolean;
  state(): { readonly state: CredentialState; readonly expiresAt?: number; readonly problem?: string };
  /** The server wants more scopes for this operation. `undefined` when asking for them would lead nowhere. */
  insufficient?(challenge: BearerChallenge, operation: string): AccountLinkPrompt | undefined;
  /** Calls back when there is a credential where none was, or one that opens more. Returns what stops it. */
  onConnected?(listener: () => void): () => void;
}

/** One kind of credential at one server: hands out the credential for a caller. */
export interface CredentialKind {
  /** Each caller has one of its own, so no session at the server is shared. */
  readonly perCaller: boolean;
  of(caller: Caller | undefined): Credential;
  /** What tells the credentials of two calls apart, where a caller has several: what one may do the other may not. */
  keyOf?(caller: Caller | undefined): string;
  /** True while a standby is presented in its place. */
  isOnStandby?(): boolean;
  /** All that were handed out, by the key of the caller; of shared ones under the empty text. */
  all(): Iterable<readonly [string, Credential]>;
}

/** What a kind is made with, beside its options. */
export interface CredentialParts {
  /** The name of the server. */
  readonly name: string;
  /** RFC 8707: the canonical URI of the server, without fragment. */
  readonly resource: string;
  readonly fetch: Fetch;
  readonly guard: EgressGuard;
  /** Absent for commands, which act for no user. */
  readonly book?: AccountRegistry | undefined;
}

/** A kind of credential: what the configuration may say of it, and what is made of that. */
export interface CredentialDefinition<Id extends string = string, Options extends z.ZodType = z.ZodType>
  extends PlugIn<Id, Options> {
  /** Each user has an account of its own: one at a server, so none for single tiers or callers. */
  readonly hasAccounts?: true;
  /** It is made from the token that a caller presented, which is kept in memory for it. */
  readonly needsCallerToken?: true;
  /** URLs that get secrets of the gateway or of callers: plain http is refused beyond this machine. */
  urls?(options: z.output<Options>): readonly string[];
  create(options: z.output<Options>, parts: CredentialParts): CredentialKind;
}

export function defineCredential<const Id extends string, Options extends z.ZodType>(
  definition: CredentialDefinition<Id, Options>,
): CredentialDefinition<Id, Options> {
  return definition;
}
