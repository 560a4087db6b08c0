import { bearerChallenge } from '../../oauth/challenge.ts';
import type { OutboundCall, UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import type { Credential } from './contract.ts';

/** An invitation to agree to more, where the server says that the token opens too little. */
export function stepUp(
  credential: Credential,
  failure: UpstreamFailure,
  operation: string,
): UpstreamFailure | undefined {
  if (!('challenge' in failure) || failure.status !== 403) return undefined;
  const challenge = bearerChallenge(failure.challenge);
  const prompt = challenge === undefined ? undefined : credential.insufficient?.(challenge, operation);
  return prompt === undefined
    ? undefined
    : { kind: 'account-required', detail: `the token lacks ${challenge?.scopes.join(' ')}`, prompt };
}

export function operationOf({ method, params }: OutboundCall): string {
  const target = params.name ?? params.uri;
  return typeof target === 'string' ? `${method} ${target.slice(0, 256)}` : method;
}

/** A handshake was refused with what is presented now. True when asking again gives others, or a reserve takes over. */
export function isChanged(credential: Credential): boolean {
  const shown = credential.current();
  return credential.refused(shown) || credential.replace?.(shown) === true;
}
