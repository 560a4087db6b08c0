/**
 * Access tokens of authorization servers, as `Authorization: Bearer`. What was verified is remembered by the digest of
 * the token for at most half a minute and never beyond its end; until then a call costs a digest and a look into a map.
 */
import { hash } from 'node:crypto';
import { callCredentials, needsCallerToken, standbyOf } from '../../../config/schema/credentials.ts';
import type { Configuration } from '../../../config/schema/index.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import type { Authenticator, AuthnResult, Credentials } from '../../../pipeline/contracts/authenticate.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { type CredentialFault, pass, refuse } from '../../../pipeline/refusal.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import { equal, noRoom, proofProblem, tooLarge, UsedProofs } from '../dpop/proof.ts';
import type { Throttle } from '../throttle.ts';
import { callerFromClaims } from './claims.ts';
import type { IssuerKeys } from './keys.ts';
import { askAbout } from './opaque.ts';
import type { IssuerConfig } from './options.ts';
import { verifyingRooms } from './rooms.ts';
import { audiencesOf, invalid, type TokenParts as Parts, readToken, type Verified, verifyToken } from './verify.ts';

/** Milliseconds for which a verified token is not looked at again. */
export const maxTrustMs = 30_000;
export const maxRemembered = 10_000;
export const maxRememberedOfCaller = 256;
/** Tokens of which it is not known which issuer they are of. */
const opaque = '';
const maxTokenLength = 16_384;

