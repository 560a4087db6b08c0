/** A real authorization server for tests: logs one person in and consents to everything that is asked, without a page. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string;
  /** Authorization requests so far: their scope and resource. */
  readonly asked: readonly { readonly scope: string | null; readonly resource: string | null }[];
  /** Requests to the token endpoint so far, by grant type. */
  readonly grants: readonly string[];
}

export interface AuthorizationServerOptions {
  readonly port?: number;
  readonly clients?: readonly object[];
  readonly scopes?: readonly string[];
  readonly account?: string;
  /** Seconds. */
  readonly lifetime?: number;
  /** Reads the documents of clients whose id is a URL, with this in the place of `fetch`. */
  readonly documents?: typeof fetch;
}

export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const { port = 0, clients = [], scopes = ['tools:read', 'tools:write'], account = 'dana', lifetime = 600 } = options;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  let handle: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const server = createServer((request, response) => handle?.(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'signing' }] },
    cookies: { keys: ['only for tests'] },
    scopes: ['openid', 'offline_access', ...scopes],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ...(options.documents === undefined ? {} : { fetch: options.documents }),
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: options.documents === undefined },
      clientIdMetadataDocument: { enabled: options.documents !== undefined, ack: 'draft-02' },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          audience: resource,
          scope: scopes.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const asked: { scope: string | null; resource: string | null }[] = [];
  const grants: string[] = [];
  provider.on('grant.success', (context) => {
    grants.push((context as { oidc: { params: { grant_type: string } } }).oidc.params.grant_type);
  });

  /** Where a person would log in and agree. */
  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login')
      return provider.interactionFinished(request, response, { login: { accountId: account } });
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const grant = known ?? new provider.Grant({ accountId: session?.accountId, clientId: params.client_id });
    if (prompt.details.missingOIDCScope !== undefined) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
    for (const [resource, missing] of Object.entries(prompt.details.missingResourceScopes ?? {}))
      grant.addResourceScope(resource, missing.join(' '));
    await provider.interactionFinished(
      request,
      response,
      { consent: { grantId: await grant.save() } },
      { mergeWithLastSubmission: true },
    );
  };
  const callback = provider.callback();
  /** A client registers with the scopes that it knows at first; here these must not bind it for ever. */
  const register = async (request: IncomingMessage & { body?: unknown }, response: ServerResponse): Promise<void> => {
    const { scope: _scope, ...wanted } = JSON.parse((await text(request)) || '{}') as Record<string, unknown>;
    request.body = wanted;
    callback(request, response);
  };
  handle = (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname === '/auth')
      asked.push({ scope: url.searchParams.get('scope'), resource: url.searchParams.get('resource') });
    if (url.pathname === '/reg') return void register(request, response);
    if (!url.pathname.startsWith('/interaction/')) return callback(request, response);
    interact(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  };
  return {
    issuer,
    asked,
    grants,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Follows an authorization request as a browser would, with cookies, up to the redirect to the client. */
export async function browse(start: URL, redirectUri: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let next = start;
  for (let hop = 0; hop < 12; hop++) {
    const response = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`${next.href} answers ${response.status}: ${await response.text()}`);
    next = new URL(location, next);
    if (next.href.startsWith(redirectUri)) return next.searchParams;
  }
  throw new Error('the authorization server redirects without end');
}
