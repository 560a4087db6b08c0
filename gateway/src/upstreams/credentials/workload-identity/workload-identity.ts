/**
 * Workload identity federation: the platform that the gateway runs on (Kubernetes, a cloud) says who it is, in a JWT
 * that it renews in a file. The authorization server of the server takes that for a token (RFC 7523, 2.1).
 */
import { z } from 'zod';
import { client, grant, hasServer, place, urlsOf } from '../../../config/schema/oauth.ts';
import { secret } from '../../../config/schema/units.ts';
import { grantTypes } from '../../../oauth/id-jag.ts';
import { TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import { defineCredential } from '../contract.ts';
import { TokenCredential } from '../token.ts';

export const workloadIdentity = defineCredential({
  id: 'workloadIdentity',
  summary: 'A token that the gateway gets for the identity of its platform (RFC 7523, 2.1).',
  options: z
    .strictObject({
      ...place,
      clientId: client.clientId,
      assertion: secret.describe('The JWT by which the platform says who the gateway is: a file that it renews.'),
      ...grant,
    })
    .refine(...hasServer),
  urls: urlsOf,
  create(config, { resource, fetch }) {
    const endpoint = new TokenEndpoint(config, fetch);
    const credential = new TokenCredential(() =>
      endpoint.ask({
        grant_type: grantTypes.jwtBearer,
        assertion: config.assertion.trim(),
        scope: config.scopes.length === 0 ? undefined : config.scopes.join(' '),
        resource: config.resource ?? resource,
      }),
    );
    return { perCaller: false, of: () => credential, all: () => [['', credential]] };
  },
});
