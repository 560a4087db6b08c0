/**
 * The way through the browser: an authorization request with PKCE, and the check of what comes back before anything of
 * it is used (RFC 7636, RFC 8707, RFC 9207, OAuth 2.1).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ServerMetadata } from './discovery.ts';

export interface AuthorizationRequest {
  readonly endpoint: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly resource?: string;
  readonly nonce?: string;
}

/** What must be remembered until the browser comes back. `verifier` is a secret. */
export interface Begun {
  readonly url: string;
  readonly state: string;
  readonly verifier: string;
}

/** 256 random bits, in letters that may stand in a URL. */
export function randomText(): string {
  return randomBytes(32).toString('base64url');
}

export function beginAuthorization(request: AuthorizationRequest): Begun {
  const { endpoint, clientId, redirectUri, scopes, resource, nonce } = request;
  const [state, verifier] = [randomText(), randomText()];
  const url = new URL(endpoint);
  const parameters: Readonly<Record<string, string | undefined>> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    // "MUST be included in both authorization requests and token requests" (2026-07-28).
    resource,
    nonce,
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    // "offline_access ... MUST be ignored unless ... prompt parameter contains consent" (OpenID Connect Core, 11).
    prompt: scopes.includes('offline_access') ? 'consent' : undefined,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return { url: url.href, state, verifier };
}

/** Why this server must not be used for a code; `undefined` when it may. */
export function metadataProblem({ document }: ServerMetadata): string | undefined {
  const { code_challenge_methods_supported: methods } = document;
  // "If code_challenge_methods_supported is absent, ... MCP clients MUST refuse to proceed" (2026-07-28).
  if (!Array.isArray(methods) || !(methods as readonly unknown[]).includes('S256'))
    return 'the authorization server does not say that it supports PKCE with S256';
  return undefined;
}

export type Returned =
  | { readonly ok: true; readonly code: string }
  | { readonly ok: false; readonly denied: boolean; readonly problem: string };

/**
 * The answer of an authorization server, from the query of the callback. The issuer comes first, for errors as for
 * codes: what another server says is not even read. Texts are compared as they are (RFC 9207, 2.4; RFC 3986, 6.2.1).
 */
export function readReturn(query: URLSearchParams, issuer: string, issRequired: boolean): Returned {
  const refused = (problem: string, denied = false): Returned => ({ ok: false, denied, problem });
  const named = query.getAll('iss');
  if (named.length > 1) return refused('the answer names more than one issuer');
  if (named.length === 0 && issRequired) return refused('the answer does not name its issuer, which it must');
  if (named.length === 1 && named[0] !== issuer) return refused('the answer comes from another issuer');
  const error = query.get('error');
  if (error !== null) {
    const word = /^[a-z_]{1,64}$/.test(error) ? error : 'an error';
    return refused(`the authorization server says ${word}`, error === 'access_denied');
  }
  const codes = query.getAll('code');
  const [code] = codes;
  return codes.length === 1 && code !== undefined && /^[\x20-\x7e]{1,4096}$/.test(code)
    ? { ok: true, code }
    : refused('the answer has no code');
}

/** Does the server promise to name itself in its answers (RFC 9207, 3)? */
export function promisesIssuer({ document }: ServerMetadata): boolean {
  return document.authorization_response_iss_parameter_supported === true;
}
