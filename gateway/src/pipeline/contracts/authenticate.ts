/** The contract of stage 3. `stages/authenticate/` implements it; the road and the listeners know this file only. */

import type { Outcome } from '../refusal.ts';
import type { Caller, Credential } from './caller.ts';

/** The body, for a proof that covers every byte of it. */
export interface CoveredBody {
  /** Bytes that it may have. */
  readonly limit: number;
  /**
   * `claimed`: the key of the caller that the proof proves. `too-large` also when the body ends early; `too-many` when the
   * caller's share of what is read from this address is used up.
   */
  read(claimed: string): Promise<Buffer | 'too-large' | 'too-many'>;
}

/** What a request brought along to prove who sent it. */
export interface Credentials {
  /** The Authorization header as received. */
  readonly authorization?: string | undefined;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly address?: string | undefined;
  readonly transport: 'http' | 'stdio';
  /** The resource that a token must have been issued for (RFC 8707): the endpoint, as clients know it. */
  readonly resource?: string;
  readonly method?: string | undefined;
  readonly body?: CoveredBody | undefined;
  readonly certificate?: ClientCertificate | undefined;
}

export type AuthnResult = Outcome<Caller>;

/** What a client proved in the TLS handshake. */
export interface ClientCertificate {
  /** SHA-256 of the certificate, base64url: `x5t#S256` (RFC 8705). */
  readonly thumbprint: string;
  /** Alternative names with their kind: `URI:spiffe://…`, `DNS:…`, `email:…`. */
  readonly names: readonly string[];
  readonly expiresAt: number;
}

export interface Authenticator {
  readonly id: string;
  /** The kinds of credential that it makes callers of. */
  readonly kinds: readonly Credential['kind'][];
  /** False when a credential was revoked. Asked often: answers from memory. */
  stands(caller: Caller): boolean;
  /** The caller that a credential, which was proved before, stands for under this revision. */
  renew(caller: Caller): Caller | undefined;
  /** `undefined` means "not my kind of credential": the next one is asked. A refusal ends the search. */
  authenticate(credentials: Credentials): AuthnResult | undefined | Promise<AuthnResult | undefined>;
}

/** All authenticators, asked in their order. Answers at once where none of them has to wait. */
export type Authenticate = (credentials: Credentials) => AuthnResult | Promise<AuthnResult>;
