/**
 * Identity assertion authorization grants (draft-ietf-oauth-identity-assertion-authz-grant): is what an identity provider
 * issued the grant that was asked for? Its signature is checked by the authorization server that it is made for; the
 * gateway checks that it is made for that one alone before it hands it over.
 */
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';

export const tokenTypes = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  idJag: 'urn:ietf:params:oauth:token-type:id-jag',
} as const;

export const grantTypes = {
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const;

export interface Expected {
  /** The identity provider, where it is known by its issuer. */
  readonly issuer: string | undefined;
  /** The issuer of the authorization server of the resource. */
  readonly audience: string;
  /** Who the gateway is there. */
  readonly clientId: string;
  readonly resource: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Why this is not the grant that was asked for, without repeating any of it; `undefined` when it is. */
export function idJagProblem(
  token: string,
  { issuer, audience, clientId, resource, now }: Expected,
): string | undefined {
  let header: { typ?: unknown };
  let claims: Record<string, unknown>;
  try {
    header = decodeProtectedHeader(token);
    claims = decodeJwt(token);
  } catch {
    return 'it is no JWT';
  }
  // "The typ of the JWT MUST be oauth-id-jag+jwt": no ID token or access token passes for one.
  const { typ } = header;
  if (typeof typ !== 'string' || typ.toLowerCase().replace(/^application\//, '') !== 'oauth-id-jag+jwt')
    return 'it is a JWT of another type';
  if (issuer !== undefined && claims['iss'] !== issuer) return 'its issuer is another one';
  if (!isOnly(claims['aud'], audience)) return 'it is for another authorization server';
  if (claims['client_id'] !== clientId) return 'it is for another client';
  if (claims['resource'] !== undefined && !isOnly(claims['resource'], resource)) return 'it is for another resource';
  const { exp } = claims;
  return typeof exp === 'number' && exp * 1_000 > now ? undefined : 'it is over';
}

function isOnly(value: unknown, wanted: string): boolean {
  return value === wanted || (Array.isArray(value) && value.length === 1 && value[0] === wanted);
}
