/** What the configuration may say of the accounts that users have at a server. */
import { z } from 'zod';
import { client, grant, place } from '../../../config/schema/oauth.ts';

export const options = z
  .strictObject({
    issuer: place.issuer.describe(
      'The authorization server. Without it the one counts that the server names when the first account is connected.',
    ),
    clientId: client.clientId.optional().describe('Who the gateway is there. Without it the gateway registers itself.'),
    clientSecret: client.clientSecret.describe('Its secret.'),
    privateKey: client.privateKey,
    algorithm: client.algorithm,
    keyId: client.keyId,
    scopes: grant.scopes.describe('Scopes to ask for, where the server does not say which it wants.'),
  })
  .refine(
    ({ clientId, issuer }) => clientId === undefined || issuer !== undefined,
    'must say issuer: a clientId is worth something at one authorization server only',
  )
  .refine(
    ({ clientId, clientSecret, privateKey }) =>
      (clientSecret ?? privateKey) === undefined ||
      (clientId !== undefined && (clientSecret === undefined || privateKey === undefined)),
    'must say clientId, and clientSecret or privateKey but not both',
  );

export type AuthorizationCodeOptions = z.output<typeof options>;
