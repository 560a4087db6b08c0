/** What one caller may do at one server: the connections that lead there, and decisions on their rules. */

import type { ConnectionConfig } from '../../config/schema/connections.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import { type Guardrails, noGuardrails } from '../../pipeline/contracts/guardrails.ts';
import type { Capability, Decision, Grants, Mask } from '../../pipeline/contracts/policy.ts';
import type { ToolTraits } from '../../pipeline/contracts/traits.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { callerView, pack, viewKey } from './caller-view.ts';
import type { Ceiling } from './ceiling.ts';
import { contentOf, requestsOf } from './connection-terms.ts';
import { byRule, conclude, count, emptyTally, stronger } from './decide.ts';
import { together } from './guardrails.ts';
import { hidesResources } from './hidden.ts';
import type { Rule } from './rule.ts';
import type { Match, NameRules, UriRules } from './rule-index.ts';
import { parseUri } from './uri.ts';
import { parseTemplate } from './uri-template.ts';
import type { Window } from './windows.ts';

export interface CompiledConnection {
  readonly config: ConnectionConfig;
  readonly guardrails: Guardrails;
  /** When and from where it is there; `undefined` where it always is. */
  readonly window?: Window | undefined;
  /** Its place in the configuration. */
  readonly index: number;
  readonly tools: NameRules;
  readonly prompts: NameRules;
  readonly resources: UriRules;
}

/** The outcome of one rule for one call. */
export interface Considered {
  readonly rule: Rule;
  readonly matched: boolean;
  /** Why its condition could not be evaluated. */
  readonly error?: string;
}

export interface ExplainedGrants extends Grants {
  /** Every rule on the capability with its outcome for these arguments. */
  consider(capability: Capability, args: JsonObject | undefined, now: number): readonly Considered[];
}

const noArguments: JsonObject = {};
const neverOpen: Decision = { effect: 'deny', reason: 'no-rule', errors: [] };

export interface GrantParts {
  /** Of the revision. */
  readonly digest: string;
  readonly server?: string;
  readonly ceilings?: readonly Ceiling[];
  /** Of the gateway and the server. */
  readonly guardrails?: Guardrails;
}

