/** Stage 3: the authenticators of `list.ts`, asked one after the other, and the pauses after failures. */
import type { Configuration } from '../../config/schema/index.ts';
import type { Authenticate, Authenticator, AuthnResult, Credentials } from '../../pipeline/contracts/authenticate.ts';
import { refuse } from '../../pipeline/refusal.ts';
import type { AuthenticatorDefinition, AuthenticationParts as DefinitionParts } from './contract.ts';
import { claimedIdentity } from './jwt/authenticator.ts';
import { authenticators } from './list.ts';
import { makeRenew, type Renew } from './renew.ts';
import type { Throttle } from './throttle.ts';

/** The same with the whole configuration, of which each definition gets its own section. */
export interface AuthenticationParts extends DefinitionParts {
  readonly configuration: Configuration;
}

/** `definitions`: in place of those that ship. */
function made(
  parts: AuthenticationParts,
  definitions: readonly AuthenticatorDefinition[] = authenticators,
): readonly Authenticator[] {
  const { authentication } = parts.configuration;
  return definitions
    .map((definition) => definition.create(Reflect.get(authentication, definition.id), parts))
    .filter((authenticator) => authenticator !== undefined);
}

/** Stage 3 of the road, for one revision. */
export interface Authentication {
  readonly authenticate: Authenticate;
  readonly renew: Renew;
}

export function makeAuthentication(
  parts: AuthenticationParts,
  definitions?: readonly AuthenticatorDefinition[],
): Authentication {
  const list = made(parts, definitions);
  const ask = firstAnswer(list);
  const { throttle, onThrottled } = parts;
  const { freeFailures } = parts.configuration.authentication;
  return {
    authenticate: throttle === undefined ? ask : throttled(ask, throttle, freeFailures, onThrottled),
    renew: makeRenew(list),
  };
}

/** Counts failures. After too many, the answer says to wait and nothing else. */
function throttled(
  ask: Authenticate,
  throttle: Throttle,
  free: number,
  tell?: (address: string, pause: number) => void,
): Authenticate {
  const judge = (credentials: Credentials, result: AuthnResult): AuthnResult => {
    if (result.ok || result.refusal.reason !== 'credentials-invalid') return result;
    const { address, authorization } = credentials;
    const now = Date.now();
    // Only what was signed counts against an identity: anything else could name a subject in order to lock it out.
    const [, token] = /^\S+ +(\S+)/.exec(authorization?.slice(0, 16_384) ?? '') ?? [];
    const { signed } = result.refusal;
    const identity = token === undefined || signed !== true ? undefined : claimedIdentity(token);
    const before = throttle.pause(address, identity, now, free);
    if (before > 0) return refuse({ reason: 'too-many-failures', seconds: Math.ceil(before / 1_000) });
    const pause = throttle.failed(address, identity, now, free);
    if (pause > 0 && address !== undefined) tell?.(address, pause);
    return result;
  };
  return (credentials) => {
    const result = ask(credentials);
    if (result instanceof Promise) return result.then((settled) => judge(credentials, settled));
    return result.ok ? result : judge(credentials, result);
  };
}

/** Only the first half, for those that keep nothing open. */
export function makeAuthenticate(parts: AuthenticationParts): Authenticate {
  return makeAuthentication(parts).authenticate;
}

/** Asks one after the other. A credential no authenticator recognises is invalid; no credential at all is missing. */
export function firstAnswer(list: readonly Pick<Authenticator, 'authenticate'>[]): Authenticate {
  const ask = (credentials: Credentials, from: number): AuthnResult | Promise<AuthnResult> => {
    for (let index = from; index < list.length; index++) {
      const answer = list[index]?.authenticate(credentials);
      if (answer instanceof Promise)
        return answer.then((settled) => (settled === undefined ? ask(credentials, index + 1) : settled));
      if (answer !== undefined) return answer;
    }
    return credentials.authorization === undefined
      ? refuse({ reason: 'credentials-missing' })
      : refuse({
          reason: 'credentials-invalid',
          cause: 'unknown',
          detail: 'no authenticator knows this kind of credential',
        });
  };
  return (credentials) => ask(credentials, 0);
}
