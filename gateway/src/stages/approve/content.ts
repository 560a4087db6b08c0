/** What an approval is of, taken from the exchange that waits; and its record. */
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import type { AuditEvent } from '../../pipeline/contracts/audit.ts';
import type { Capability, Tier } from '../../pipeline/contracts/policy.ts';
import { argumentsOf } from '../../pipeline/decide.ts';
import type { Inspected } from '../../pipeline/exchange.ts';
import { withoutUrlPrompts } from '../../pipeline/url-prompt.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { endToEndMeta, metaOf } from '../../protocol/meta.ts';
import type { Bound } from './digest.ts';
import type { Approval, ApprovalContent } from './store.ts';

/** They differ for every attempt of the same call. */
const traceNames: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

const defaults: ApprovalTerms = { quorum: 1, within: 900_000, reason: 'optional' };

/** What a person needs to decide. */
export function contentOf(exchange: Inspected, revision: string): ApprovalContent {
  const { caller, capability, decision, tool, upstream, resumption } = exchange;
  const { connection = '', place = '' } = decision.rule ?? {};
  const { heldBy } = exchange;
  const { findings } = exchange.checks;
  const text = decision.rule?.text ?? '';
  const answers = withoutUrlPrompts(exchange.params).inputResponses;
  const meta = Object.fromEntries(
    Object.entries(endToEndMeta(metaOf(exchange.params)) ?? {}).filter(([name]) => !traceNames.has(name)),
  );
  const { user, agent, application } = caller;
  return {
    caller: caller.key,
    server: upstream.server,
    capability: { type: capability.type, name: nameOf(capability) },
    arguments: argumentsOf(exchange) ?? {},
    ...(tool !== undefined && { definition: tool.digest, tier: tool.tier }),
    rule: { connection, text },
    terms: decision.approval ?? defaults,
    ...(heldBy !== undefined && { guardrail: `${heldBy.guardrail} holds ${heldBy.what}` }),
    ...(answers !== undefined && { answers }),
    // Equal answers to another question are something else.
    ...(resumption !== undefined && { inputRequests: { id: resumption.id, messages: resumption.messages } }),
    ...(Object.keys(meta).length > 0 && { meta }),
    place,
    revision,
    credential: caller.credential.id,
    ...(findings !== undefined && { findings }),
    who: {
      ...(user !== undefined && { user }),
      ...(agent !== undefined && { agent }),
      ...(application !== undefined && { application }),
    },
  };
}

/** What the decision is bound to. */
export function boundOf({
  place: _place,
  revision: _revision,
  who: _who,
  credential: _credential,
  findings: _findings,
  ...bound
}: ApprovalContent): Bound {
  return bound;
}

function nameOf(capability: Capability): string {
  switch (capability.type) {
    case 'tool':
    case 'prompt':
      return capability.name;
    case 'resource':
      return capability.uri;
    case 'template':
      return capability.uriTemplate;
  }
}

/** The record of what became of an approval. */
export function eventOf({ id, digest, server, name, state, votes, owner, uses, content }: Approval): AuditEvent {
  const last = votes.at(-1);
  // What was approved is in the record, so that it can be proven what was.
  const isDecided = state === 'approved' || (state === 'rejected' && content?.guardrail === undefined);
  return {
    kind: `approval-${state}` as const,
    at: Date.now(),
    server,
    ...(content !== undefined && { caller: content.who }),
    ...(content !== undefined &&
      isDecided && {
        content: {
          value: boundOf(content) as unknown as JsonObject,
          connection: content.rule.connection,
          ...(content.tier !== undefined && { tier: content.tier as Tier }),
        },
      }),
    detail: {
      id,
      digest,
      name,
      caller: owner,
      votes: votes.map(({ by, at, reason, proof }) => ({
        by,
        at,
        ...(reason !== undefined && { reason }),
        ...(proof !== undefined && { proof: { ...proof } }),
      })),
      ...(last !== undefined && { by: last.by }),
      ...(content !== undefined && { rule: content.place }),
      uses,
    },
  };
}
