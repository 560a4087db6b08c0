/**
 * Enterprise-managed authorization: the identity provider of the caller vouches for it towards the authorization server
 * of another domain. The caller's token becomes an identity assertion (ID-JAG) there, and the assertion becomes a token
 * for the server here. The caller's token goes to its identity provider and nowhere else.
 */
import type { IdJagConfig } from '../../../config/schema/credentials.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { grantTypes, idJagProblem, tokenTypes } from '../../../oauth/id-jag.ts';
import { type Granted, TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import type { CredentialKind } from '../contract.ts';
import { perCaller } from '../per-caller.ts';

export function idJag(config: IdJagConfig, server: string, fetch: Fetch): CredentialKind {
  const { provider, issuer, clientId, scopes, subject } = config;
  const identityProvider = new TokenEndpoint(provider, fetch);
  const authorizationServer = new TokenEndpoint(config, fetch);
  const resource = config.resource ?? server;
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
}
