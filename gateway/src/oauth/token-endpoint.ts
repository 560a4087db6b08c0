/** Asks an authorization server for a token as a client of it (RFC 6749, 7523, 8693). */
import { importJWK, importPKCS8, type JWK, SignJWT } from 'jose';
import type { Answered, Fetch } from '../egress/fetch.ts';
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { basicCredentials } from './basic.ts';
import { discover } from './discovery.ts';

export interface OAuthClient {
  readonly issuer?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** PKCS #8 in PEM, or a JWK. */
  readonly privateKey?: string | undefined;
  readonly algorithm: string;
  readonly keyId?: string | undefined;
}

export type Granted =
  | {
      readonly ok: true;
      readonly token: string;
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
      readonly problem: string;
    };

const assertionLife = 60;
const metadataLife = 3_600_000;

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

  async ask(parameters: Readonly<Record<string, string | readonly string[] | undefined>>): Promise<Granted> {
    const endpoint = await this.#endpoint();
    if ('problem' in endpoint) return { ok: false, lasting: false, problem: endpoint.problem };
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
      for (const each of typeof value === 'object' ? value : value === undefined ? [] : [value])
        form.append(name, each);
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    const { clientId, clientSecret, privateKey } = this.#client;
    if (privateKey !== undefined) {
      form.set('client_id', clientId);
      form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      form.set('client_assertion', await this.#assertion(endpoint.issuer, privateKey));
    } else headers['authorization'] = basicCredentials(clientId, clientSecret ?? '');
    const answer = await this.#fetch(endpoint.url, {
      method: 'POST',
      operator: endpoint.operator,
      headers,
      body: form.toString(),
      limit: 64 * 1024,
      within: 10_000,
    });
    return readAnswer(answer);
  }

  async #endpoint(): Promise<{ url: string; operator: boolean; issuer: string } | { problem: string }> {
    const { issuer, tokenUrl } = this.#client;
    if (tokenUrl !== undefined) return { url: tokenUrl, operator: true, issuer: issuer ?? tokenUrl };
    if (issuer === undefined) return { problem: 'no authorization server is configured' };
    if (this.#found !== undefined && Date.now() < this.#found.until) return this.#found;
    const found = await discover(issuer, this.#fetch, true);
    if (!found.ok) return { problem: found.problem };
    const url = found.metadata.url('token_endpoint');
    if (url === undefined) return { problem: 'the metadata of the authorization server names no token_endpoint' };
    this.#found = { ...url, issuer, until: Date.now() + metadataLife };
    return this.#found;
  }

  /** RFC 7523, 2.2: for this server only, used once, over in a minute. */
  async #assertion(audience: string, privateKey: string): Promise<string> {
    const { clientId, algorithm, keyId } = this.#client;
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
      .setExpirationTime(now + assertionLife)
      .sign(key);
  }
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

function readAnswer(answer: Answered): Granted {
  if (!answer.ok) return { ok: false, lasting: answer.refused, problem: answer.problem };
  const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
  const body: JsonObject = parsed.ok && isObject(parsed.value) ? parsed.value : {};
  const { access_token: token, token_type: type, expires_in: seconds, error } = body;
  if (answer.status === 200 && typeof token === 'string' && /^[\x21-\x7e]{1,16384}$/.test(token)) {
    // A token of a type that is not understood must not be used (RFC 6749, 7.1).
    if (typeof type === 'string' && type.toLowerCase() !== 'bearer' && type.toLowerCase() !== 'n_a')
      return { ok: false, lasting: true, problem: 'the token is of a type that the gateway does not speak' };
    const life = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined;
    return life === undefined ? { ok: true, token } : { ok: true, token, lifetime: life };
  }
  if (typeof error === 'string' && lasting.has(error))
    return {
      ok: false,
      lasting: true,
      reauthorize: error === 'invalid_grant',
      problem: `the authorization server says ${error}`,
    };
  return { ok: false, lasting: false, problem: `the token endpoint answers ${answer.status} without a token` };
}
