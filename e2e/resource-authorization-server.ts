/**
 * The authorization server of a server in another domain: takes identity assertions (ID-JAG) of one identity provider, as
 * the extension for enterprise-managed authorization asks, and JWTs of a platform. oidc-provider authenticates clients
 * and issues the tokens; what it does not know, the grant, stands here.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose';
import { errors, Provider } from 'oidc-provider';

export interface ResourceAuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** What was presented to the token endpoint and found good, in order. */
  readonly assertions: readonly Readonly<Record<string, unknown>>[];
}

export interface Trusted {
  readonly issuer: string;
  readonly publicKeys: () => readonly JWK[];
}

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const scopes = ['notes:read', 'notes:write'];

/** `trusted`: whose assertions count. `type`: their `typ`. `clients`: as oidc-provider takes them. */
export async function startResourceAuthorizationServer(
  trusted: Trusted,
  type: string,
  clients: readonly object[],
): Promise<ResourceAuthorizationServer> {
  let handle: ReturnType<Provider['callback']> | undefined;
  const server = createServer((request, response) => handle?.(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const infoOf = (resource: string) => ({
    audience: resource,
    scope: scopes.join(' '),
    accessTokenFormat: 'opaque',
    accessTokenTTL: 600,
  });
  const provider = new Provider(issuer, {
    clients,
    scopes,
    clientDefaults: { redirect_uris: [], response_types: [], grant_types: [jwtBearer] },
    features: { devInteractions: { enabled: false } },
  });
  const used = new Set<string>();
  const assertions: Record<string, unknown>[] = [];
  provider.registerGrantType(
    jwtBearer,
    async (context) => {
      const { client, params } = context.oidc;
      const assertion = params['assertion'] ?? '';
      const claims = await verified(assertion).catch((cause: unknown) => {
        throw new errors.InvalidGrant(String(cause));
      });
      // "aud and resource are a bound pair", and an assertion is for one client and one use.
      const { sub, jti, resource } = claims;
      if (type === 'oauth-id-jag+jwt' && (claims['client_id'] !== client.clientId || resource !== params['resource']))
        throw new errors.InvalidGrant('for another client or resource');
      if (jti === undefined || used.has(jti)) throw new errors.InvalidGrant('used before');
      used.add(jti);
      const token = new provider.AccessToken({ accountId: sub ?? '', client, gty: jwtBearer });
      token.resourceServer = new provider.ResourceServer(params['resource'] ?? '', infoOf(params['resource'] ?? ''));
      assertions.push(claims);
      context.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: 600 };
    },
    ['assertion', 'resource', 'scope'],
  );
  const verified = async (assertion: string) => {
    if (decodeProtectedHeader(assertion).typ !== type) throw new Error('another type');
    const [key] = trusted.publicKeys();
    if (key === undefined) throw new Error('no key');
    const options = { issuer: trusted.issuer, audience: issuer, algorithms: ['ES256'], requiredClaims: ['sub', 'exp'] };
    return (await jwtVerify<{ resource?: string }>(assertion, await importJWK(key), options)).payload;
  };
  handle = provider.callback();
  return {
    issuer,
    assertions,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
