/** Is this access token valid here and now? RFC 7519, 8725, 9068. Says what was wrong for the record only. */

import type { CryptoKey } from 'jose';
import { compactVerify } from 'jose/jws/compact/verify';
import type { CredentialFault } from '../../../pipeline/refusal.ts';
import { isObject, type Json, type JsonObject, parseJsonText } from '../../../protocol/json.ts';
import type { IssuerKeys } from './keys.ts';
import type { IssuerConfig } from './options.ts';

export type Verified =
  | { readonly ok: true; readonly claims: JsonObject }
  /** `signed`: by the issuer that it names, so the claims are those of the identity that they name. */
  | {
      readonly ok: false;
      /** The issuer could not be asked, so nothing is known of the token. */
      readonly unreachable: boolean;
      readonly signed?: true;
      readonly cause: CredentialFault;
      readonly problem: string;
    };

export interface TokenParts {
  readonly header: JsonObject;
  /** Not verified. Until the signature is, only the issuer to ask is taken from them. */
  readonly claims: JsonObject;
  readonly issuer: string;
  readonly subject: string;
}

/** `undefined` for text that is no JWT with an issuer. */
export function readToken(token: string): TokenParts | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  const header = decode(parts[0]);
  const claims = decode(parts[1]);
  if (header === undefined || claims === undefined || typeof claims.iss !== 'string') return undefined;
  return { header, claims, issuer: claims.iss, subject: typeof claims.sub === 'string' ? claims.sub : '' };
}

/** `now` in milliseconds. The audience is not checked here: the caller of this function knows the resource. */
export async function verifyToken(
  token: string,
  { header, claims }: TokenParts,
  { issuer, keys, now }: { readonly issuer: IssuerConfig; readonly keys: IssuerKeys; readonly now: number },
): Promise<Verified> {
  const { alg, kid, typ, crit } = header;
  // RFC 8725, 3.1: only algorithms that were chosen here, never what a token says about itself.
  if (typeof alg !== 'string' || !(issuer.algorithms as readonly string[]).includes(alg))
    return invalid('algorithm', 'the algorithm is not accepted');
  if (!typeFits(typ, issuer.type)) return invalid('type', 'the type is not accepted');
  // No extension is understood here, so none may be critical (RFC 7515, 4.1.11).
  if (crit !== undefined) return invalid('malformed', 'a critical header is not understood');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 512)) return invalid('malformed', 'kid is no text');
  const found = await keys.find(alg, kid);
  if (!found.ok) return { ...invalid('signature', found.problem), unreachable: found.reason === 'unreachable' };
  for (const key of found.keys) {
    // `jku`, `x5u` and `jwk` in the header are never looked at: the keys are those of the issuer.
    if (!(await isSignedBy(token, alg, key))) continue;
    const fault = claimFault(claims, issuer, now);
    return fault === undefined ? { ok: true, claims } : { ...invalid(...fault), signed: true };
  }
  return invalid('signature', 'the signature is wrong');
}

/** RFC 7515, 5.2. `alg` is accepted for the key; a token that differs in the spelling of its signature is another token. */
async function isSignedBy(token: string, alg: string, key: CryptoKey): Promise<boolean> {
  const text = token.slice(token.lastIndexOf('.') + 1);
  if (Buffer.from(text, 'base64url').toString('base64url') !== text) return false;
  try {
    await compactVerify(token, key, { algorithms: [alg] });
    return true;
  } catch {
    // Every fault of the token itself is an exception there.
    return false;
  }
}

/** RFC 9068, 4: `typ` is at+jwt; other issuers write JWT or nothing. */
function typeFits(typ: Json | undefined, declared: string | undefined): boolean {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (declared !== undefined) return type === declared.toLowerCase().replace(/^application\//, '');
  return type === undefined || type === 'at+jwt' || type === 'jwt';
}

/** What is wrong with the claims, apart from the audience. `now` in milliseconds. */
export function claimFault(
  claims: JsonObject,
  issuer: Pick<IssuerConfig, 'issuer' | 'skew' | 'maxAge'>,
  now: number,
): readonly [cause: CredentialFault, problem: string] | undefined {
  const { iss, exp, nbf, iat } = claims;
  if (iss !== issuer.issuer) return ['issuer', 'the issuer is another one'];
  if (!isTime(exp)) return ['malformed', 'exp is missing'];
  if (now >= exp * 1_000 + issuer.skew) return ['expired', 'expired'];
  if (nbf !== undefined && (!isTime(nbf) || now < nbf * 1_000 - issuer.skew)) return ['not-yet-valid', 'not valid yet'];
  if (iat !== undefined && (!isTime(iat) || now < iat * 1_000 - issuer.skew))
    return ['not-yet-valid', 'issued in the future'];
  if (issuer.maxAge !== undefined && (!isTime(iat) || now > iat * 1_000 + issuer.maxAge + issuer.skew))
    return ['expired', 'issued too long ago'];
  return undefined;
}

function isTime(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 && value < 1e11;
}

/** The resources that a token is for. Text or list (RFC 7519, 4.1.3). */
export function audiencesOf(claims: JsonObject): readonly string[] {
  const { aud } = claims;
  if (typeof aud === 'string') return [aud];
  if (!Array.isArray(aud)) return [];
  return (aud as readonly Json[]).filter((entry) => typeof entry === 'string').slice(0, 64);
}

export function invalid(cause: CredentialFault, problem: string): Verified & { readonly ok: false } {
  return { ok: false, unreachable: false, cause, problem };
}

function decode(part: string | undefined): JsonObject | undefined {
  if (part === undefined || !/^[A-Za-z0-9_-]+$/.test(part)) return undefined;
  const parsed = parseJsonText(Buffer.from(part, 'base64url').toString('utf8'), { depth: 16, looseText: true });
  return parsed.ok && isObject(parsed.value) ? parsed.value : undefined;
}
