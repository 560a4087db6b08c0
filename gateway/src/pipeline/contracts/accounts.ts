/**
 * Accounts: what users have at servers that want to know them. `upstreams/` keeps the tokens, `accounts/` shows the page
 * on which a user connects an account; they know each other by this file only.
 */

/** A user has to open a page before a call can be made. */
export interface AccountLinkPrompt {
  readonly server: string;
  /** The page; absent where this process shows none. */
  readonly url?: string;
  /** Names the invitation, and opens nothing. */
  readonly id: string;
}

/** Makes the page for a user; `undefined` where this process shows none. `wanted`: scopes that a call lacked. */
export type MakeAccountLink = (server: string, user: string, wanted: readonly string[]) => AccountLinkPrompt;

/** What a user is asked to agree to. */
export interface AccountPlan {
  readonly issuer: string;
  readonly scopes: readonly string[];
}

/** What must be remembered until the browser comes back from the authorization server. */
export interface AccountAttempt {
  /** Where the browser goes. */
  readonly url: string;
  readonly state: string;
  readonly plan: AccountPlan;
}

/** `problem` is for the record and the log, never for the page. */
export type AccountOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string; readonly denied?: boolean };

/** The accounts of users at one server. */
export interface Accounts {
  /** Asks the server anew whose tokens it wants. */
  plan(user: string, wanted: readonly string[]): Promise<AccountOutcome<AccountPlan>>;
  /** Registers the gateway where need be. */
  begin(plan: AccountPlan): Promise<AccountOutcome<AccountAttempt>>;
  /** Checks who answers, redeems the code and keeps what comes. An attempt is good for one answer. */
  finish(user: string, attempt: AccountAttempt, query: URLSearchParams): Promise<AccountOutcome<undefined>>;
}

/** Paths below the public URL. */
export const accountPaths = {
  page: '/connect/',
  callback: '/connect/callback',
  signedIn: '/connect/signed-in',
  clientMetadata: '/client-metadata.json',
  approval: '/approve/',
} as const;

/** How a user proves in a browser who it is: at the issuer whose tokens it calls with. */
export interface SignIns {
  /** The issuers at which that is possible, by their names in the configuration. */
  readonly names: readonly string[];
  begin(name: string, redirectUri: string): Promise<AccountOutcome<SignInAttempt>>;
  finish(attempt: SignInAttempt, query: URLSearchParams): Promise<AccountOutcome<SignedInUser>>;
}

export interface SignedInUser {
  /** Named exactly as with a token of that issuer. */
  readonly user: string;
  /** As the ID token names them. */
  readonly groups: readonly string[];
  /** Its name in the configuration. */
  readonly issuer: string;
}

export interface SignInAttempt {
  readonly url: string;
  readonly state: string;
}
