/** Asks an authorization server for a token as a client of it (RFC 6749, 7523, 8693). */
import {
  genericTokenEndpointRequest,
  OperationProcessingError,
  processGenericTokenEndpointResponse,
  ResponseBodyError,
  type TokenEndpointResponse,
  UnsupportedOperationError,
} from 'oauth4webapi';
import type { Fetch } from '../egress/fetch.ts';
import type { Json, JsonObject } from '../protocol/json.ts';
import {
  type AuthenticatedClient,
  authenticationOf,
  type ClientMethod,
  guarded,
  type OAuthClient,
  RequestFailed,
} from './client.ts';
import { discover } from './discovery.ts';

/** Where tokens are asked for. `operator`: the operator named it. */
export interface TokenPlace {
  readonly url: string;
  readonly operator: boolean;
  /** The audience of assertions. */
  readonly issuer: string;
}

export type Granted =
  | {
      readonly ok: true;
      readonly token: string;
      /** `issued_token_type` of an exchange (RFC 8693, 2.2.1). */
      readonly issuedType?: string;
      readonly refresh?: string;
      readonly idToken?: string;
      /** Absent when the server does not say, which means as asked for (RFC 6749, 5.1). */
      readonly scope?: string;
      /** Milliseconds. */
      readonly lifetime?: number;
      /** Milliseconds since the epoch at which it must not be used any more, whatever its own life. */
      readonly notAfter?: number;
    }
  | {
      readonly ok: false;
      /** The server has said no, and will again. Else it could not be asked. */
      readonly lasting: boolean;
      /** What was to be exchanged or renewed is over (`invalid_grant`). */
      readonly reauthorize?: boolean;
      /** What the server says, of the errors that are known here. */
      readonly error?: string;
      readonly problem: string;
    };

/** `access-token`: to present to a server. `assertion`: to ask for a token elsewhere (`token_type` N_A). */
export type Wanted = 'access-token' | 'assertion';

const metadataLifeMs = 3_600_000;

/** The parameters of a grant, `grant_type` among them. A list is a parameter that stands several times. */
export type TokenParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface TokenRequest {
  readonly parameters: TokenParameters;
  readonly fetch: Fetch;
  readonly wanted?: Wanted;
}

/** Knows one authorization server and authenticates to it. */
export class TokenEndpoint {
  readonly #client: OAuthClient;
  readonly #fetch: Fetch;
  #found:
    | { readonly url: string; readonly operator: boolean; readonly issuer: string; readonly until: number }
    | undefined;

  constructor(client: OAuthClient, fetch: Fetch) {
    this.#client = client;
    this.#fetch = fetch;
  }

  /** `wanted`: a token for servers, or one that is only good to ask for another. */
  async ask(parameters: TokenParameters, wanted: Wanted = 'access-token'): Promise<Granted> {
    const endpoint = await this.#endpoint();
    if ('problem' in endpoint) return { ok: false, lasting: false, problem: endpoint.problem };
    const client = { ...this.#client, method: methodOf(this.#client) };
    return askForToken(endpoint, client, { parameters, fetch: this.#fetch, wanted });
  }

  async #endpoint(): Promise<TokenPlace | { problem: string }> {
    const { issuer, tokenUrl } = this.#client;
    if (tokenUrl !== undefined) return { url: tokenUrl, operator: true, issuer: issuer ?? tokenUrl };
    if (issuer === undefined) return { problem: 'no authorization server is configured' };
    if (this.#found !== undefined && Date.now() < this.#found.until) return this.#found;
    const found = await discover({ issuer, operator: true }, this.#fetch);
    if (!found.ok) return { problem: found.problem };
    const url = found.metadata.url('token_endpoint');
    if (url === undefined) return { problem: 'the metadata of the authorization server names no token_endpoint' };
    this.#found = { ...url, issuer, until: Date.now() + metadataLifeMs };
    return this.#found;
  }
}

function methodOf({ clientSecret, privateKey }: OAuthClient): ClientMethod {
  if (privateKey !== undefined) return 'private_key_jwt';
  return clientSecret === undefined ? 'none' : 'client_secret_basic';
}

/** One request to a token endpoint, as the client authenticates there. */
export async function askForToken(
  place: TokenPlace,
  client: AuthenticatedClient,
  { parameters, fetch, wanted = 'access-token' }: TokenRequest,
): Promise<Granted> {
  const server = { issuer: place.issuer, token_endpoint: place.url };
  const named = { client_id: client.clientId };
  const { grant_type: grantType, ...others } = parameters;
  let idToken: Json | undefined;
  const complete = (body: JsonObject): JsonObject => {
    // An ID token is verified where it is used, with the keys and the nonce that are known there.
    const { id_token: given, ...rest } = body;
    idToken = given;
    return wanted === 'access-token' ? { token_type: 'bearer', ...rest } : rest;
  };
  try {
    const response = await genericTokenEndpointRequest(
      server,
      named,
      await authenticationOf(client),
      String(grantType),
      formOf(others),
      guarded({ fetch, operator: place.operator, complete }),
    );
    // N_A is the type of what is no token to use (RFC 8693, 2.2.1).
    const options = { recognizedTokenTypes: { n_a: () => undefined } };
    const granted = await processGenericTokenEndpointResponse(server, named, response, options);
    return grantedBy(granted, wanted, idToken);
  } catch (error) {
    return refusedBy(error);
  }
}

function formOf(parameters: TokenParameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of typeof value === 'object' ? value : value === undefined ? [] : [value]) form.append(name, each);
  return form;
}

function grantedBy(response: TokenEndpointResponse, wanted: Wanted, idToken: Json | undefined): Granted {
  const { access_token: token, token_type: type, expires_in: seconds, scope, refresh_token: refresh } = response;
  // A token of a type that is not understood must not be used (RFC 6749, 7.1).
  if (type !== (wanted === 'assertion' ? 'n_a' : 'bearer'))
    return failed(true, 'the token is of a type that the gateway does not speak');
  if (!isTokenText(token)) return failed(false, 'the token endpoint answers without a token');
  const { issued_token_type: issuedType } = response;
  return {
    ok: true,
    token,
    ...(seconds !== undefined && seconds > 0 ? { lifetime: seconds * 1_000 } : {}),
    ...(isTokenText(refresh) ? { refresh } : {}),
    ...(isTokenText(idToken) ? { idToken } : {}),
    ...(typeof issuedType === 'string' ? { issuedType } : {}),
    ...(scope === undefined ? {} : { scope }),
  };
}

/** Errors of RFC 6749, 5.2, that asking again does not cure. */
const lasting = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'access_denied',
]);

function refusedBy(error: unknown): Granted {
  if (error instanceof RequestFailed) return failed(error.refused, error.message);
  if (error instanceof ResponseBodyError) {
    const { error: word, status } = error;
    if (!lasting.has(word)) return failed(false, `the token endpoint answers ${status} without a token`);
    const problem = `the authorization server says ${word}`;
    return { ...failed(true, problem), reauthorize: word === 'invalid_grant', error: word };
  }
  if (error instanceof UnsupportedOperationError)
    return failed(true, 'the token is of a type that the gateway does not speak');
  if (error instanceof OperationProcessingError) return failed(false, 'the token endpoint answers without a token');
  throw error;
}

function failed(isLasting: boolean, problem: string): Granted & { readonly ok: false } {
  return { ok: false, lasting: isLasting, problem };
}

function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,16384}$/.test(value);
}
