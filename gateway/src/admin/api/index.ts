/** The admin API: what is asked of every request, then one file for each resource. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { FailureThrottle } from '../../operators/sign-in.ts';
import { bodyProblem } from '../body-bound.ts';
import { type AdminEnv, type AdminParts, isCrossSite } from '../context.ts';
import type { Idempotency } from '../idempotency.ts';
import { identify } from '../identify.ts';
import type { RequestRate } from '../request-rate.ts';
import { approvalRoutes } from './approvals.ts';
import { ApiRefusal, newApi, problemResponse } from './define.ts';
import { healthRoutes } from './health.ts';
import { operatorRoutes } from './operators.ts';
import { tokenRoutes } from './tokens.ts';

export interface ApiParts extends AdminParts {
  readonly throttle: FailureThrottle;
  readonly idempotency: Idempotency;
  readonly rate: RequestRate;
  readonly isSecure: boolean;
  readonly onBug: (error: unknown) => void;
}

export const apiPath = '/api/v1';
const challenge = { 'www-authenticate': 'Bearer realm="sallyport admin"' };
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD']);

const document = {
  openapi: '3.1.0',
  info: {
    title: 'Sallyport admin API',
    version: '1',
    description:
      'For operators: a token in the Authorization header, or the session of the pages. Errors are RFC 9457.',
  },
  servers: [{ url: apiPath }],
  security: [{ token: [] }],
};

export function createApi(parts: ApiParts): OpenAPIHono<AdminEnv> {
  const api = newApi();
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  api.use('*', async (request, next) => {
    await next();
    request.header('cache-control', 'no-store');
    request.header('x-content-type-options', 'nosniff');
  });
  let written: string | undefined;
  api.get('/openapi.json', () => {
    written ??= JSON.stringify(openApiDocument(api));
    return new Response(written, { headers: { 'content-type': 'application/json' } });
  });
  api.use('*', async (request, next) => {
    const identified = identify(request, parts);
    if (!identified.ok) {
      if (identified.reason === 'throttled')
        return problemResponse({ status: 429, problem: 'too many failures', remedy: 'Try again in a minute.' });
      const problem = identified.reason === 'none' ? 'no token and no session' : 'the token is not valid';
      const remedy = 'Send Authorization: Bearer, with a token of `sallyport operator token`.';
      return problemResponse({ status: 401, problem, remedy }, challenge);
    }
    const { principal } = identified;
    // A browser sends the cookie by itself, so what changes something must come from our own page.
    const isByCookie = principal.via.kind === 'session';
    if (isByCookie && !safe.has(request.req.method) && isCrossSite(request, parts))
      return problemResponse({ status: 403, problem: 'another site sent this', remedy: 'Use the pages, or a token.' });
    if (!parts.mayConnect(request.env, principal.operator.id))
      return problemResponse({ status: 429, problem: 'too many connections', remedy: 'Use those that are open.' });
    const wait = parts.rate.take(principal.operator.id, Date.now());
    if (wait > 0)
      return problemResponse(
        { status: 429, problem: 'too many requests', remedy: `Try again in ${wait} s.` },
        { 'retry-after': String(wait) },
      );
    request.set('principal', principal);
    return next();
  });
  api.use('*', (request, next) => {
    const problem = bodyProblem(request);
    return problem === undefined ? next() : Promise.resolve(problemResponse(problem));
  });
  api.use('*', parts.idempotency.step);
  addRoutes(api, parts);
  api.onError((error) => {
    if (error instanceof ApiRefusal) return problemResponse(error.refusal);
    if ('status' in error && error.status === 400)
      return problemResponse({ status: 400, problem: 'the body is not JSON', remedy: 'Send JSON.' });
    parts.onBug(error);
    return problemResponse({ status: 503, problem: 'it cannot be done at the moment', remedy: 'See the log.' });
  });
  api.notFound(() =>
    problemResponse({ status: 404, problem: 'there is no such operation', remedy: `See ${apiPath}/openapi.json.` }),
  );
  return api;
}

function addRoutes(api: OpenAPIHono<AdminEnv>, parts: AdminParts): void {
  for (const add of [healthRoutes, operatorRoutes, tokenRoutes, approvalRoutes]) add(api, parts);
}

/** OpenAPI 3.1. What `schema/openapi.json` is generated from. */
export function openApiDocument(api = documented()): object {
  return api.getOpenAPI31Document(document);
}

/** The routes, of which none is asked. */
function documented(): OpenAPIHono<AdminEnv> {
  const api = newApi();
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  addRoutes(api, {} as AdminParts);
  return api;
}
