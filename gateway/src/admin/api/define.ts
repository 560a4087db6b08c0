/** What every resource of the admin API follows: permissions, errors (RFC 9457), pages of lists, versions. */
import { type Hook, OpenAPIHono, z } from '@hono/zod-openapi';
import { may, type Principal } from '../../operators/principal.ts';
import type { Permission } from '../../operators/roles.ts';
import type { AdminEnv, AdminRequest, AdminStep } from '../context.ts';

export interface ApiProblem {
  readonly status: 400 | 401 | 403 | 404 | 409 | 411 | 412 | 413 | 422 | 429 | 503;
  readonly problem: string;
  readonly remedy: string;
}

/** `problem` and `remedy` are the sentences that commands print as well. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    remedy: z.string().describe('What to do.'),
  })
  .openapi('Problem');

const titles: Readonly<Record<ApiProblem['status'], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

export function problemResponse(
  { status, problem, remedy }: ApiProblem,
  headers: Record<string, string> = {},
): Response {
  const body = { type: 'about:blank', title: titles[status], status, detail: problem, remedy };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  });
}

/** Thrown by a handler: the one way in which a request ends early. */
export class ApiRefusal extends Error {
  readonly refusal: ApiProblem;
  constructor(refusal: ApiProblem) {
    super(refusal.problem);
    this.refusal = refusal;
  }
}

export function refuse(status: ApiProblem['status'], problem: string, remedy: string): never {
  throw new ApiRefusal({ status, problem, remedy });
}

const badInput: Hook<unknown, AdminEnv, string, unknown> = (result) => {
  if (result.success) return undefined;
  const [issue] = result.error.issues;
  const place = issue?.path.map(String).join('.') ?? '';
  const problem = `${place === '' ? 'the request' : place}: ${issue?.message ?? 'cannot be read'}`;
  return problemResponse({ status: 422, problem, remedy: 'See /api/v1/openapi.json.' });
};

export function newApi(): OpenAPIHono<AdminEnv> {
  return new OpenAPIHono<AdminEnv>({ defaultHook: badInput });
}

/** Where the permission of an operation stands in the OpenAPI document. */
export const permissionKey = 'x-permission';
export const othersKey = 'x-permission-for-others';

/** `own`: everybody who is authenticated, for what is its own. */
export type Needed = Permission | 'own';

/**
 * What an operation needs: it stands in the document, and is asked for before the operation. With `own`, `others` is what
 * it needs for another operator than the one that asks.
 */
export function needs(permission: Needed, others?: Permission) {
  return {
    [permissionKey]: permission,
    ...(others !== undefined && { [othersKey]: others }),
    middleware: allowedTo(permission, others),
  };
}

const refusal = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** Of every operation. */
export const refusals = {
  401: refusal('No valid token or session.'),
  403: refusal('The role does not allow it.'),
  404: refusal('There is none, or it is not for this operator.'),
  422: refusal('Bad input.'),
} as const;

function allowedTo(permission: Needed, others: Permission | undefined): AdminStep {
  return async (request, next) => {
    const principal = request.get('principal');
    if (permission !== 'own') need(principal, permission);
    else if (others !== undefined && request.req.param('operator') !== principal.operator.id) need(principal, others);
    await next();
  };
}

export function need(principal: Principal, permission: Permission): void {
  if (!may(principal, permission))
    refuse(403, `the role ${principal.role} may not do this (${permission})`, 'Ask an administrator.');
}

export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Items of a page.'),
  cursor: z.string().max(256).optional().describe('`next` of the page before.'),
});

/** Opaque to clients. */
export function cursorOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

export function fromCursor<Value>(schema: z.ZodType<Value>, cursor: string | undefined): Value | undefined {
  if (cursor === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    // Below it is refused like everything else that does not fit.
  }
  const read = schema.safeParse(value);
  if (!read.success) refuse(422, 'cursor cannot be read', 'Give `next` of the page before, as it was.');
  return read.data;
}

export function etagOf(version: number): string {
  return `"${version}"`;
}

/** The version that a change is of (RFC 9110, 13.1.1). Undefined: any. */
export function versionWanted(request: AdminRequest): number | undefined {
  const header = request.req.header('if-match');
  if (header === undefined || header === '*') return undefined;
  const [, version] = /^"(\d{1,15})"$/.exec(header) ?? [];
  if (version === undefined) refuse(422, 'If-Match cannot be read', 'Give the ETag of the answer before, as it was.');
  return Number(version);
}

export const time = (ms: number): string => new Date(ms).toISOString();
