/** Every authenticator, in the order in which they are asked. Adding one: a folder and a line here. */
import type { Configuration } from '../config/schema/index.ts';
import type { Authenticate, Authenticator, AuthnResult, Credentials } from '../pipeline/authenticate.ts';
import { refuse } from '../pipeline/refusal.ts';
import { anonymousAuthenticator } from './anonymous/authenticator.ts';
import { apiKeyAuthenticator } from './api-key/authenticator.ts';
import type { KeyRing } from './api-key/key-ring.ts';
import { certificateAuthenticator } from './certificate/authenticator.ts';
import type { TokenAuthenticator } from './jwt/authenticator.ts';

export interface AuthenticationParts {
  readonly configuration: Configuration;
  readonly keys: KeyRing;
  /** Absent where nobody can present a token, as on the command line. */
  readonly tokens?: TokenAuthenticator;
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
export function makeAuthenticate(parts: AuthenticationParts): Authenticate {
  return firstAnswer(authenticators(parts));
}

/** Asks one after the other. What nobody knows how to read is invalid, and what is not there is missing. */
export function firstAnswer(list: readonly Authenticator[]): Authenticate {
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
