/** `/api/v1/approvals`: calls that wait for a person. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { JSONValue } from 'hono/utils/types';
import { type ApprovalContent, type ApprovalLine, approvalStates, callerTextOf } from '../../stages/approve/store.ts';
import { type AdminEnv, type AdminParts, noteBy, partyOf } from '../context.ts';
import { decide, maxReason, type Verdict, visible } from '../decide.ts';
import { historyOf } from '../history.ts';
import { watching } from '../watching.ts';
import { cursorOf, fromCursor, json, needs, pageQuery, refusals, refuse, time } from './define.ts';

const summarySchema = z
  .object({
    id: z.string(),
    state: z.enum(approvalStates),
    server: z.string(),
    name: z.string().describe('Of the tool, prompt or resource.'),
    caller: z.string().optional().describe('Absent where it cannot be decrypted, or is over.'),
    tier: z.string().optional(),
    rule: z.object({ connection: z.string(), text: z.string() }).optional(),
    digest: z.string().describe('SHA-256 of everything that the decision is bound to.'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    quorum: z.int(),
    uses: z.int().describe('How often the call was made by it.'),
    votes: z.array(
      z.object({ by: z.string(), at: z.iso.datetime(), reason: z.string().optional(), passkey: z.boolean() }),
    ),
  })
  .openapi('ApprovalSummary');

const approvalSchema = summarySchema
  .extend({
    call: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        'What the digest is of: caller, server, capability, arguments as the server would get them, and so on.',
      ),
    findings: z
      .object({
        listed: z.array(
          z.object({
            guardrail: z.string(),
            found: z.string().describe('detector/class, or why something was not scanned. Never the value.'),
            action: z.string().describe('What becomes of it, such as `warn`.'),
            part: z.string().describe('`arguments`, `meta` or `answer`.'),
            at: z.string().optional().describe('JSON pointer into the part; absent for the name of a member.'),
          }),
        ),
        more: z.int().describe('Findings that are not listed.'),
      })
      .optional()
      .describe('What guardrails found in the call; absent where that is nothing.'),
  })
  .openapi('Approval');

const historySchema = z
  .object({
    since: z
      .object({
        at: z.iso.datetime(),
        changes: z.array(
          z.object({
            at: z.string().describe('JSON pointer into the arguments.'),
            before: z.string().optional().describe('JSON, of at most 200 characters.'),
            after: z.string().optional(),
          }),
        ),
        more: z.int().describe('Changes that are not listed.'),
      })
      .optional()
      .describe('Since the last call of this caller to the same name that was approved; absent where there is none.'),
    recent: z
      .array(
        z.object({
          at: z.iso.datetime(),
          method: z.string(),
          server: z.string(),
          name: z.string().optional(),
          decision: z.string().optional(),
          outcome: z.string().optional().describe('Absent while it is under way.'),
          reason: z.string().optional(),
        }),
      )
      .describe('Calls that this caller made lately, the newest first.'),
  })
  .openapi('ApprovalHistory');

const idParameter = z.object({ id: z.string().max(64).describe('Of the approval.') });

const decisionSchema = z
  .strictObject({
    reason: z.string().max(maxReason).optional().describe('Why: for the log, and for the model when it is rejected.'),
    assertion: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Answer of a passkey to the challenge of this approval, as PublicKeyCredential.toJSON has it.'),
  })
  .openapi('Decision');

export function summaryOf(approval: ApprovalLine): z.output<typeof summarySchema> {
  const { id, state, server, name, digest, summary, createdAt, expiresAt, terms, uses, votes } = approval;
  return {
    id,
    state,
    server,
    name,
    ...(summary !== undefined && { caller: callerTextOf(summary), rule: summary.rule }),
    ...(summary?.tier !== undefined && { tier: summary.tier }),
    digest,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    quorum: terms.quorum,
    uses,
    votes: votes.map(({ by, at, reason, proof }) => ({
      by,
      at: time(at),
      ...(reason !== undefined && { reason }),
      passkey: proof !== undefined,
    })),
  };
}

const tags = ['approvals'];

const list = createRoute({
  method: 'get',
  path: '/approvals',
  tags,
  summary: 'List approvals, the newest first',
  ...needs('approvals.list'),
  request: {
    query: pageQuery.extend({ state: z.enum([...approvalStates, 'all']).default('pending') }),
  },
  responses: {
    ...refusals,
    200: json('A page.', z.object({ approvals: z.array(summarySchema), next: z.string().optional() })),
  },
});

const show = createRoute({
  method: 'get',
  path: '/approvals/{id}',
  tags,
  summary: 'Show exactly what would be called; it is recorded that it was seen',
  ...needs('approvals.read'),
  request: { params: idParameter },
  responses: { ...refusals, 200: json('The approval.', approvalSchema) },
});

const history = createRoute({
  method: 'get',
  path: '/approvals/{id}/history',
  tags,
  summary:
    'What changed since the last approved call of its caller, and what the caller did lately; it is recorded that it was seen',
  ...needs('approvals.read'),
  request: { params: idParameter },
  responses: { ...refusals, 200: json('As the log has it.', historySchema) },
});

const decision = (verdict: Verdict) =>
  createRoute({
    method: 'post',
    path: `/approvals/{id}/${verdict}`,
    tags,
    summary: verdict === 'approve' ? 'Let the call be made' : 'Refuse the call',
    ...needs('approvals.decide'),
    request: {
      params: idParameter,
      body: { required: false, content: { 'application/json': { schema: decisionSchema } } },
    },
    responses: { ...refusals, 200: json('The approval as it is now.', summarySchema) },
  });

const watch = createRoute({
  method: 'get',
  path: '/approvals/watch',
  tags,
  summary: 'Hear what becomes of approvals, as server-sent events',
  ...needs('approvals.list'),
  responses: {
    ...refusals,
    200: {
      description: 'Events `approval`, each with an ApprovalSummary.',
      content: { 'text/event-stream': { schema: z.string() } },
    },
  },
});

const cursorSchema = z.strictObject({ createdAt: z.number(), id: z.string().max(64) });

export function approvalRoutes(api: OpenAPIHono<AdminEnv>, parts: AdminParts): void {
  api.openapi(list, (request) => {
    const { limit, cursor, state } = request.req.valid('query');
    const { servers } = request.get('principal').operator;
    const after = fromCursor(cursorSchema, cursor);
    const filter = { servers, after, limit: limit + 1, ...(state !== 'all' && { state }) };
    const found = parts.approvals.list(filter, Date.now());
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    // A sweep has not seen yet what ended a moment ago.
    const shown = page.filter((each) => state === 'all' || each.state === state);
    const next = last === undefined ? {} : { next: cursorOf({ createdAt: last.createdAt, id: last.id }) };
    return request.json({ approvals: shown.map(summaryOf), ...next }, 200);
  });

  // Before `{id}`, which would take it for a name.
  api.openapi(watch, (request) => watching(request, parts, summaryOf) as never);

  api.openapi(show, (request) => {
    const { id } = request.req.valid('param');
    const approval = visible(parts, request.get('principal'), id);
    if (approval === undefined) refuse(404, 'there is no such approval', 'See the list of approvals.');
    noteBy(request, parts, { kind: 'approval-viewed', detail: { approval: id } });
    const { content } = approval;
    const findings = content?.findings && { listed: [...content.findings.listed], more: content.findings.more };
    return request.json(
      { ...summaryOf(approval), ...(content && { call: callOf(content) }), ...(findings && { findings }) },
      200,
    );
  });

  api.openapi(history, async (request) => {
    const { id } = request.req.valid('param');
    const principal = request.get('principal');
    const approval = visible(parts, principal, id);
    if (approval === undefined) refuse(404, 'there is no such approval', 'See the list of approvals.');
    const found = await historyOf(parts, approval, principal.operator);
    if (found === undefined)
      refuse(
        409,
        'the log does not say what was called before',
        'Ask while the approval is pending, with audit.enabled.',
      );
    noteBy(request, parts, { kind: 'approval-viewed', detail: { approval: id } });
    const { since, recent } = found;
    return request.json(
      {
        ...(since !== undefined && { since: { ...since, changes: [...since.changes], at: time(since.at) } }),
        recent: recent.map((call) => ({ ...call, at: time(call.at) })),
      },
      200,
    );
  });

  for (const verdict of ['approve', 'reject'] as const)
    api.openapi(decision(verdict), async (request) => {
      const { id } = request.req.valid('param');
      const { reason, assertion } = request.req.valid('json') ?? {};
      const party = partyOf(request, parts);
      const decided = await decide(parts, request.get('principal'), { id, verdict, reason, assertion, party });
      if (!decided.ok) refuse(decided.status, decided.problem, decided.remedy);
      return request.json(summaryOf(decided.approval), 200);
    });
}

/** Exactly what the digest is of, and where the rule stands. */
function callOf(content: ApprovalContent): Record<string, JSONValue> {
  const { who: _who, findings: _findings, ...call } = content;
  return call as unknown as Record<string, JSONValue>;
}
