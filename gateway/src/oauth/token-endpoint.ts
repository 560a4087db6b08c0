/** Asks an authorization server for a token as a client of it (RFC 6749, 7523, 8693). */
import { importJWK, importPKCS8, type JWK, SignJWT } from 'jose';
import type { Answered, Fetch } from '../egress/fetch.ts';
import { isObject, type Json, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { basicCredentials } from './basic.ts';
import { discover } from './discovery.ts';

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

const assertionLifeSeconds = 60;
const metadataLifeMs = 3_600_000;

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
  async ask(
    parameters: Readonly<Record<string, string | readonly string[] | undefined>>,
    wanted: Wanted = 'access-token',
  ): Promise<Granted> {
    const endpoint = await this.#endpoint();
    if ('problem' in endpoint) return { ok: false, lasting: false, problem: endpoint.problem };
    return askForToken(endpoint, { ...this.#client, method: methodOf(this.#client) }, parameters, this.#fetch, wanted);
  }

  async #endpoint(): Promise<TokenPlace | { problem: string }> {
    const { issuer, tokenUrl } = this.#client;
    if (tokenUrl !== undefined) return { url: tokenUrl, operator: true, issuer: issuer ?? tokenUrl };
    if (issuer === undefined) return { problem: 'no authorization server is configured' };
    if (this.#found !== undefined && Date.now() < this.#found.until) return this.#found;
    const found = await discover(issuer, this.#fetch, true);
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
  client: OAuthClient & { readonly method: ClientMethod },
  parameters: Readonly<Record<string, string | readonly string[] | undefined>>,
  fetch: Fetch,
  wanted: Wanted = 'access-token',
): Promise<Granted> {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of typeof value === 'object' ? value : value === undefined ? [] : [value]) form.append(name, each);
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  const { clientId, clientSecret = '', privateKey, method } = client;
  if (method === 'client_secret_basic') headers['authorization'] = basicCredentials(clientId, clientSecret);
  else form.set('client_id', clientId);
  if (method === 'client_secret_post') form.set('client_secret', clientSecret);
  if (method === 'private_key_jwt') {
    form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    form.set('client_assertion', await assertion(client, place.issuer, privateKey ?? ''));
  }
  const answer = await fetch(place.url, {
    method: 'POST',
    operator: place.operator,
    headers,
    body: form.toString(),
    limit: 64 * 1024,
    within: 10_000,
  });
  return readAnswer(answer, wanted);
}

/** RFC 7523, 2.2: for this server only, used once, over in a minute. */
async function assertion(client: OAuthClient, audience: string, privateKey: string): Promise<string> {
  const { clientId, algorithm = 'ES256', keyId } = client;
  const key = privateKey.trimStart().startsWith('{')
    ? await importJWK(JSON.parse(privateKey) as JWK, algorithm)
    : await importPKCS8(privateKey, algorithm);
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: algorithm, ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + assertionLifeSeconds)
    .sign(key);
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

function readAnswer(answer: Answered, wanted: Wanted): Granted {
  if (!answer.ok) return { ok: false, lasting: answer.refused, problem: answer.problem };
  const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
  const body: JsonObject = parsed.ok && isObject(parsed.value) ? parsed.value : {};
  const { access_token: token, token_type: type, expires_in: seconds, error, scope, id_token: idToken } = body;
  const refresh = body.refresh_token;
  if (answer.status === 200 && isTokenText(token)) {
    // A token of a type that is not understood must not be used (RFC 6749, 7.1), and N_A is none to use (RFC 8693, 2.2.1).
    const expected = wanted === 'assertion' ? 'n_a' : 'bearer';
    if (typeof type === 'string' ? type.toLowerCase() !== expected : wanted === 'assertion')
      return { ok: false, lasting: true, problem: 'the token is of a type that the gateway does not speak' };
    return {
      ok: true,
      token,
      ...(typeof seconds === 'number' && seconds > 0 ? { lifetime: seconds * 1_000 } : {}),
      ...(isTokenText(refresh) ? { refresh } : {}),
      ...(isTokenText(idToken) ? { idToken } : {}),
      ...(typeof body.issued_token_type === 'string' ? { issuedType: body.issued_token_type } : {}),
      ...(typeof scope === 'string' ? { scope } : {}),
    };
  }
  if (typeof error === 'string' && lasting.has(error))
    return {
      ok: false,
      lasting: true,
      reauthorize: error === 'invalid_grant',
      error,
      problem: `the authorization server says ${error}`,
    };
  return { ok: false, lasting: false, problem: `the token endpoint answers ${answer.status} without a token` };
}

function isTokenText(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,16384}$/.test(value);
}
