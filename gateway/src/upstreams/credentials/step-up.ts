import { bearerChallenge } from '../../oauth/challenge.ts';
import type { LinkFailure, OutboundCall } from '../../pipeline/contracts/upstream.ts';
import type { Credential } from './contract.ts';

/** An invitation to agree to more, where the server says that the token opens too little. */
export function stepUp(credential: Credential, failure: LinkFailure, operation: string): LinkFailure | undefined {
  if (!('challenge' in failure) || failure.status !== 403) return undefined;
  const challenge = bearerChallenge(failure.challenge);
  const invitation = challenge === undefined ? undefined : credential.insufficient?.(challenge, operation);
  return invitation === undefined
    ? undefined
    : { kind: 'unconnected', detail: `the token lacks ${challenge?.scopes.join(' ')}`, invitation };
}

export function operationOf({ method, params }: OutboundCall): string {
  const target = params.name ?? params.uri;
  return typeof target === 'string' ? `${method} ${target.slice(0, 256)}` : method;
}
