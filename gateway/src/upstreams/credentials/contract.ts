/** What the gateway presents to a server. Adding a kind: a folder and a line in `index.ts`. */
import type { BearerChallenge } from '../../oauth/challenge.ts';
import type { AccountLinkPrompt } from '../../pipeline/contracts/accounts.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';

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
  /** All that were handed out, by the key of the caller; of shared ones under the empty text. */
  all(): Iterable<readonly [string, Credential]>;
}
