/**
 * The gateway as an OAuth client: `oauth4webapi` speaks, and every request of it goes through the egress guard, which
 * decides where it may go, how long it may take and how much may come back.
 */
import type { JWK } from 'jose';
import { importJWK, importPKCS8 } from 'jose/key/import';
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretPost,
  customFetch,
  modifyAssertion,
  None,
  PrivateKeyJwt,
} from 'oauth4webapi';
import type { Fetch } from '../egress/fetch.ts';
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { basicCredentials } from './basic.ts';

export interface OAuthClient {
  readonly issuer?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** PKCS #8 in PEM, or a JWK. */
  readonly privateKey?: string | undefined;
  /** ES256 when absent. */
  readonly algorithm?: string;
  readonly keyId?: string | undefined;
}

/** How a client proves itself at the token endpoint (RFC 7591, 2). */
export type ClientMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';

export type AuthenticatedClient = OAuthClient & { readonly method: ClientMethod };

/** The request did not get an answer. `refused`: the egress guard said no. The message is for the operator. */
export class RequestFailed extends Error {
  readonly refused: boolean;

  constructor({ refused, problem }: { readonly refused: boolean; readonly problem: string }) {
    super(problem);
    this.refused = refused;
  }
}

const maxAnswerBytes = 64 * 1024;
const requestTimeoutMs = 10_000;
/** Statuses without a body (RFC 9110). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

export interface Guarded {
  readonly fetch: Fetch;
  /** The operator named the URL, so that it may lead to any address. */
  readonly operator: boolean;
  /** What is added to an answer that leaves it out, as real servers do. */
  readonly complete?: (body: JsonObject) => JsonObject;
}

/** What the library is given with each request. */
export function guarded({ fetch, operator, complete = (body) => body }: Guarded) {
  return {
    async [customFetch](
      url: string,
      request: { readonly headers: Record<string, string>; readonly body?: unknown },
    ): Promise<Response> {
      const { headers, body } = request;
      const sent = body instanceof URLSearchParams ? body.toString() : String(body);
      const bounds = { limit: maxAnswerBytes, within: requestTimeoutMs };
      const answer = await fetch(url, { method: 'POST', operator, headers, body: sent, ...bounds });
      if (!answer.ok) throw new RequestFailed(answer);
      // Read strictly here, so that the library sees no key twice; a body of another kind is no answer.
      const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
      const read = parsed.ok && isObject(parsed.value) ? JSON.stringify(complete(parsed.value)) : '{}';
      const status = Math.min(Math.max(answer.status, 200), 599);
      return new Response(bodiless.has(status) ? null : read, {
        status,
        headers: { 'content-type': 'application/json' },
      });
    },
    // The configuration and the guard decide which URLs may be plain http: those of this machine.
    [allowInsecureRequests]: true,
  } as const;
}

/** How this client proves itself. A key that cannot be read is an exception. */
export async function authenticationOf(client: AuthenticatedClient): Promise<ClientAuth> {
  const { clientId, clientSecret = '', method } = client;
  switch (method) {
    case 'none':
      return None();
    case 'client_secret_post':
      return ClientSecretPost(clientSecret);
    case 'client_secret_basic':
      // Only what must be encoded is: many servers compare a client id with hyphens as it comes.
      return (_server, _client, _body, headers) =>
        headers.set('authorization', basicCredentials(clientId, clientSecret));
    case 'private_key_jwt':
      return assertionOf(client);
  }
}

/** RFC 7523, 2.2: for one server, used once, over in a minute. */
async function assertionOf({ privateKey = '', algorithm = 'ES256', keyId }: AuthenticatedClient): Promise<ClientAuth> {
  const key = privateKey.trimStart().startsWith('{')
    ? await importJWK(JSON.parse(privateKey) as JWK, algorithm)
    : await importPKCS8(privateKey, algorithm);
  if (key instanceof Uint8Array) throw new Error('the private key is a shared secret');
  return PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId }, {
    [modifyAssertion](header) {
      // Ed25519 has two names (RFC 8037, RFC 9864), and the configuration says which one the server knows.
      header['alg'] = algorithm;
    },
  });
}
