/** OAuth client credentials: the gateway is a client of the server's authorization server, with a secret or a key. */
import { z } from 'zod';
import { hasOneProof, hasServer, oauthShape, urlsOf } from '../../../config/schema/oauth.ts';
import { TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import { defineCredential } from '../contract.ts';
import { TokenCredential } from '../token.ts';

export const clientCredentials = defineCredential({
  id: 'clientCredentials',
  summary: 'A token that the gateway gets for itself (OAuth client credentials).',
  options: z
    .strictObject(oauthShape)
    .refine(...hasServer)
    .refine(...hasOneProof),
  urls: urlsOf,
  create(config, { resource, fetch }) {
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
  },
});
