/**
 * The way through the browser: an authorization request with PKCE, and the check of what comes back before anything of
 * it is used (RFC 7636, RFC 8707, RFC 9207, OAuth 2.1).
 */
import {
  AuthorizationResponseError,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomState,
  OperationProcessingError,
  skipStateCheck,
  UnsupportedOperationError,
  validateAuthResponse,
} from 'oauth4webapi';
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

export async function beginAuthorization(request: AuthorizationRequest): Promise<Begun> {
  const { endpoint, clientId, redirectUri, scopes, resource, nonce } = request;
  const [state, verifier] = [generateRandomState(), generateRandomCodeVerifier()];
  const url = new URL(endpoint);
  const parameters: Readonly<Record<string, string | undefined>> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: await calculatePKCECodeChallenge(verifier),
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

/** What is known of the server that was asked, and of what it was asked. */
export interface Awaited {
  readonly issuer: string;
  /** The server promises to name itself in its answers (RFC 9207, 3). */
  readonly namesIssuer: boolean;
}

/**
 * The answer of an authorization server, from the query of the callback; its `state` has been matched before, as it is
 * what the answer was found by. The issuer comes first, for errors as for codes: what another server says is not even
 * read. Texts are compared as they are (RFC 9207, 2.4; RFC 3986, 6.2.1).
 */
export function readReturn(query: URLSearchParams, { issuer, namesIssuer }: Awaited): Returned {
  const no = (problem: string, denied: 'denied' | 'failed' = 'failed'): Returned => ({
    ok: false,
    denied: denied === 'denied',
    problem,
  });
  const named = query.getAll('iss');
  if (named.length > 1) return no('the answer names more than one issuer');
  if (named.length === 0 && namesIssuer) return no('the answer does not name its issuer, which it must');
  if (named.length === 1 && named[0] !== issuer) return no('the answer comes from another issuer');
  const server = { issuer, authorization_response_iss_parameter_supported: namesIssuer };
  try {
    // The client plays no part in the answer: the library wants one named.
    const answer = validateAuthResponse(server, { client_id: '-' }, query, skipStateCheck);
    const code = answer.get('code') ?? '';
    return query.getAll('code').length === 1 && /^[\x20-\x7e]{1,4096}$/.test(code)
      ? { ok: true, code }
      : no('the answer has no code');
  } catch (error) {
    if (error instanceof AuthorizationResponseError) {
      const word = /^[a-z_]{1,64}$/.test(error.error) ? error.error : 'an error';
      return no(`the authorization server says ${word}`, word === 'access_denied' ? 'denied' : 'failed');
    }
    // Parameters that stand twice, and what belongs to flows that were not asked for.
    if (error instanceof OperationProcessingError || error instanceof UnsupportedOperationError)
      return no('the answer has no code');
    throw error;
  }
}

/** Does the server promise to name itself in its answers (RFC 9207, 3)? */
export function promisesIssuer({ document }: ServerMetadata): boolean {
  return document.authorization_response_iss_parameter_supported === true;
}
