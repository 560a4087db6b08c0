/** Says why a call is allowed or not: by which rule, what else was considered, and what would change it. */
import type { Revision } from '../../config/revision.ts';
import { suggestion } from '../../config/suggest.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Guardrails } from '../../pipeline/contracts/guardrails.ts';
import type { Capability, Decision, Grants } from '../../pipeline/contracts/policy.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { CompiledPolicy } from './compile.ts';
import type { Considered } from './grants.ts';

export interface ExplainedRule {
  readonly place: string;
  readonly connection: string;
  readonly text: string;
  readonly outcome: 'matched' | 'condition was false' | 'condition failed';
  readonly error?: string;
}

export interface Explanation {
  /** Whether the call would be let through. */
  readonly allowed: boolean;
  /** Whether lists show it. */
  readonly listed: boolean;
  /** `undefined`: no connection leads there. */
  readonly decision: Decision | undefined;
  readonly connections: readonly string[];
  readonly considered: readonly ExplainedRule[];
  /** One sentence on the outcome. */
  readonly summary: string;
  /** One sentence on what would change it. */
  readonly change: string;
  /** What looks at the content of its calls and of what comes back. */
  readonly guardrails?: Guardrails;
  /** What of the tool is not enforced. */
  readonly notes: readonly string[];
}

export interface LeftOut {
  readonly problem?: string;
  /** What would change that; absent where it is the schema. */
  readonly change?: string;
  readonly notes: readonly string[];
}

export interface InputRequired {
  readonly caller: Caller;
  readonly server: string;
  readonly capability: Capability;
  readonly args?: JsonObject | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the client. */
  readonly address?: string | undefined;
  /** What the gateway found about the tool when it last read the list of the server. */
  readonly leftOut?: LeftOut | undefined;
}

export function explain(revision: Revision, policy: CompiledPolicy, inputRequired: InputRequired): Explanation {
  const { caller, server, capability, args, now, address, leftOut } = inputRequired;
  const whence = { at: now, address };
  const grants = policy.grants(caller, server, whence);
  const subject = nameOf(capability);
  const closed = closedServer(revision, caller, server);
  if (closed !== undefined || grants === undefined)
    return {
      ...unreachable(revision, caller, server),
      ...outsideOf(policy.whyClosed(caller, server, whence)),
      ...closed,
      listed: isListed(revision, server, grants, capability),
    };
  const decision = grants.decide(capability, args, now);
  const considered = grants.consider(capability, args, now).map(explained);
  const isLeftOut = leftOut?.problem !== undefined;
  const allowed = !isLeftOut && (decision.effect === 'allow' || decision.effect === 'observe');
  const explanation: Explanation = {
    allowed,
    listed: !isLeftOut && grants.couldAllow(capability),
    decision,
    connections: grants.connections,
    guardrails: grants.guardrailsOn(capability),
    considered,
    summary: summarise(caller, server, subject, decision),
    change: changeOf(decision, considered, capability, grants.connections),
    notes: leftOut?.notes ?? [],
  };
  if (!isLeftOut) return explanation;
  return {
    ...explanation,
    summary: `The gateway leaves ${subject} of ${server} out: ${leftOut.problem}. By the rules alone: ${explanation.summary}`,
    change: leftOut.change ?? 'An input schema that can be checked.',
  };
}

/** A connection that leads there at other hours, or from other networks. */
function outsideOf(why: string | undefined): Partial<Pick<Explanation, 'summary' | 'change'>> {
  if (why === undefined) return {};
  return {
    summary: `As if there were no such server: ${why}.`,
    change:
      'Another time (--at) or address (--address), or other "hours", "networks", "countries" or "environments" of the connection.',
  };
}

/** What the configuration of a server closes, whatever connections say. */
function closedServer(
  revision: Revision,
  caller: Caller,
  name: string,
): Pick<Explanation, 'summary' | 'change'> | undefined {
  const { servers } = revision.configuration;
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (server === undefined) return undefined;
  const { status, requires } = server;
  if (status !== 'active')
    return {
      summary:
        status === 'draining'
          ? `The server ${name} is draining: it takes no new calls.`
          : `The server ${name} is ${status}: it does not exist for any caller.`,
      change: `"status: active", at ${revision.place(['servers', name])}.`,
    };
  const missing = requires.filter((kind) => caller[kind] === undefined);
  if (missing.length === 0) return undefined;
  return {
    summary: `The server ${name} does not exist for ${caller.key}: it requires ${missing.join(' and ')} behind every call.`,
    change: `A caller with ${missing.join(' and ')}, or another "requires", at ${revision.place(['servers', name])}.`,
  };
}

