/** `/api/v1/operators/{operator}/tokens` and `…/sessions`: what an operator proves itself with. Each manages its own. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { type Operator, type OperatorToken, operatorBounds, type Session } from '../../operators/operator.ts';
import { isWithin, operatorRoles } from '../../operators/roles.ts';
import { type AdminEnv, type AdminParts, type AdminRequest, noteBy } from '../context.ts';
import { json, needs, refusals, refuse, time } from './define.ts';
import { needFresh, operatorParameter } from './operators.ts';

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(operatorRoles),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().optional(),
    lastUsedAt: z.iso.datetime().optional(),
  })
  .openapi('OperatorToken');
const newSchema = z
  .strictObject({
    name: z.string().min(1).max(128).describe('A note for people.'),
    role: z.enum(operatorRoles).describe('Not more than that of the operator.'),
    expiresAt: z.iso.datetime().describe('At most 366 days from now.'),
  })
  .openapi('NewOperatorToken');
const sessionSchema = z
  .object({
    id: z.string(),
    means: z.enum(['passkey', 'password', 'oidc']),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  })
  .openapi('OperatorSession');

const one = operatorParameter.extend({ id: z.string().max(64) });
const tags = ['operators'];

const listTokens = createRoute({
  method: 'get',
  path: '/operators/{operator}/tokens',
  tags,
  summary: 'List tokens, ended ones included',
  ...needs('own', 'operators.read'),
  request: { params: operatorParameter },
  responses: { ...refusals, 200: json('All of them.', z.object({ tokens: z.array(tokenSchema) })) },
});
const createToken = createRoute({
  method: 'post',
  path: '/operators/{operator}/tokens',
  tags,
  summary: 'Make a token; its text is shown once',
  ...needs('own', 'operators.write'),
  request: {
    params: operatorParameter,
    body: { required: true, content: { 'application/json': { schema: newSchema } } },
  },
  responses: { ...refusals, 201: json('It is made.', tokenSchema.extend({ token: z.string() })) },
});
const revokeToken = createRoute({
  method: 'delete',
  path: '/operators/{operator}/tokens/{id}',
  tags,
  summary: 'Revoke a token',
  ...needs('own', 'operators.write'),
  request: { params: one },
  responses: { ...refusals, 204: { description: 'It is revoked.' } },
});
const listSessions = createRoute({
  method: 'get',
  path: '/operators/{operator}/sessions',
  tags,
  summary: 'List open sessions',
  ...needs('own', 'operators.read'),
  request: { params: operatorParameter },
  responses: { ...refusals, 200: json('All of them.', z.object({ sessions: z.array(sessionSchema) })) },
});
const endSession = createRoute({
  method: 'delete',
  path: '/operators/{operator}/sessions/{id}',
  tags,
  summary: 'End a session',
  ...needs('own', 'operators.write'),
  request: { params: one },
  responses: { ...refusals, 204: { description: 'It is over.' } },
});

export function tokenRoutes(api: OpenAPIHono<AdminEnv>, parts: AdminParts): void {
  const { operators } = parts;

  api.openapi(listTokens, (request) => {
    const { id } = operatorOf(request, parts);
    return request.json({ tokens: operators.tokens.list(id).map(shownToken) }, 200);
  });
  api.openapi(createToken, (request) => {
    const operator = operatorOf(request, parts);
    const { role: ownRole } = request.get('principal');
    needFresh(request);
    // It would outlive the group, which is known when its person signs in.
    if (operator.group !== undefined)
      refuse(
        409,
        `${operator.name} is an operator by a group, which has no tokens`,
        'Create an operator for the script.',
      );
    const { name, role, expiresAt } = request.req.valid('json');
    const now = Date.now();
    const ends = Date.parse(expiresAt);
    if (ends <= now || ends > now + operatorBounds.maxTokenMs)
      refuse(422, 'expiresAt is past, or more than 366 days away', 'Choose an earlier end.');
    const { via } = request.get('principal');
    if (via.kind === 'token' && ends > via.token.expiresAt)
      refuse(403, 'a token makes no token that ends later than itself', 'Sign in, or choose an earlier end.');
    // Neither more than its operator, nor more than what makes it.
    if (!isWithin(role, operator.role) || !isWithin(role, ownRole))
      refuse(403, `${role} is more than ${operator.name} may`, `Choose the role ${operator.role}, or less.`);
    const made = operators.tokens.create({ operator: operator.id, name, role, expiresAt: ends }, now);
    if (made === undefined)
      return refuse(409, `${operatorBounds.tokensOfOne} tokens are in force`, 'Revoke those that are not needed.');
    const { id } = made.token;
    noteBy(request, parts, {
      kind: 'operator-token',
      detail: { operator: operator.name, token: id, role, made: true },
    });
    return request.json({ ...shownToken(made.token), token: made.text }, 201);
  });
  api.openapi(revokeToken, (request) => {
    const operator = operatorOf(request, parts);
    const { id } = request.req.valid('param');
    if (!operators.tokens.revoke(id, operator.id, Date.now()))
      refuse(404, 'there is no such token, or it has ended', 'See the list of tokens.');
    noteBy(request, parts, { kind: 'operator-token', detail: { operator: operator.name, token: id, made: false } });
    return request.body(null, 204);
  });
  api.openapi(listSessions, (request) => {
    const { id } = operatorOf(request, parts);
    return request.json({ sessions: operators.sessions.list(id, Date.now()).map(shownSession) }, 200);
  });
  api.openapi(endSession, (request) => {
    const operator = operatorOf(request, parts);
    const { id } = request.req.valid('param');
    if (!operators.sessions.end(id, operator.id)) refuse(404, 'there is no such session', 'See the list of sessions.');
    noteBy(request, parts, { kind: 'operator-session', detail: { operator: operator.name, session: id } });
    return request.body(null, 204);
  });
}

/** The operator that is asked about. Its permission was looked at before. */
function operatorOf(request: AdminRequest, { operators }: AdminParts): Operator {
  const { operator } = request.get('principal');
  const id = request.req.param('operator') ?? '';
  if (id === operator.id) return operator;
  return operators.get(id) ?? refuse(404, 'there is no such operator', 'See the list of operators.');
}

function shownToken({ id, name, role, createdAt, expiresAt, revokedAt, lastUsedAt }: OperatorToken) {
  return {
    id,
    name,
    role,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    ...(revokedAt !== undefined && { revokedAt: time(revokedAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: time(lastUsedAt) }),
  };
}

function shownSession({ id, means, createdAt, endsAt }: Session) {
  return { id, means, createdAt: time(createdAt), expiresAt: time(endsAt) };
}
