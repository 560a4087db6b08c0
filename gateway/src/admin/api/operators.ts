/** `/api/v1/operators`: who runs the gateway. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { type Operator, operatorBounds } from '../../operators/operator.ts';
import { isFresh } from '../../operators/principal.ts';
import { operatorRoles } from '../../operators/roles.ts';
import { operatorName } from '../../operators/sign-in.ts';
import type { Changed } from '../../operators/store.ts';
import { type AdminEnv, type AdminParts, type AdminRequest, baseOf, noteBy } from '../context.ts';
import { etagOf, json, needs, refusals, refuse, time, versionWanted } from './define.ts';

export const operatorSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(operatorRoles),
    servers: z.array(z.string()).optional().describe('Servers whose approvals it sees and decides; absent: all.'),
    user: z.string().optional().describe('The user that this person is where it calls as a client.'),
    group: z
      .object({ issuer: z.string(), group: z.string() })
      .optional()
      .describe('By which group of an issuer it is an operator; absent: by itself.'),
    createdAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().optional(),
  })
  .openapi('Operator');

const text = z.string().min(1).max(256);
const fields = {
  role: z.enum(operatorRoles),
  servers: z.array(text).max(1_000).optional(),
  user: text.optional(),
};
const newSchema = z.strictObject({ name: z.string().regex(operatorName), ...fields }).openapi('NewOperator');
const changeSchema = z
  .strictObject({ role: fields.role.optional(), servers: fields.servers.nullable(), user: fields.user.nullable() })
  .openapi('OperatorChange');
const linkSchema = z
  .object({
    link: z.url().describe('Opened once, it gives the operator a passkey or a password.'),
    expiresAt: z.iso.datetime(),
  })
  .openapi('OperatorLink');

export const operatorParameter = z.object({ operator: z.string().max(64).describe('Id of the operator.') });

export function shownOperator({ id, name, role, servers, user, group, createdAt, revokedAt }: Operator) {
  return {
    id,
    name,
    role,
    ...(servers !== undefined && { servers: [...servers] }),
    ...(user !== undefined && { user }),
    ...(group !== undefined && { group }),
    createdAt: time(createdAt),
    ...(revokedAt !== undefined && { revokedAt: time(revokedAt) }),
  };
}

const tags = ['operators'];

const self = createRoute({
  method: 'get',
  path: '/me',
  tags,
  summary: 'Who this token or session is',
  ...needs('own'),
  responses: { ...refusals, 200: json('The operator.', operatorSchema.extend({ via: z.enum(['token', 'session']) })) },
});
const list = createRoute({
  method: 'get',
  path: '/operators',
  tags,
  summary: 'List operators, revoked ones included, the oldest first',
  ...needs('operators.read'),
  responses: { ...refusals, 200: json('All of them.', z.object({ operators: z.array(operatorSchema) })) },
});
const show = createRoute({
  method: 'get',
  path: '/operators/{operator}',
  tags,
  summary: 'Show an operator; the ETag is its version',
  ...needs('operators.read'),
  request: { params: operatorParameter },
  responses: { ...refusals, 200: json('The operator.', operatorSchema) },
});
const create = createRoute({
  method: 'post',
  path: '/operators',
  tags,
  summary: 'Make an operator, and the one-time link on which it gets a passkey or a password',
  ...needs('operators.write'),
  request: { body: { required: true, content: { 'application/json': { schema: newSchema } } } },
  responses: { ...refusals, 201: json('It is made.', operatorSchema.extend(linkSchema.shape)) },
});
const change = createRoute({
  method: 'patch',
  path: '/operators/{operator}',
  tags,
  summary: 'Change an operator; with If-Match only when it was not changed meanwhile',
  ...needs('operators.write'),
  request: {
    params: operatorParameter,
    body: { required: true, content: { 'application/json': { schema: changeSchema } } },
  },
  responses: { ...refusals, 200: json('As it is now.', operatorSchema) },
});
const revoke = createRoute({
  method: 'delete',
  path: '/operators/{operator}',
  tags,
  summary: 'Revoke an operator: its sessions and tokens end, and its approvals that are not spent yet count no more',
  ...needs('operators.write'),
  request: { params: operatorParameter },
  responses: { ...refusals, 200: json('As it is now.', operatorSchema) },
});
const link = createRoute({
  method: 'post',
  path: '/operators/{operator}/links',
  tags,
  summary: 'Make another one-time link for an operator, such as for a new passkey',
  ...needs('operators.write'),
  request: { params: operatorParameter },
  responses: { ...refusals, 201: json('The link.', linkSchema) },
});

export function operatorRoutes(api: OpenAPIHono<AdminEnv>, parts: AdminParts): void {
  const { operators } = parts;
  const found = (id: string): Operator =>
    operators.get(id) ?? refuse(404, 'there is no such operator', 'See the list of operators.');

  api.openapi(self, (request) => {
    const { operator, role, via } = request.get('principal');
    return request.json({ ...shownOperator({ ...operator, role }), via: via.kind }, 200);
  });
  api.openapi(list, (request) => request.json({ operators: operators.list().map(shownOperator) }, 200));
  api.openapi(show, (request) => {
    const operator = found(request.req.valid('param').operator);
    request.header('etag', etagOf(operator.version));
    return request.json(shownOperator(operator), 200);
  });
  api.openapi(create, (request) => {
    needFresh(request);
    const { name, role, servers, user } = request.req.valid('json');
    const now = Date.now();
    const made = operators.create(
      { name, role, ...(servers !== undefined && { servers }), ...(user !== undefined && { user }) },
      now,
    );
    if (!made.ok)
      return made.problem === 'exists'
        ? refuse(409, `there is an operator ${name}, or was one`, 'Names are not given twice. Choose another.')
        : refuse(409, `there are ${operatorBounds.operators} operators`, 'That is the bound.');
    noteBy(request, parts, { kind: 'operator-created', detail: { operator: name, role } });
    return request.json({ ...shownOperator(made.operator), ...linked(request, made.operator) }, 201);
  });
  api.openapi(change, (request) => {
    needFresh(request);
    const before = found(request.req.valid('param').operator);
    const { role, servers, user } = request.req.valid('json');
    const { servers: ownServers, user: ownUser } = before;
    const next = {
      role: role ?? before.role,
      // null takes it away.
      ...pick('servers', servers === undefined ? ownServers : (servers ?? undefined)),
      ...pick('user', user === undefined ? ownUser : (user ?? undefined)),
    };
    const changed = operators.change(before.id, next, versionWanted(request));
    const operator = doneOrRefused(changed);
    noteBy(request, parts, { kind: 'operator-changed', detail: { operator: operator.name, role: operator.role } });
    request.header('etag', etagOf(operator.version));
    return request.json(shownOperator(operator), 200);
  });
  api.openapi(revoke, (request) => {
    needFresh(request);
    const { id } = found(request.req.valid('param').operator);
    const version = versionWanted(request);
    const operator = doneOrRefused(
      operators.revoke(id, { now: Date.now(), ...(version !== undefined && { version }) }),
    );
    noteBy(request, parts, { kind: 'operator-revoked', detail: { operator: operator.name } });
    return request.json(shownOperator(operator), 200);
  });
  api.openapi(link, (request) => {
    needFresh(request);
    const operator = found(request.req.valid('param').operator);
    if (operator.revokedAt !== undefined) refuse(409, `${operator.name} is revoked`, 'Make another operator.');
    noteBy(request, parts, { kind: 'operator-changed', detail: { operator: operator.name, link: true } });
    return request.json(linked(request, operator), 201);
  });

  function linked(request: AdminRequest, { id, name, role }: Operator) {
    const made = operators.sessions.link({ operator: id, name, role }, Date.now());
    if (made === undefined) return refuse(429, 'too many links are open', 'Wait until some of them have ended.');
    return { link: `${baseOf(request, parts)}/join/${made.text}`, expiresAt: time(made.endsAt) };
  }
}

function pick<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } {
  return (value === undefined ? { [name]: undefined } : { [name]: value }) as { readonly [Key in Name]?: Value };
}

function doneOrRefused(changed: Changed): Operator {
  if (changed.ok) return changed.operator;
  switch (changed.problem) {
    case 'unknown':
      return refuse(404, 'there is no such operator, or it is revoked', 'See the list of operators.');
    case 'changed-meanwhile':
      return refuse(412, 'it was changed meanwhile', 'Get it again, and repeat the change with its new ETag.');
    case 'last-administrator':
      return refuse(409, 'it is the only administrator', 'Make another administrator before.');
    case 'of-group':
      return refuse(409, 'its group says what it may do', 'Change console.groups in the configuration.');
  }
}

/** What gives rights is done by a person who is there now. */
export function needFresh(request: AdminRequest): void {
  if (!isFresh(request.get('principal'), Date.now()))
    refuse(403, 'you signed in more than five minutes ago', 'Sign in again.');
}