export function makeGrants(
  caller: Caller,
  connections: readonly CompiledConnection[],
  { digest, server = '', ceilings = [], guardrails = noGuardrails }: GrantParts,
): ExplainedGrants {
  const seen = callerView(caller);
  const mode = connections.some(({ config }) => config.mode === 'enforce') ? 'enforce' : 'observe';
  const statics = new Map<Rule, boolean | string>();
  // Only an authorization server can give more scopes, so only holders of a token are shown what needs them.
  const mayStepUp = caller.credential.kind === 'token';
  const lacking = new Set<Rule>();
  /** Rules whose mask does not concern this caller. */
  const unmasked = new Set<Rule>();
  /** Rules that have guardrails, and may have a say about this caller. */
  const guarding = new Set<Rule>();
  const outcomes: string[] = [];
  let asksTraits = false;
  /** Whether two callers with the same outcomes see the same tools. */
  let isOwnView = false;
  for (const { tools, prompts, resources } of connections)
    for (const rule of [...tools.rules, ...prompts.rules, ...resources.rules]) {
      if (rule.scopes.length > 0) {
        const held = rule.scopes.every((scope) => caller.scopes.includes(scope));
        if (!held) lacking.add(rule);
        outcomes.push(held || mayStepUp ? '1' : '0');
      }
      if (rule.traits.length > 0 || rule.condition?.survey.variables.has('tool') === true) asksTraits = true;
      if (rule.condition?.isAboutTool === true) isOwnView ||= rule.condition.survey.variables.has('caller');
      if (rule.condition?.static === true) {
        const outcome = rule.condition.evaluate({ caller: seen });
        statics.set(rule, outcome);
        outcomes.push(applies(rule, outcome) ? '1' : '0');
      }
      if (rule.guardrails !== noGuardrails && statics.get(rule) !== false) guarding.add(rule);
      if (rule.mask?.unless?.static === true) {
        const shows = rule.mask.unless.evaluate({ caller: seen }) === true;
        if (shows) unmasked.add(rule);
        outcomes.push(shows ? '1' : '0');
      }
    }

  const evaluate = (match: Match, context: Context, now: number) => {
    const { condition } = match.rule;
    if (condition === undefined) return true;
    if (condition.static) return statics.get(match.rule) ?? 'was not evaluated';
    if (condition.usesTime) context.time ??= new Date(now);
    return condition.evaluate(match.uri === undefined ? context : { ...context, uri: match.uri });
  };

  /** What cannot be evaluated masks. */
  const maskOf = ({ rule, uri }: Match, context: Context, now: number) => {
    if (rule.mask === undefined || unmasked.has(rule)) return undefined;
    const { mask, unless } = rule.mask;
    if (unless === undefined || unless.static) return mask;
    if (unless.usesTime) context.time ??= new Date(now);
    return unless.evaluate(uri === undefined ? context : { ...context, uri }) === true ? undefined : mask;
  };

  const decide = (capability: Capability, args: JsonObject | undefined, now: number): Decision => {
    const ceiling = closing(capability);
    if (ceiling !== undefined) return { effect: 'deny', reason: `${ceiling.by}-ceiling`, errors: noErrors };
    if (capability.type === 'template') return couldAllow(capability) ? openTemplate : neverOpen;
    const matches = lookUp(connections, capability);
    if (typeof matches === 'string') return { effect: 'deny', reason: 'no-rule', errors: [matches] };
    const tally = emptyTally();
    let errors: string[] | undefined;
    let wanting: Rule | undefined;
    let masks: Mask[] | undefined;
    // What an opening rule says of the calls that it does not open.
    let hint: string | undefined;
    const isNew = isNewIn(capability);
    let includesNew = false;
    const context: Context = { args: args ?? noArguments, caller: seen, tool: traitsIn(capability) };
    for (const list of matches)
      for (const match of list) {
        const outcome = evaluate(match, context, now);
        if (typeof outcome === 'string') (errors ??= []).push(`${match.rule.reference.place}: ${outcome}`);
        if (!applies(match.rule, outcome)) {
          if (!match.rule.closing && !match.rule.observed) hint ??= match.rule.message;
          continue;
        }
        const opensNothing = isNew && !match.rule.closing && !match.rule.includesNew;
        if (!lacking.has(match.rule)) {
          includesNew ||= match.rule.includesNew;
          if (!opensNothing) count(tally, match.rule);
          // What it would mask is masked in any case.
          const mask = maskOf(match, context, now);
          if (mask !== undefined) (masks ??= []).push(mask);
        } else if (opensNothing) continue;
        // Of several ways to be allowed, the one that asks for least.
        else if (wanting === undefined || match.rule.scopes.length < wanting.scopes.length) wanting = match.rule;
      }
    // A connection that only observes shows no more of what is new than its rules say.
    const isClosed = isNew && !includesNew && tally.enforced?.effect !== 'deny';
    const concluded: Decision = isClosed
      ? { ...neverOpen, errors: errors ?? noErrors }
      : conclude(tally, isNew ? 'enforce' : mode, errors ?? noErrors);
    const decision = masks === undefined ? concluded : { ...concluded, masks };
    if (decision.effect !== 'deny' || decision.reason !== 'no-rule') return decision;
    if (wanting === undefined) return hint === undefined ? decision : { ...decision, message: hint };
    return { ...decision, reason: 'scope', scopes: wanting.scopes, rule: wanting.reference };
  };

  const closing = (capability: Capability): Ceiling | undefined =>
    ceilings.length === 0 ? undefined : ceilings.find((ceiling) => !ceiling.allows(server, capability));

  /** What is certain of a condition before there are arguments; `undefined` where nothing is. */
  const certainly = ({ rule, isUncertain }: Match, tool: ToolTraits | undefined): boolean | string | undefined => {
    const { condition } = rule;
    if (isUncertain === true) return undefined;
    if (condition === undefined) return true;
    if (condition.static) return statics.get(rule);
    return condition.isAboutTool && tool !== undefined ? condition.evaluate({ caller: seen, tool }) : undefined;
  };

  const couldAllow = (capability: Capability): boolean =>
    opens(capability, lookUp(connections, capability), traitsIn(capability));

  const couldAllowSome = (capability: Capability): boolean => {
    if (capability.type !== 'tool' || !asksTraits) return couldAllow(capability);
    return opens(
      capability,
      connections.map(({ tools }) => tools.forSome(capability.name)),
      undefined,
    );
  };

  const opens = (capability: Capability, matches: ReturnType<typeof lookUp>, tool: ToolTraits | undefined): boolean => {
    if (closing(capability) !== undefined) return false;
    if (typeof matches === 'string') return false;
    const isNew = isNewIn(capability);
    let open = mode === 'observe' && !isNew;
    for (const list of matches)
      for (const match of list) {
        const { rule } = match;
        if (lacking.has(rule) && !mayStepUp) continue;
        const outcome = certainly(match, tool);
        const possible = outcome === undefined || applies(rule, outcome);
        if (rule.effect === 'deny') {
          if (outcome !== undefined && possible && !rule.observed) return false;
        } else if (isNew && !rule.includesNew) continue;
        else if (possible && !(rule.effect === 'hold' && rule.observed)) open = true;
      }
    return open;
  };

  const shared = together([guardrails, ...connections.map((each) => each.guardrails)]);
  /** By the rules that add to what is shared. Inspectors know a list again by its identity. */
  const withRules = new Map<string, Guardrails>();

  const guardrailsOn = (capability: Capability): Guardrails => {
    if (guarding.size === 0) return shared;
    const matches = lookUp(connections, capability);
    if (typeof matches === 'string') return shared;
    const own = [...new Set(matches.flat().map(({ rule }) => rule))].filter((rule) => guarding.has(rule));
    if (own.length === 0) return shared;
    const key = own.map(({ order }) => order).join();
    const known = withRules.get(key);
    if (known !== undefined) return known;
    const made = together([shared, ...own.map((rule) => rule.guardrails)]);
    if (withRules.size >= maxCombinations) withRules.clear();
    withRules.set(key, made);
    return made;
  };

  const couldMask = (capability: Capability): boolean => {
    const matches = lookUp(connections, capability);
    if (typeof matches === 'string') return false;
    return matches.some((list) => list.some(({ rule }) => rule.mask !== undefined && !unmasked.has(rule)));
  };

  const closed = (capability: Capability): Decision => {
    const ceiling = closing(capability);
    if (ceiling !== undefined) return { effect: 'deny', reason: `${ceiling.by}-ceiling`, errors: noErrors };
    const matches = lookUp(connections, capability);
    if (typeof matches === 'string') return { effect: 'deny', reason: 'no-rule', errors: [matches] };
    let denying: Rule | undefined;
    let wanting: Rule | undefined;
    const tool = traitsIn(capability);
    for (const list of matches)
      for (const match of list) {
        const { rule } = match;
        const outcome = certainly(match, tool);
        if (outcome === undefined || !applies(rule, outcome)) continue;
        if (rule.effect === 'deny') {
          if (!rule.observed) denying = stronger(denying, rule);
        } else if (lacking.has(rule) && (wanting === undefined || rule.scopes.length < wanting.scopes.length))
          wanting = rule;
      }
    if (denying !== undefined) return byRule(denying, noErrors);
    if (wanting === undefined) return neverOpen;
    return { effect: 'deny', reason: 'scope', scopes: wanting.scopes, rule: wanting.reference, errors: noErrors };
  };

  return {
    key: `${digest.slice(0, 16)}:${connections.map(({ index }) => index).join('.')}:${pack(outcomes)}${isOwnView ? ` ${viewKey(seen)}` : ''}${ceilings.map(({ by, name }) => ` ${by}:${name}`).join('')}`,
    connections: connections.map(({ config }) => config.name),
    requests: requestsOf(connections),
    ...contentOf(connections),
    decide,
    couldAllow,
    couldAllowSome,
    ...(hidesResources(connections, ceilings) && {
      mayShow: (uri: string) => couldAllow({ type: 'resource', uri }),
    }),
    asksTraits,
    guardrailsOn,
    couldMask,
    closed,
    names: (capability) => {
      switch (capability.type) {
        case 'tool':
          return connections.some(({ tools }) => tools.has(capability.name));
        case 'prompt':
          return connections.some(({ prompts }) => prompts.has(capability.name));
        case 'resource':
        case 'template':
          return false;
      }
    },
    consider: (capability, args, now) => {
      const matches = lookUp(connections, capability);
      if (typeof matches === 'string') return [];
      const context: Context = { args: args ?? noArguments, caller: seen, tool: traitsIn(capability) };
      return matches.flat().map((match) => {
        const outcome = capability.type === 'template' ? true : evaluate(match, context, now);
        const matched = applies(match.rule, outcome);
        return { rule: match.rule, matched, ...(typeof outcome === 'string' ? { error: outcome } : {}) };
      });
    },
  };
}

