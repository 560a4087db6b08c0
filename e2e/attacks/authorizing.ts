/** An authorization server under the control of a test: without a consent page, its answers are set by the test. */
import { type Issuer, startIssuer } from '../issuer.ts';
import { sendJson } from './witness.ts';

export interface Authorizing extends Issuer {
  /** Queries of the authorization endpoint. */
  readonly asked: URLSearchParams[];
  /** Bodies of the token endpoint, with the Authorization header as `authorization`. */
  readonly redeemed: URLSearchParams[];
  readonly registrations: () => number;
  /** Where the browser goes from the authorization endpoint; by default back, with a code, the state and the issuer. */
  leave: (query: URLSearchParams) => string;
  /** What the token endpoint answers. */
  grant: (form: URLSearchParams) => object | Promise<object>;
}

/** `https://…/callback?code=…&state=…&iss=…` */
export function back(query: URLSearchParams, answer: Readonly<Record<string, string>>): string {
  const url = new URL(query.get('redirect_uri') ?? '');
  for (const [name, value] of Object.entries({ state: query.get('state') ?? '', ...answer }))
    url.searchParams.append(name, value);
  return url.href;
}

export async function startAuthorizing(): Promise<Authorizing> {
  const issuer = await startIssuer();
  const base = issuer.issuer;
  issuer.metadata = {
    ...issuer.metadata,
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    registration_endpoint: `${base}/register`,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    authorization_response_iss_parameter_supported: true,
  };
  let registrations = 0;
  const made: Authorizing = Object.assign(issuer, {
    asked: [],
    redeemed: [],
    registrations: () => registrations,
    leave: (query: URLSearchParams) => back(query, { code: 'a-code', iss: base }),
    grant: () => ({ access_token: `token-of-${new URL(base).port}-${made.redeemed.length}`, token_type: 'Bearer' }),
  });
  issuer.on('/authorize', (request, response) => {
    const query = new URL(request.url ?? '/', base).searchParams;
    made.asked.push(query);
    response.writeHead(302, { location: made.leave(query) }).end();
  });
  issuer.on('/register', (_request, response) => {
    registrations += 1;
    sendJson(
      response,
      { client_id: `client-${registrations}-of-${new URL(base).port}`, client_secret: 's3cret-s3cret' },
      201,
    );
  });
  issuer.on('/token', (request, response, body) => {
    const form = new URLSearchParams(body);
    form.set('authorization', request.headers.authorization ?? '');
    made.redeemed.push(form);
    void Promise.resolve(made.grant(form)).then((granted) =>
      sendJson(response, granted, 'error' in granted ? 400 : 200),
    );
  });
  return made;
}
