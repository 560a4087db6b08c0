/**
 * As which client the gateway speaks to an authorization server: as the one that the operator registered, else by its
 * own metadata document (CIMD), else by dynamic registration as the last resort (2026-07-28, client registration).
 */
import type { Fetch } from '../egress/fetch.ts';
import { isObject, type Json, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { version } from '../protocol/product.ts';
import type { AuthenticatedClient, ClientMethod, OAuthClient } from './client.ts';
import type { ServerMetadata } from './discovery.ts';

export type RegisteredClient = AuthenticatedClient;

export interface DynamicClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly method: 'none' | 'client_secret_basic' | 'client_secret_post';
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

/** RFC 8414, 2: what a server without a list supports. */
const usual: readonly string[] = ['client_secret_basic'];

function methodsOf({ document }: ServerMetadata): readonly string[] {
  const methods = document.token_endpoint_auth_methods_supported;
  return Array.isArray(methods) ? (methods as readonly Json[]).filter((entry) => typeof entry === 'string') : usual;
}

/** How a client that the operator registered proves itself: as the server wants it. */
export function methodFor(client: OAuthClient, metadata: ServerMetadata): ClientMethod {
  if (client.privateKey !== undefined) return 'private_key_jwt';
  if (client.clientSecret === undefined) return 'none';
  const methods = methodsOf(metadata);
  return !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    ? 'client_secret_post'
    : 'client_secret_basic';
}

/** May the URL of a document stand for the client? Only an https URL can be fetched by the other side. */
export function takesDocuments({ document }: ServerMetadata, url: string): boolean {
  return document.client_id_metadata_document_supported === true && url.startsWith('https:');
}

/** The client metadata of the gateway, which is public. */
export function clientMetadata(redirectUri: string): JsonObject {
  return {
    client_name: 'Sallyport MCP gateway',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    software_id: 'sallyport',
    software_version: version,
    // A hosted gateway is a web application; one that only this machine reaches counts as native (OpenID Registration, 2).
    application_type: redirectUri.startsWith('https:') ? 'web' : 'native',
  };
}

/** The document behind a client id that is a URL. The client proves nothing more: it is public. */
export function clientDocument(url: string, redirectUri: string): JsonObject {
  return { client_id: url, ...clientMetadata(redirectUri), token_endpoint_auth_method: 'none' };
}

export type Registered =
  | { readonly ok: true; readonly client: DynamicClient }
  | { readonly ok: false; readonly problem: string };

/** RFC 7591. */
export async function registerClient(metadata: ServerMetadata, redirectUri: string, fetch: Fetch): Promise<Registered> {
  const failed = (problem: string): Registered => ({ ok: false, problem });
  const endpoint = metadata.url('registration_endpoint');
  if (endpoint === undefined)
    return failed('the authorization server registers no clients: register the gateway there, and configure clientId');
  const methods = methodsOf(metadata);
  const wanted = (['client_secret_basic', 'client_secret_post', 'none'] as const).find((each) =>
    methods.includes(each),
  );
  if (wanted === undefined) return failed('the authorization server takes no client that registers by itself');
  const answer = await fetch(endpoint.url, {
    method: 'POST',
    operator: endpoint.operator,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...clientMetadata(redirectUri), token_endpoint_auth_method: wanted }),
    limit: 64 * 1024,
  });
  if (!answer.ok) return failed(answer.problem);
  const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
  const body: JsonObject = parsed.ok && isObject(parsed.value) ? parsed.value : {};
  const { client_id: clientId, client_secret: clientSecret, client_secret_expires_at: ends } = body;
  if ((answer.status !== 201 && answer.status !== 200) || typeof clientId !== 'string' || clientId === '')
    return failed(`the authorization server answers the registration with ${answer.status}`);
  const said = body.token_endpoint_auth_method ?? wanted;
  const method = (['client_secret_basic', 'client_secret_post', 'none'] as const).find((each) => each === said);
  if (method === undefined || (method !== 'none' && typeof clientSecret !== 'string'))
    return failed('the authorization server registered the gateway in a way that it cannot use');
  return {
    ok: true,
    client: {
      clientId,
      method,
      ...(typeof clientSecret === 'string' ? { clientSecret } : {}),
      ...(typeof ends === 'number' && ends > 0 ? { expiresAt: ends * 1_000 } : {}),
    },
  };
}