interface Context {
  args: unknown;
  caller: object;
  tool?: ToolTraits | undefined;
  time?: Date;
}

const nothingKnown: ToolTraits = {};

/** Of a tool that is not known nothing is known; what is no tool has no traits. */
function traitsIn(capability: Capability): ToolTraits | undefined {
  return capability.type === 'tool' ? (capability.traits ?? nothingKnown) : undefined;
}

function isNewIn(capability: Capability): boolean {
  return capability.type !== 'resource' && capability.isNew === true;
}

/** Of rules with guardrails that meet on one capability. */
const maxCombinations = 1_000;

const noErrors: readonly string[] = [];
const openTemplate: Decision = { effect: 'allow', reason: 'rule', errors: [] };

/** A condition that cannot be evaluated opens nothing and closes what it closes. */
function applies(rule: Rule, outcome: boolean | string): boolean {
  return typeof outcome === 'string' ? rule.closing : outcome;
}

/** The rules on a capability, by connection; or why it can match no rule at all. */
function lookUp(
  connections: readonly CompiledConnection[],
  capability: Capability,
): readonly (readonly Match[])[] | string {
  switch (capability.type) {
    case 'tool':
      return connections.map(({ tools }) => tools.for(capability.name, capability.traits));
    case 'prompt':
      return connections.map(({ prompts }) => prompts.for(capability.name));
    case 'resource': {
      const parsed = parseUri(capability.uri);
      if (!parsed.ok) return `the URI ${parsed.fault}`;
      return connections.map(({ resources }) => resources.for(parsed.uri));
    }
    case 'template': {
      const template = parseTemplate(capability.uriTemplate);
      if (template === undefined) return 'the template has a dot segment';
      return connections.map(({ resources }) => resources.forTemplate(template));
    }
  }
}
