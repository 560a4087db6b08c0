/** One line of a connection, compiled: what it matches, what it does, and where it stands. */
import type { Diagnostic } from '../../config/diagnostic.ts';
import type { Revision } from '../../config/revision.ts';
import type { ApprovalConfig } from '../../config/schema/approvals.ts';
import type { RuleConfig, TraitsConfig } from '../../config/schema/connections.ts';
import type { Configuration } from '../../config/schema/index.ts';
import type { ApprovalTerms, GrantTerms } from '../../pipeline/contracts/approval.ts';
import type { Guardrails } from '../../pipeline/contracts/guardrails.ts';
import type { Covers, Decision, Mask, RuleReference } from '../../pipeline/contracts/policy.ts';
import { partsOf } from '../../protocol/pointer.ts';
import { type Condition, compileCondition } from './condition.ts';
import type { CompiledGuardrails } from './guardrails.ts';
import { traitsText } from './traits.ts';
import { parsePattern, type UriPattern } from './uri-pattern.ts';

export type Effect = Decision['effect'];
export type RuleKind = 'tools' | 'prompts' | 'resources';

export interface RuleMask {
  readonly mask: Mask;
  readonly unless: Condition | undefined;
}

export interface Rule {
  readonly effect: Effect;
  /** Deny and hold: they close, so they read widely, and match when their condition cannot be evaluated. */
  readonly closing: boolean;
  /** Place in the whole configuration, to choose the first of equals. */
  readonly order: number;
  readonly condition: Condition | undefined;
  readonly reference: RuleReference;
  /** Scopes that the caller must have for an opening rule to open. */
  readonly scopes: readonly string[];
  readonly observed: boolean;
  /** It opens, or holds, what nothing has approved yet as well. */
  readonly includesNew: boolean;
  readonly mask: RuleMask | undefined;
  readonly guardrails: Guardrails;
  /** Of a rule that holds. */
  readonly approval: ApprovalTerms | undefined;
  readonly covers: Covers | undefined;
  /** For the model. */
  readonly message: string | undefined;
  /** Names or patterns as written. */
  readonly patterns: readonly string[];
  /** Of tools: what they are, in place of what they are called. */
  readonly traits: readonly TraitsConfig[];
}

/** Deny beats hold beats observe beats allow, wherever the lines stand. */
export const rank: Readonly<Record<Effect, number>> = { allow: 0, observe: 1, hold: 2, deny: 3 };

const conditionKinds = { tools: 'arguments', prompts: 'prompt', resources: 'resource' } as const;
const effects = ['allow', 'deny', 'hold', 'observe'] as const;

export interface CompiledRule {
  readonly rule: Rule;
  /** For resources only. */
  readonly uriPatterns: readonly UriPattern[];
}

export interface RuleParts {
  readonly revision: Revision;
  readonly complaints: Diagnostic[];
  readonly guardrails: CompiledGuardrails;
}

