/** Asks the authorization server about a token that says nothing by itself (RFC 7662). */
import {
  introspectionRequest,
  OperationProcessingError,
  processIntrospectionResponse,
  ResponseBodyError,
} from 'oauth4webapi';
import type { Fetch } from '../../../egress/fetch.ts';
import { authenticationOf, guarded, RequestFailed } from '../../../oauth/client.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import type { IssuerConfig } from './options.ts';
import { invalid, type Verified } from './verify.ts';

export type Introspection = NonNullable<IssuerConfig['introspection']>;

export async function introspect(
  token: string,
  { url, clientId, clientSecret }: Introspection,
  fetch: Fetch,
): Promise<Verified> {
  const server = { issuer: new URL(url).origin, introspection_endpoint: url };
  const client = { client_id: clientId };
  try {
    const authentication = await authenticationOf({ clientId, clientSecret, method: 'client_secret_basic' });
    const response = await introspectionRequest(server, client, authentication, token, {
      ...guarded({ fetch, operator: true }),
      additionalParameters: { token_type_hint: 'access_token' },
    });
    const answer = await processIntrospectionResponse(server, client, response);
    // "If the token is not active … the authorization server MUST return … active set to false" (RFC 7662, 2.2).
    return answer.active ? { ok: true, claims: answer as JsonObject } : invalid('revoked', 'not active');
  } catch (error) {
    if (error instanceof RequestFailed) return unreachable(error.message);
    if (error instanceof ResponseBodyError) return unreachable(`introspection answers ${error.status}`);
    if (error instanceof OperationProcessingError) return unreachable('introspection gives no answer that can be used');
    throw error;
  }
}

function unreachable(problem: string): Verified {
  return { ...invalid('unknown', problem), unreachable: true };
}
