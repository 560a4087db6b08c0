/**
 * RFC 8693: the token that a caller presented to the gateway becomes a token for the server, on behalf of that caller.
 * The caller's own token goes to the authorization server that can read it, and nowhere else.
 */
import { z } from 'zod';
import { hasOneProof, hasServer, oauthShape, urlsOf } from '../../../config/schema/oauth.ts';
import { grantTypes, tokenTypes } from '../../../oauth/id-jag.ts';
import { type Granted, TokenEndpoint } from '../../../oauth/token-endpoint.ts';
import { defineCredential } from '../contract.ts';
import { perCaller } from '../per-caller.ts';

const usable: readonly (string | undefined)[] = [undefined, tokenTypes.accessToken, tokenTypes.jwt];

export const tokenExchange = defineCredential({
  id: 'tokenExchange',
  summary: 'A token on behalf of each caller, made from the one that it presented (RFC 8693).',
  options: z
    .strictObject({
      ...oauthShape,
      actor: z.boolean().default(false).describe('Also present a token of the gateway, as the one who acts.'),
    })
    .refine(...hasServer)
    .refine(...hasOneProof),
  needsCallerToken: true,
  urls: urlsOf,
  create(config, { resource, fetch }) {
    const endpoint = new TokenEndpoint(config, fetch);
    const scope = config.scopes.length === 0 ? undefined : config.scopes.join(' ');
    // Who acts for the caller: the gateway, by a token of its own (RFC 8693, 1.1, delegation).
    let actor: { readonly token: string; readonly until: number } | undefined;
    const actorToken = async (): Promise<Granted> => {
      if (actor !== undefined && Date.now() < actor.until) return { ok: true, token: actor.token };
      const granted = await endpoint.ask({ grant_type: 'client_credentials' });
      if (granted.ok) actor = { token: granted.token, until: Date.now() + (granted.lifetime ?? 60_000) * 0.75 };
      return granted;
    };
    return perCaller(async (subject) => {
      const acting = config.actor ? await actorToken() : undefined;
      if (acting?.ok === false) return acting;
      const granted = await endpoint.ask({
        grant_type: grantTypes.exchange,
        subject_token: subject,
        subject_token_type: tokenTypes.accessToken,
        requested_token_type: tokenTypes.accessToken,
        actor_token: acting?.token,
        actor_token_type: acting === undefined ? undefined : tokenTypes.accessToken,
        resource: config.resource ?? resource,
        audience: config.audience,
        scope,
      });
      if (granted.ok && !usable.includes(granted.issuedType))
        return {
          ok: false,
          lasting: true,
          problem: 'the authorization server issued something that is no access token',
        };
      return granted;
    });
  },
});