/** Compiles one rule, or complains. `order` must grow along the configuration. */
export function compileRule(
  config: RuleConfig,
  at: { readonly connection: number; readonly kind: RuleKind; readonly index: number; readonly order: number },
  { revision, complaints, guardrails }: RuleParts,
): CompiledRule | undefined {
  const path = ['connections', at.connection, at.kind, at.index];
  const effect = effects.find((each) => config[each] !== undefined);
  const connection = revision.configuration.connections[at.connection];
  if (effect === undefined || connection === undefined) return undefined;
  const subjects = config[effect] ?? [];
  const patterns = subjects.filter((each) => typeof each === 'string');
  const traits = subjects.filter((each) => typeof each !== 'string');
  const before = complaints.length;
  const uriPatterns =
    at.kind === 'resources' ? uriPatternsOf(patterns, [...path, effect], { revision, complaints }) : [];
  if (complaints.length > before) return undefined;
  const shared = uriPatterns
    .map(({ variables }) => variables)
    .reduce<readonly string[] | undefined>(
      (all, names) => (all === undefined ? names : all.filter((name) => names.includes(name))),
      undefined,
    );
  const conditionOf = (key: 'when' | 'unless'): Condition | undefined => {
    const source = config[key];
    if (source === undefined) return undefined;
    const compiled = compileCondition(source, conditionKinds[at.kind], shared);
    if (compiled.ok) return compiled.condition;
    for (const { code, start, problem, remedy } of compiled.problems)
      complaints.push({ code, place: revision.locate([...path, key], start), problem, remedy });
    return undefined;
  };
  const condition = conditionOf('when');
  const unless = conditionOf('unless');
  const covers = coversOf(config.approval, [...path, 'approval', 'grant', 'when'], { revision, complaints });
  if (complaints.length > before) return undefined;
  const when = config.when === undefined ? '' : ` when ${config.when.replace(/\s+/g, ' ').trim()}`;
  const scopes = config.scopes === undefined ? '' : ` with scope ${config.scopes.join(' ')}`;
  const place = revision.place(path);
  const pointers = config.mask?.map(partsOf);
  const masked = config.mask === undefined ? '' : ` mask ${config.mask.join(', ')}`;
  const rule: Rule = {
    effect,
    closing: effect === 'deny' || effect === 'hold',
    order: at.order,
    condition,
    scopes: config.scopes ?? [],
    message: config.message,
    observed: connection.mode === 'observe',
    includesNew: config.includeNew === true,
    patterns,
    traits,
    approval: effect === 'hold' ? termsOf(config.approval, revision.configuration.approvals) : undefined,
    covers: effect === 'hold' ? covers : undefined,
    guardrails: guardrails.usesOf(config.guardrails, 'rule', [...path, 'guardrails']),
    mask:
      pointers === undefined ? undefined : { mask: { pointers, text: config.maskText ?? 'withhold', place }, unless },
    reference: {
      connection: connection.name,
      place,
      text:
        shorten(`${effect} ${[...patterns, ...traits.map(traitsText)].join(', ')}`, 160) +
        shorten(scopes, 160) +
        shorten(when, 240) +
        (config.includeNew === true ? ' include new' : '') +
        shorten(masked, 160),
    },
  };
  return { rule, uriPatterns };
}

function termsOf(own: ApprovalConfig = {}, all: Configuration['approvals']): ApprovalTerms {
  const { quorum = all.quorum, within = all.within, reason = all.reason, grant = 'once' } = own;
  const { by = all.by, notBy = all.notBy, proof = all.proof } = own;
  return {
    quorum,
    within,
    reason,
    ...(by !== undefined && { by }),
    ...(notBy !== undefined && { notBy }),
    ...(proof !== undefined && { proof }),
    ...(grant !== 'once' && { grant: grantOf(grant) }),
  };
}

function grantOf({ for: ms, calls, when }: Exclude<NonNullable<ApprovalConfig['grant']>, 'once'>): GrantTerms {
  return { for: ms, ...(calls !== undefined && { calls }), ...(when !== undefined && { when }) };
}

/** A condition that cannot be evaluated covers nothing. */
function coversOf(
  { grant }: ApprovalConfig = {},
  path: readonly (string | number)[],
  { revision, complaints }: { readonly revision: Revision; readonly complaints: Diagnostic[] },
): Covers | undefined {
  if (grant === undefined || grant === 'once' || grant.when === undefined) return undefined;
  const compiled = compileCondition(grant.when, 'grant');
  if (compiled.ok) {
    const { condition } = compiled;
    return (call) => condition.evaluate({ ...call, time: new Date() }) === true;
  }
  for (const { code, start, problem, remedy } of compiled.problems)
    complaints.push({ code, place: revision.locate(path, start), problem, remedy });
  return undefined;
}

function uriPatternsOf(
  patterns: readonly string[],
  path: readonly (string | number)[],
  { revision, complaints }: { readonly revision: Revision; readonly complaints: Diagnostic[] },
): UriPattern[] {
  return patterns.flatMap((text, index) => {
    const parsed = parsePattern(text);
    if (parsed.ok) return [parsed.pattern];
    const { problem, remedy } = parsed;
    complaints.push({ code: 'POL010', place: revision.locate([...path, index], 0), problem, remedy });
    return [];
  });
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
