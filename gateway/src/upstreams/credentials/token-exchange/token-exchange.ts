/**
 * RFC 8693: the token that a caller presented to the gateway becomes a token for the server, on behalf of that caller.
 * The caller's own token goes to the authorization server that can read it, and nowhere else.
 */
import type { OAuthConfig } from '../../../config/schema/credentials.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { type Granted, TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import type { Caller } from '../../../pipeline/caller.ts';
import type { Credential, CredentialKind } from '../contract.ts';
import { TokenCredential } from '../token.ts';

const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
/** Callers whose tokens are kept at the same time. */
export const mostCallers = 10_000;

interface Exchanged {
  caller: Caller;
  readonly credential: TokenCredential;
}

export function tokenExchange(
  config: OAuthConfig & { readonly actor: boolean },
  resource: string,
  fetch: Fetch,
): CredentialKind {
  const endpoint = new TokenEndpoint(config, fetch);
  const scope = config.scopes.length === 0 ? undefined : config.scopes.join(' ');
  // Who acts for the caller: the gateway, by a token of its own (RFC 8693, 1.1, delegation).
  let actor: { readonly token: string; readonly until: number } | undefined;
  const actorToken = async (): Promise<Granted> => {
    if (actor !== undefined && Date.now() < actor.until) return { ok: true, token: actor.token };
    const granted = await endpoint.ask({ grant_type: 'client_credentials' });
    if (granted.ok) actor = { token: granted.token, until: Date.now() + (granted.lifetime ?? 60_000) * 0.75 };
    return granted;
  };
  const exchange = async ({ credential }: Caller): Promise<Granted> => {
    const subject = credential.subjectToken?.();
    if (subject === undefined) return { ok: false, lasting: true, problem: 'the caller has no token to exchange' };
    const acting = config.actor ? await actorToken() : undefined;
    if (acting?.ok === false) return acting;
    const granted = await endpoint.ask({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: accessToken,
      requested_token_type: accessToken,
      actor_token: acting?.token,
      actor_token_type: acting === undefined ? undefined : accessToken,
      resource: config.resource ?? resource,
      audience: config.audience,
      scope,
    });
    // What was made from a token does not outlive it.
    return granted.ok && credential.expiresAt !== undefined ? { ...granted, notAfter: credential.expiresAt } : granted;
  };
  // One entry for each caller: two users never wait for the same token, and never get each other's.
  const known = new Map<string, Exchanged>();
  return {
    perCaller: true,
    of(caller): Credential {
      if (caller === undefined) return nobody;
      let entry = known.get(caller.key);
      if (entry === undefined) {
        const made: Exchanged = { caller, credential: new TokenCredential(() => exchange(made.caller)) };
        entry = made;
        if (known.size >= mostCallers) known.delete(known.keys().next().value ?? '');
        known.set(caller.key, entry);
      } else if (entry.caller !== caller && endOf(caller) >= endOf(entry.caller)) entry.caller = caller;
      return entry.credential;
    },
    *all() {
      for (const [key, { credential }] of known) yield [key, credential] as const;
    },
  };
}

function endOf({ credential }: Caller): number {
  return credential.subjectToken === undefined
    ? Number.NEGATIVE_INFINITY
    : (credential.expiresAt ?? Number.POSITIVE_INFINITY);
}

const nobody: Credential = {
  ready: () => ({ ok: false, problem: 'nobody calls, so there is no token to exchange' }),
  current: () => ({}),
  secrets: () => [],
  refused: () => false,
  state: () => ({ state: 'unused' }),
};
