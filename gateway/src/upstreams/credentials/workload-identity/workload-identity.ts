/**
 * Workload identity federation: the platform that the gateway runs on (Kubernetes, a cloud) says who it is, in a JWT
 * that it renews in a file. The authorization server of the server takes that for a token (RFC 7523, 2.1).
 */
import type { WorkloadIdentityConfig } from '../../../config/schema/credentials.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { grantTypes } from '../../../oauth/id-jag.ts';
import { TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import type { CredentialKind } from '../contract.ts';
import { TokenCredential } from '../token.ts';

export function workloadIdentity(config: WorkloadIdentityConfig, server: string, fetch: Fetch): CredentialKind {
  const endpoint = new TokenEndpoint(config, fetch);
  const credential = new TokenCredential(() =>
    endpoint.ask({
      grant_type: grantTypes.jwtBearer,
      assertion: config.assertion.trim(),
      scope: config.scopes.length === 0 ? undefined : config.scopes.join(' '),
      resource: config.resource ?? server,
    }),
  );
  return { perCaller: false, of: () => credential, all: () => [['', credential]] };
}