/** A draining server keeps its lists. */
function isListed(
  { configuration }: Revision,
  server: string,
  grants: Grants | undefined,
  capability: Capability,
): boolean {
  return configuration.servers[server]?.status === 'draining' && grants?.couldAllow(capability) === true;
}

export function nameOf(capability: Capability): string {
  switch (capability.type) {
    case 'tool':
      return `tool ${capability.name}`;
    case 'prompt':
      return `prompt ${capability.name}`;
    case 'resource':
      return `resource ${capability.uri}`;
    case 'template':
      return `template ${capability.uriTemplate}`;
  }
}

function unreachable({ configuration }: Revision, caller: Caller, server: string): Explanation {
  const known = Object.keys(configuration.servers);
  const exists = known.includes(server);
  return {
    allowed: false,
    listed: false,
    decision: undefined,
    connections: [],
    considered: [],
    notes: [],
    summary: exists
      ? `No connection leads from ${caller.key} to ${server}, so the server does not exist for this caller.`
      : `There is no server "${server}".`,
    change: exists
      ? `A connection from ${caller.key} to ${server} with a rule that allows it.`
      : suggestion(server, known, 'server'),
  };
}

function explained({ rule, matched, error }: Considered): ExplainedRule {
  const outcome = error !== undefined ? 'condition failed' : matched ? 'matched' : 'condition was false';
  return { ...rule.reference, outcome, ...(error === undefined ? {} : { error }) };
}

const verbs: Readonly<Record<Decision['effect'], string>> = {
  allow: 'may use',
  deny: 'may not use',
  hold: 'needs the approval of a person for',
  observe: 'is let through under observation to',
};

function summarise(caller: Caller, server: string, subject: string, decision: Decision): string {
  const said = `${caller.key} ${verbs[decision.effect]} ${subject} of ${server}`;
  const observed =
    decision.observed === undefined ? '' : ` (would be ${decision.observed === 'hold' ? 'held' : 'denied'})`;
  if (decision.reason === 'scope' && decision.rule !== undefined)
    return `${said}: the scope ${decision.scopes?.join(' ')} is missing for ${decision.rule.text}, at ${decision.rule.place}.`;
  if (decision.rule !== undefined) return `${said}${observed}: ${decision.rule.text}, at ${decision.rule.place}.`;
  if (decision.reason.endsWith('-ceiling'))
    return `${said}: the ceiling of its ${decision.reason.slice(0, -8)} says no, whatever the rules say.`;
  const fault = decision.errors.length > 0 ? `: ${decision.errors.join('; ')}` : ', as no rule matches';
  return `${said}${observed}${fault}.`;
}

function changeOf(
  { effect, reason, rule, observed }: Decision,
  considered: readonly ExplainedRule[],
  capability: Capability,
  connections: readonly string[],
): string {
  const at = rule === undefined ? '' : ` at ${rule.place}`;
  if (observed !== undefined) return 'Taking "mode: observe" from the connection would enforce it.';
  if (reason === 'scope') return 'A token with that scope.';
  if (reason.endsWith('-ceiling')) return `A wider ceiling under callers.`;
  if (effect === 'deny' && rule !== undefined)
    return `Removing or narrowing the deny rule${at}; no allow rule can outweigh it.`;
  if (effect === 'hold') return `Removing or narrowing the hold rule${at}; no allow rule can outweigh it.`;
  if (effect === 'allow' || effect === 'observe') return `A deny rule on it, or narrowing the rule${at}.`;
  const near = considered.find(({ outcome, text }) => outcome !== 'matched' && /^(?:allow|observe)/.test(text));
  if (near !== undefined)
    return `Arguments, a caller or a time for which the condition at ${near.place} is true, or another allow rule.`;
  const list = capability.type === 'tool' ? 'tools' : capability.type === 'prompt' ? 'prompts' : 'resources';
  return `A rule under "${list}" of the connection ${connections.map((name) => `"${name}"`).join(' or ')} that allows it.`;
}