export interface TokenParts {
  readonly configuration: Configuration;
  readonly keysOf: (issuer: IssuerConfig) => IssuerKeys;
  readonly fetch: Fetch;
  readonly throttle?: Throttle;
  /** Outlives a revision: what was used stays used. */
  readonly proofs?: UsedProofs;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface Known {
  readonly caller: Caller;
  readonly claims: JsonObject;
  readonly audiences: readonly string[];
  /** Milliseconds since the epoch. */
  readonly until: number;
}

type Found = { readonly ok: true; readonly known: Known } | (Verified & { readonly ok: false });

export interface TokenAuthenticator extends Authenticator {
  /** Is the token behind a caller still good? Asks where only the issuer can tell; else the end of the token counts. */
  stillGood(caller: Caller): Promise<boolean>;
}

export function tokenAuthenticator({
  configuration,
  keysOf,
  fetch,
  throttle,
  proofs = new UsedProofs(),
  now = Date.now,
}: TokenParts): TokenAuthenticator {
  const { freeFailures } = configuration.authentication;
  const issuers = Object.values(configuration.authentication.issuers);
  const byUrl = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  // Kept in memory only where a server's credential is made from it.
  const exchanged = Object.values(configuration.servers).some(
    (server) =>
      'url' in server &&
      [server.credential, standbyOf(server.credentials), ...callCredentials(server.credentials).list].some(
        needsCallerToken,
      ),
  );
  const introspecting = issuers.filter(({ introspection }) => introspection !== undefined);
  const remembered = new Map<string, Known>();
  const byCredential = new Map<string, string>();
  /** The digests of the tokens of each caller, oldest first. */
  const ofCaller = new Map<string, Set<string>>();
  const usedProofs = proofs;
  const tooMany = (wait: number): AuthnResult =>
    refuse({ reason: 'too-many-failures', seconds: Math.ceil(wait / 1_000) });
  /** Credentials of which the issuer, or a key that is gone, said that they are over. The oldest go first. */
  const ended = new Set<string>();
  const end = (id: string): void => {
    ended.add(id);
    if (ended.size > maxRemembered) ended.delete(ended.values().next().value ?? '');
  };
  const verifying = new Map<string, Promise<Found>>();
  const rooms = verifyingRooms();

  const remember = (digest: string, known: Known): void => {
    const before = remembered.get(digest);
    remembered.delete(digest);
    const own = ofCaller.get(known.caller.key) ?? new Set<string>();
    ofCaller.set(known.caller.key, own);
    own.delete(digest);
    // A caller with many tokens loses its own oldest ones, and not those of others.
    const [mine] = own;
    if (own.size >= maxRememberedOfCaller && mine !== undefined) forgetDigest(mine);
    const [oldest] = remembered;
    if (remembered.size >= maxRemembered && oldest !== undefined) forgetDigest(oldest[0]);
    own.add(digest);
    remembered.set(digest, known);
    ended.delete(known.caller.credential.id);
    if (before === undefined) byCredential.set(known.caller.credential.id, digest);
  };
  const forget = (digest: string, { caller }: Known): void => {
    remembered.delete(digest);
    byCredential.delete(caller.credential.id);
    const own = ofCaller.get(caller.key);
    own?.delete(digest);
    if (own?.size === 0) ofCaller.delete(caller.key);
  };
  const forgetDigest = (digest: string): void => {
    const known = remembered.get(digest);
    if (known !== undefined) forget(digest, known);
  };

  const establish = (
    digest: string,
    issuer: IssuerConfig,
    claims: JsonObject,
    token: string,
    asked: boolean,
  ): Found => {
    const ends = typeof claims.exp === 'number' ? claims.exp * 1_000 : undefined;
    const before = remembered.get(digest);
    // Decisions are remembered by the caller object, so it stays the same while the token says the same.
    const caller =
      before !== undefined && JSON.stringify(before.claims) === JSON.stringify(claims)
        ? before.caller
        : callerFromClaims(configuration, issuer, {
            claims,
            credential: {
              kind: 'token',
              id: `token_${digest.slice(0, 16)}`,
              ...(ends === undefined ? {} : { expiresAt: ends + issuer.skew }),
              ...(exchanged ? { subjectToken: () => token } : {}),
              ...(asked ? { introspected: () => token } : {}),
              issuer: issuer.issuer,
            },
          });
    if (typeof caller === 'string') return invalid('caller', caller);
    const until = Math.min(now() + maxTrustMs, ends ?? Number.POSITIVE_INFINITY);
    const known: Known = {
      caller,
      claims,
      audiences: audiencesOf(claims),
      until,
    };
    remember(digest, known);
    return { ok: true, known };
  };

  const verify = async (token: string, digest: string, parts: Parts | undefined): Promise<Found> => {
    if (parts !== undefined) {
      const issuer = byUrl.get(parts.issuer);
      if (issuer === undefined) return invalid('unknown', 'the token is from an issuer that is not accepted');
      const verified = await verifyToken(token, parts, { issuer, keys: keysOf(issuer), now: now() });
      return verified.ok ? establish(digest, issuer, verified.claims, token, false) : verified;
    }
    // Which issuer it is of was found out before: no other one is asked.
    const before = byUrl.get(remembered.get(digest)?.caller.credential.issuer ?? '');
    const asked = await askAbout(token, {
      issuers: before === undefined ? introspecting : [before],
      fetch,
      now,
      trustMs: maxTrustMs,
    });
    return asked.ok ? establish(digest, asked.issuer, asked.claims, token, true) : asked;
  };

  /** `source`: whose share it takes. */
  const check = (token: string, digest: string, parts: Parts | undefined, source = ''): Promise<Found> => {
    const running = verifying.get(digest);
    if (running !== undefined) return running;
    const isKnown = remembered.has(digest);
    const room = rooms.enter(parts === undefined ? opaque : parts.issuer, source);
    // One that was valid before needs no room: it is asked about however many others wait for an answer.
    if (room === undefined && !isKnown)
      return Promise.resolve({ ...invalid('signature', 'too many tokens to verify at once'), unreachable: true });
    const started = verify(token, digest, parts).then((found) => {
      const before = remembered.get(digest);
      if (!found.ok && !found.unreachable && before !== undefined) {
        forget(digest, before);
        end(before.caller.credential.id);
      }
      return found;
    });
    const ended = started.finally(() => {
      verifying.delete(digest);
      room?.();
    });
    verifying.set(digest, ended);
    return ended;
  };

  const answer = (found: Found, presented: Presented, credentials: Credentials): AuthnResult | Promise<AuthnResult> => {
    if (!found.ok)
      return found.unreachable
        ? refuse({ reason: 'authentication-unavailable', detail: found.problem })
        : refuse({
            reason: 'credentials-invalid',
            cause: found.cause,
            detail: `token: ${found.problem}`,
            ...(found.signed === true ? { signed: true } : {}),
          });
    const { known } = found;
    const { caller, audiences, claims } = known;
    const { resource } = credentials;
    // "MUST validate that access tokens were issued specifically for them as the intended audience" (2026-07-28).
    if (resource === undefined || !audiences.includes(resource))
      return refuse({
        reason: 'credentials-invalid',
        cause: 'audience',
        detail: 'token: not issued for this resource',
      });
    if (claims.cnf !== undefined || presented.scheme === 'dpop') return prove(presented, known, credentials);
    return pass(caller);
  };

  /** A bound token counts only with the proof of its key; a proof for a token that is not bound proves nothing. */
  const prove = (
    { scheme, token }: Presented,
    { caller, claims }: Known,
    { certificate, headers, method, resource, body }: Credentials,
  ): AuthnResult | Promise<AuthnResult> => {
    const not = (detail: string, cause: CredentialFault = 'binding'): AuthnResult =>
      refuse({ reason: 'credentials-invalid', cause, detail: `token: ${detail}` });
    const confirmation = isObject(claims.cnf) ? claims.cnf : {};
    const { jkt, 'x5t#S256': certified, ...others } = confirmation;
    if (Object.keys(others).length > 0 || (jkt ?? certified) === undefined)
      return not('bound to a key that cannot be proved here');
    // RFC 8705, 3: the certificate of this very connection.
    if (
      certified !== undefined &&
      (typeof certified !== 'string' || certificate === undefined || !equal(certified, certificate.thumbprint))
    )
      return not('bound to another certificate');
    if (jkt === undefined) return scheme === 'dpop' ? not('not bound to a DPoP key') : pass(caller);
    if (scheme !== 'dpop' || typeof jkt !== 'string') return not('bound to a DPoP key, and presented without proof');
    const { dpop } = headers;
    return proofProblem(
      {
        proof: typeof dpop === 'string' ? dpop : undefined,
        token,
        thumbprint: jkt,
        method: method ?? '',
        url: resource ?? '',
        body: body === undefined ? undefined : () => body.read(caller.key),
        digestRequired: configuration.authentication.contentDigest === 'required' && method === 'POST',
      },
      usedProofs,
      now(),
    ).then((problem) => {
      if (problem === undefined) return pass(caller);
      if (problem === tooLarge && body !== undefined) return refuse({ reason: 'body-too-large', limit: body.limit });
      const detail = `DPoP: ${problem}`;
      return problem === noRoom ? refuse({ reason: 'authentication-unavailable', detail }) : not(detail, 'proof');
    });
  };

  return {
    id: 'token',
    kinds: ['token'],
    stands: ({ credential }) => !ended.has(credential.id),
    // Signature and key binding are not verified again; the caller that the claims stand for may change.
    renew({ credential, claims }) {
      const digest = byCredential.get(credential.id);
      const known = digest === undefined ? undefined : remembered.get(digest);
      if (known !== undefined) return known.caller;
      const issuer = byUrl.get(credential.issuer ?? '');
      if (issuer === undefined) return undefined;
      const caller = callerFromClaims(configuration, issuer, { claims, credential });
      return typeof caller === 'string' ? undefined : caller;
    },
    authenticate(credentials) {
      const presented = issuers.length === 0 ? undefined : presentedIn(credentials.authorization);
      if (presented === undefined) return undefined;
      const { token } = presented;
      const digest = hash('sha256', token, 'base64url');
      const known = remembered.get(digest);
      if (known !== undefined && now() < known.until) return answer({ ok: true, known }, presented, credentials);
      const parts = readToken(token);
      // A token that was valid is verified despite any pause: others cannot lock out a caller that is already in.
      if (known !== undefined)
        return check(token, digest, parts).then((found) => answer(found, presented, credentials));
      // Anything else is not even looked at while its source or its subject has to wait.
      const { address } = credentials;
      const identity = identityOf(parts);
      const wait = throttle?.pause(address, identity, now(), freeFailures) ?? 0;
      if (wait > 0) return tooMany(wait);
      return check(token, digest, parts, address).then((found) => answer(found, presented, credentials));
    },
    async stillGood({ credential }) {
      if (credential.expiresAt !== undefined && credential.expiresAt <= now()) return false;
      if (ended.has(credential.id)) return false;
      if (credential.introspected === undefined) return true;
      const token = credential.introspected();
      const digest = hash('sha256', token, 'base64url');
      const known = remembered.get(digest);
      if (known !== undefined && now() < known.until) return true;
      const found = await check(token, digest, undefined);
      if (found.ok || found.unreachable) return true;
      end(credential.id);
      return false;
    },
  };
}

/** The identity that a token claims. Its signature is not verified here. */
export function claimedIdentity(token: string): string | undefined {
  return identityOf(readToken(token));
}

function identityOf(parts: Parts | undefined): string | undefined {
  return parts === undefined ? undefined : `${parts.issuer} ${parts.subject}`.slice(0, 512);
}

interface Presented {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

/** The token in an Authorization header (RFC 6750, 2.1; RFC 9449, 7.1). The scheme knows no case. */
function presentedIn(authorization: string | undefined): Presented | undefined {
  if (authorization === undefined || authorization.length > maxTokenLength) return undefined;
  const [, scheme = '', token] = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*) *$/i.exec(authorization) ?? [];
  return token === undefined ? undefined : { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token };
}
