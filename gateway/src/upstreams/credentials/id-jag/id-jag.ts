/**
 * Enterprise-managed authorization: the identity provider of the caller vouches for it towards the authorization server
 * of another domain. The caller's token becomes an identity assertion (ID-JAG) there, and the assertion becomes a token
 * for the server here. The caller's token goes to its identity provider and nowhere else.
 */
import { z } from 'zod';
import { client, grant, hasOneProof, hasServer, place, url, urlsOf } from '../../../config/schema/oauth.ts';
import { grantTypes, idJagProblem, tokenTypes } from '../../../oauth/id-jag.ts';
import { type Granted, TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import { defineCredential } from '../contract.ts';
import { perCaller } from '../per-caller.ts';

export const idJag = defineCredential({
  id: 'idJag',
  summary: 'A token on behalf of each caller, for which its identity provider vouches (ID-JAG).',
  options: z
    .strictObject({
      provider: z
        .strictObject({ ...place, ...client })
        .refine(...hasServer)
        .refine(...hasOneProof)
        .describe('The identity provider of the callers, and who the gateway is there.'),
      subject: z
        .enum(['access-token', 'id-token'])
        .default('access-token')
        .describe('What the token that a caller presents is to the identity provider.'),
      issuer: url.describe('The authorization server of this server: the assertion is made for it.'),
      tokenUrl: place.tokenUrl,
      ...client,
      ...grant,
    })
    .refine(...hasOneProof),
  needsCallerToken: true,
  urls: (config) => [...urlsOf(config), ...urlsOf(config.provider)],
  create(config, parts) {
    const { fetch } = parts;
    const { provider, issuer, clientId, scopes, subject } = config;
    const identityProvider = new TokenEndpoint(provider, fetch);
    const authorizationServer = new TokenEndpoint(config, fetch);
    const resource = config.resource ?? parts.resource;
    const scope = scopes.length === 0 ? undefined : scopes.join(' ');
    const assertionFor = async (token: string): Promise<Granted> => {
      const granted = await identityProvider.ask(
        {
          grant_type: grantTypes.exchange,
          requested_token_type: tokenTypes.idJag,
          subject_token: token,
          subject_token_type: subject === 'id-token' ? tokenTypes.idToken : tokenTypes.accessToken,
          // "The issuer URL of the authorization server of the resource": this pair is what the assertion is bound to.
          audience: issuer,
          resource,
          scope,
        },
        'assertion',
      );
      if (!granted.ok) return { ...granted, problem: `identity provider: ${granted.problem}` };
      const expected = { issuer: provider.issuer, audience: issuer, clientId, resource, now: Date.now() };
      const problem =
        granted.issuedType === tokenTypes.idJag ? idJagProblem(granted.token, expected) : 'it is of another type';
      return problem === undefined
        ? granted
        : { ok: false, lasting: true, problem: `what the identity provider issued cannot be used: ${problem}` };
    };
    return perCaller(async (token) => {
      // An assertion is good for one use (`jti`), so each token begins with a new one.
      const assertion = await assertionFor(token);
      return assertion.ok
        ? authorizationServer.ask({ grant_type: grantTypes.jwtBearer, assertion: assertion.token, resource, scope })
        : assertion;
    });
  },
});
