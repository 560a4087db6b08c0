/** OAuth client credentials: the gateway is a client of the server's authorization server, with a secret or a key. */
import type { OAuthConfig } from '../../../config/schema/credentials.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import type { CredentialKind } from '../contract.ts';
import { TokenCredential } from '../token.ts';

export function clientCredentials(config: OAuthConfig, resource: string, fetch: Fetch): CredentialKind {
  const endpoint = new TokenEndpoint(config, fetch);
  const credential = new TokenCredential(() =>
    endpoint.ask({
      grant_type: 'client_credentials',
      scope: config.scopes.length === 0 ? undefined : config.scopes.join(' '),
      // "MCP clients MUST send this parameter regardless of whether authorization servers support it" (2026-07-28).
      resource: config.resource ?? resource,
      audience: config.audience,
    }),
  );
  return { perCaller: false, of: () => credential, all: () => [['', credential]] };
}
