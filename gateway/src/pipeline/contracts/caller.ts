/** Who is behind a request. */
import type { JsonObject } from '../../protocol/json.ts';

/**
 * A caller as an authenticator established it. At least one of user, agent and application is present. One credential
 * yields one object for as long as it is valid and nothing about it changes, so that decisions can be remembered by
 * identity.
 */
export interface Caller {
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  readonly roles: readonly string[];
  /** As a token names them. */
  readonly groups?: readonly string[];
  readonly scopes: readonly string[];
  readonly claims: JsonObject;
  readonly attributes: JsonObject;
  readonly trust: 'untrusted' | 'standard' | 'trusted';
  /** How the caller proved it. `id` is public: it names the credential, it is not the credential. */
  readonly credential: Credential;
  /** Stable text for keys of maps and for binding: user, agent and application, each with its kind. */
  readonly key: string;
}

export interface Credential {
  readonly kind: 'api-key' | 'token' | 'certificate' | 'anonymous' | 'local';
  readonly id: string;
  /** Milliseconds since the epoch after which the credential is worthless. */
  readonly expiresAt?: number;
  /** The token itself: only the authorization server that exchanges it gets it. */
  readonly subjectToken?: () => string;
  /** A token that only its issuer can judge, to ask about it again while something that it opened stays open. */
  readonly introspected?: () => string;
  /** Of a token: its issuer. */
  readonly issuer?: string;
  /** Of a certificate: its digest, and the names in it. */
  readonly thumbprint?: string;
  readonly names?: readonly string[];
}

/** The stable name of a caller: `user:dana agent:support-bot`. */
export function callerKey(parts: { user?: string; agent?: string; application?: string }): string {
  const words: string[] = [];
  if (parts.user !== undefined) words.push(`user:${parts.user}`);
  if (parts.agent !== undefined) words.push(`agent:${parts.agent}`);
  if (parts.application !== undefined) words.push(`application:${parts.application}`);
  return words.join(' ');
}
