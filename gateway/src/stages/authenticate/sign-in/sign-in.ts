/**
 * OpenID Connect sign-in at the issuers whose tokens are accepted: who is in front of this browser? What comes out is the
 * name that a token of the same issuer would have given, by the same mapping.
 */
import { generateRandomNonce } from 'oauth4webapi';
import { isLoopback } from '../../../config/names.ts';
import type { Configuration } from '../../../config/schema/index.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { beginAuthorization, promisesIssuer, readReturn } from '../../../oauth/authorization.ts';
import { discover, type ServerMetadata } from '../../../oauth/discovery.ts';
import { methodFor } from '../../../oauth/registration.ts';
import { askForToken } from '../../../oauth/token-endpoint.ts';
import type { AccountOutcome, SignedInUser, SignInAttempt, SignIns } from '../../../pipeline/contracts/accounts.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import { callerFromClaims } from '../jwt/claims.ts';
import type { IssuerKeys } from '../jwt/keys.ts';
import type { IssuerConfig } from '../jwt/options.ts';
import { audiencesOf, readToken, verifyToken } from '../jwt/verify.ts';

interface Attempt extends SignInAttempt {
  readonly name: string;
  readonly issuer: IssuerConfig;
  readonly metadata: ServerMetadata;
  readonly verifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

const no = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

export function signIns(
  configuration: Configuration,
  keysOf: (issuer: IssuerConfig) => IssuerKeys,
  fetch: Fetch,
): SignIns {
  const issuers = new Map(
    Object.entries(configuration.authentication.issuers).filter(([, { signIn }]) => signIn !== undefined),
  );
  return {
    names: [...issuers.keys()],
    async begin(name, redirectUri): Promise<AccountOutcome<Attempt>> {
      const issuer = issuers.get(name);
      if (issuer?.signIn === undefined) return no('the issuer has no signIn settings');
      const found = await discover({ issuer: issuer.issuer, operator: true }, fetch);
      if (!found.ok) return found;
      const endpoint = found.metadata.url('authorization_endpoint');
      if (endpoint === undefined) return no('the issuer has no page to sign in');
      if (!isSafe(endpoint.url)) return no('the page to sign in is not https');
      const nonce = generateRandomNonce();
      const { clientId, scopes } = issuer.signIn;
      const begun = await beginAuthorization({ endpoint: endpoint.url, clientId, redirectUri, scopes, nonce });
      return { ok: true, value: { ...begun, name, issuer, metadata: found.metadata, nonce, redirectUri } };
    },
    async finish(attempt, query) {
      const { name, issuer, metadata, verifier, nonce, redirectUri } = attempt as Attempt;
      const returned = readReturn(query, { issuer: issuer.issuer, namesIssuer: promisesIssuer(metadata) });
      if (!returned.ok) return returned;
      const place = metadata.url('token_endpoint');
      if (issuer.signIn === undefined || place === undefined) return no('the issuer has no token_endpoint');
      if (!isSafe(place.url)) return no('the token_endpoint is not https');
      const client = { ...issuer.signIn, algorithm: '' };
      const granted = await askForToken(
        { ...place, issuer: issuer.issuer },
        { ...client, method: methodFor(client, metadata) },
        {
          parameters: {
            grant_type: 'authorization_code',
            code: returned.code,
            code_verifier: verifier,
            redirect_uri: redirectUri,
          },
          fetch,
        },
      );
      if (!granted.ok) return granted;
      const parts = granted.idToken === undefined ? undefined : readToken(granted.idToken);
      if (parts === undefined || granted.idToken === undefined) return no('the issuer gave no ID token');
      const { type: _accessTokens, ...rules } = issuer;
      const verified = await verifyToken(granted.idToken, parts, {
        issuer: rules,
        keys: keysOf(issuer),
        now: Date.now(),
      });
      if (!verified.ok) return verified;
      const problem = idTokenProblem(verified.claims, client.clientId, nonce);
      return problem === undefined ? userOf(configuration, { name, issuer }, verified.claims) : no(problem);
    },
  };
}

/** https, or plain http that does not leave this machine: codes and secrets travel there. */
function isSafe(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
}

/** OpenID Connect Core, 3.1.3.7, beyond what is checked of every token. */
function idTokenProblem(claims: JsonObject, clientId: string, nonce: string): string | undefined {
  const audiences = audiencesOf(claims);
  if (!audiences.includes(clientId)) return 'the ID token is for another client';
  if ((audiences.length > 1 || claims.azp !== undefined) && claims.azp !== clientId)
    return 'the ID token was issued to another client';
  return claims.nonce === nonce ? undefined : 'the ID token belongs to another sign-in';
}

function userOf(
  configuration: Configuration,
  { name, issuer }: Pick<Attempt, 'name' | 'issuer'>,
  claims: JsonObject,
): AccountOutcome<SignedInUser> {
  // The client of an ID token is the gateway itself, so no agent or application is derived from it.
  const user = { ...issuer, claims: { ...issuer.claims, agent: [], application: [] } };
  const caller = callerFromClaims(configuration, user, { claims, credential: { kind: 'token', id: 'sign-in' } });
  if (typeof caller === 'string') return no(caller);
  if (caller.user === undefined) return no('the ID token names no user');
  return { ok: true, value: { user: caller.user, groups: caller.groups ?? [], issuer: name } };
}
