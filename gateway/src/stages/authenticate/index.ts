/** Every authenticator, in the order in which they are asked. Adding one: a folder and a line here. */
import type { Configuration } from '../../config/schema/index.ts';
import type { Authenticate, Authenticator, AuthnResult, Credentials } from '../../pipeline/contracts/authenticate.ts';
import { refuse } from '../../pipeline/refusal.ts';
import { anonymousAuthenticator } from './anonymous/authenticator.ts';
import { apiKeyAuthenticator } from './api-key/authenticator.ts';
import type { KeyRing } from './api-key/key-ring.ts';
import { certificateAuthenticator } from './certificate/authenticator.ts';
import { claimedIdentity, type TokenAuthenticator } from './jwt/authenticator.ts';
import { makeRenew, type Renew } from './renew.ts';
import type { Throttle } from './throttle.ts';

export interface AuthenticationParts {
  readonly configuration: Configuration;
  readonly keys: KeyRing;
  /** Absent where no token can be presented, as on the command line. */
  readonly tokens?: TokenAuthenticator;
  readonly throttle?: Throttle;
  /** Told when a source that failed too often begins to wait; milliseconds. */
  readonly onThrottled?: (address: string, pause: number) => void;
}

function authenticators({ configuration, keys, tokens }: AuthenticationParts): readonly Authenticator[] {
  return [
    apiKeyAuthenticator(configuration, keys),
    ...(tokens === undefined ? [] : [tokens]),
    certificateAuthenticator(configuration),
    anonymousAuthenticator(configuration),
  ];
}

/** Stage 3 of the road, for one revision. */
export interface Authentication {
  readonly authenticate: Authenticate;
  readonly renew: Renew;
}

export function makeAuthentication(parts: AuthenticationParts): Authentication {
  const list = authenticators(parts);
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
    const before = throttle.pause(address, identity, now);
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
      : refuse({ reason: 'credentials-invalid', detail: 'no authenticator knows this kind of credential' });
  };
  return (credentials) => ask(credentials, 0);
}
