/**
 * What a record says in public, as the text of its members in canonical order (RFC 8785). Made on the data plane, once: the
 * writer puts its own members in between and neither parses nor serialises the others again.
 */

import type { ExchangeEnd, ExchangeFacts, Verdict } from '../../../pipeline/contracts/audit.ts';
import type { Capability, Decision, RuleReference } from '../../../pipeline/contracts/policy.ts';
import { clientRequests, operationOf } from '../../../protocol/methods.ts';
import type { Capture } from '../settings.ts';
import { canonical, type Plain } from './canonical.ts';

/** Of the credentials of a call: how the caller proved who it is, and what the server was shown. */
interface Shown {
  readonly binding: string | undefined;
  readonly kind: string;
  readonly presented: string | undefined;
}

/** What a record says in public, but for what the writer adds. Nothing here was chosen freely by a client. */
export interface PublicPart {
  readonly approval?: ExchangeFacts['approval'] | undefined;
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly capability?: Capability | undefined;
  readonly capture?: Capture | undefined;
  readonly cause?: string | undefined;
  readonly checks?: readonly Verdict[] | undefined;
  readonly code?: number | undefined;
  readonly connections?: readonly string[] | undefined;
  readonly cost?: number | undefined;
  readonly credential?: Shown | undefined;
  readonly decision?: Decision | undefined;
  readonly definition?: string | undefined;
  readonly definitionAge?: number | undefined;
  readonly definitionSource?: string | undefined;
  readonly detail?: Plain | undefined;
  readonly direction?: string | undefined;
  readonly ended?: number | undefined;
  readonly era?: string | undefined;
  readonly id?: string | undefined;
  readonly kind: string;
  readonly latency?: number | undefined;
  readonly limits?: readonly Verdict[] | undefined;
  readonly method?: string | undefined;
  readonly outcome?: string | undefined;
  readonly reason?: string | undefined;
  readonly revision?: string | undefined;
  readonly server?: string | undefined;
  readonly session?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly tier?: string | undefined;
  readonly time?: number | undefined;
  readonly transport?: string | undefined;
}

/**
 * Members as text, each with a comma before it, in the stretches between which the writer's own stand: `about`, [0],
 * `arguments`, [1], `parent` and `private`, [2], `result`, [3], `seq`, [4], `subject`, [5], `v` and `written`.
 */
export type Members = readonly [string, string, string, string, string, string];

const maxTextLength = 512;
export const maxListLength = 32;
/** Of all members together, in UTF-16 code units. An entry has at most 65,535 bytes, the writer's members included. */
const maxMembersLength = 20_000;

/** Texts of which there are few: names from the configuration and from catalogues, digests. */
const fewTexts = new Map<string, string>();
const maxFewTexts = 4_096;

/** JSON of a text that comes up again and again. */
function few(text: string): string {
  const known = fewTexts.get(text);
  if (known !== undefined) return known;
  const made = canonical(text);
  if (fewTexts.size >= maxFewTexts) fewTexts.clear();
  fewTexts.set(text, made);
  return made;
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe whole number`);
  return value;
}

export function membersLength([a, b, c, d, e, f]: Members): number {
  return a.length + b.length + c.length + d.length + e.length + f.length;
}

export function membersOf(part: PublicPart): Members {
  const members = textsOf(part);
  if (membersLength(members) <= maxMembersLength) return members;
  // Lists and details are bounded one by one; should they be too long together, they go and the record says so.
  const [approval, first, reason, revision, place, rest] = textsOf({
    ...part,
    connections: undefined,
    detail: undefined,
    checks: undefined,
  });
  return [approval, first, reason, revision, `${place},"shortened":true`, rest];
}

function textsOf(part: PublicPart): Members {
  const { bytesIn, bytesOut, capability, capture, cause, code, connections, cost, decision, definition, detail } = part;
  const { checks, credential, definitionAge, definitionSource, limits } = part;
  const { direction, ended, era, id, kind, latency, method, outcome, reason, revision } = part;
  const { server, session, tags, tier, time, transport } = part;
  let first = '';
  if (bytesIn !== undefined) first += `,"bytesIn":${whole(bytesIn)}`;
  if (bytesOut !== undefined) first += `,"bytesOut":${whole(bytesOut)}`;
  if (capability !== undefined) first += `,"capability":${capabilityText(capability)}`;
  if (capture !== undefined) first += `,"capture":"${capture}"`;
  if (cause !== undefined) first += `,"cause":${few(cause)}`;
  if (checks !== undefined) first += `,"checks":${verdictsText(checks)}`;
  if (code !== undefined) first += `,"code":${whole(code)}`;
  if (connections !== undefined) first += `,"connections":${connectionsText(connections)}`;
  if (cost !== undefined) first += `,"cost":"${cost}"`;
  if (credential !== undefined) first += `,"credential":${credentialText(credential)}`;
  if (decision !== undefined) first += `,"decision":${decisionText(decision)}`;
  if (definition !== undefined) first += `,"definition":${few(definition)}`;
  if (definitionAge !== undefined) first += `,"definitionAge":${whole(definitionAge)}`;
  if (definitionSource !== undefined) first += `,"definitionSource":${few(definitionSource)}`;
  if (detail !== undefined) first += `,"detail":${canonical(detail)}`;
  if (direction !== undefined) first += `,"direction":${few(direction)}`;
  if (ended !== undefined) first += `,"ended":${whole(ended)}`;
  if (era !== undefined) first += `,"era":${few(era)}`;
  if (id !== undefined) first += `,"id":${canonical(id)}`;
  first += `,"kind":${few(kind)}`;
  if (latency !== undefined) first += `,"latency":${whole(latency)}`;
  if (limits !== undefined) first += `,"limits":${verdictsText(limits)}`;
  if (method !== undefined) first += `,"method":${few(method)}`;
  if (outcome !== undefined) first += `,"outcome":${few(outcome)}`;
  let place = '';
  if (server !== undefined) place += `,"server":${few(server)}`;
  if (session !== undefined) place += `,"session":${canonical(session)}`;
  let rest = '';
  if (tags !== undefined) rest += `,"tags":${connectionsText(tags)}`;
  if (tier !== undefined) rest += `,"tier":${few(tier)}`;
  if (time !== undefined) rest += `,"time":${whole(time)}`;
  if (transport !== undefined) rest += `,"transport":${few(transport)}`;
  return [
    part.approval === undefined ? '' : `,"approval":${canonical({ ...part.approval })}`,
    first,
    reason === undefined ? '' : `,"reason":${few(reason)}`,
    revision === undefined ? '' : `,"revision":${few(revision)}`,
    place,
    rest,
  ];
}

function credentialText({ binding, kind, presented }: Shown): string {
  const bound = binding === undefined ? '' : `"binding":${few(binding)},`;
  return `{${bound}"kind":${few(kind)}${presented === undefined ? '' : `,"presented":${few(presented)}`}}`;
}

function verdictsText(verdicts: readonly Verdict[]): string {
  return canonical(
    verdicts
      .slice(0, maxListLength)
      .map(({ micros, name, part, verdict }) => ({ micros, name: cut(name), part, verdict: cut(verdict) })),
  );
}

/** A URI may name a person; a tool, prompt or template is what the server lists. */
function capabilityText(capability: Capability): string {
  if ('name' in capability) return `{"name":${few(cut(capability.name))},"type":"${capability.type}"}`;
  if ('uriTemplate' in capability)
    return `{"template":${few(cut(capability.uriTemplate))},"type":"${capability.type}"}`;
  return `{"type":"${capability.type}"}`;
}

const lists = new WeakMap<readonly string[], string>();

function connectionsText(connections: readonly string[]): string {
  const known = lists.get(connections);
  if (known !== undefined) return known;
  const made = canonical(connections.slice(0, maxListLength));
  lists.set(connections, made);
  return made;
}

/** What a rule decided last, as text. */
const decisions = new WeakMap<RuleReference, { readonly key: string; readonly text: string }>();

function decisionText(decision: Decision): string {
  const { rule, errors, effect, reason, observed } = decision;
  if (rule === undefined || errors.length > 0) return freshDecision(decision);
  const key = `${effect} ${reason} ${observed}`;
  const known = decisions.get(rule);
  if (known?.key === key) return known.text;
  const text = freshDecision(decision);
  decisions.set(rule, { key, text });
  return text;
}

function freshDecision({ effect, errors, observed, reason, rule }: Decision): string {
  return canonical({
    connection: rule?.connection,
    effect,
    errors: errors.length === 0 ? undefined : errors.length,
    observed,
    place: rule === undefined ? undefined : cut(rule.place),
    reason,
  });
}

export function factsPublic(facts: ExchangeFacts): Omit<PublicPart, 'kind' | 'capture'> {
  const { binding, caller, presented } = facts;
  return {
    approval: facts.approval,
    bytesIn: facts.bytesIn,
    capability: facts.capability,
    checks: facts.checks,
    connections: facts.connections,
    cost: facts.cost,
    credential: caller === undefined ? undefined : { binding, kind: caller.credential.kind, presented },
    decision: facts.decision,
    definition: facts.definition,
    definitionAge: facts.definitionAge,
    definitionSource: facts.definitionSource,
    direction: facts.direction,
    era: facts.era,
    id: facts.id,
    limits: facts.limits,
    method: methodOf(facts),
    revision: facts.revision,
    // Before a connection was found, the server is only what the client says.
    server: facts.connections === undefined ? undefined : facts.server,
    session: facts.session,
    tags: facts.tags,
    tier: facts.tier,
    time: facts.at,
    transport: facts.transport,
  };
}

export function methodOf({ direction, era, method }: ExchangeFacts): string {
  const known = direction === 'server-to-client' ? clientRequests.has(method) : operationOf(era, method) !== undefined;
  return known ? method : 'other';
}

export function endPublic({
  outcome,
  reason,
  cause,
  error,
  latency,
  bytesOut,
  checks,
  at,
}: ExchangeEnd): Omit<PublicPart, 'kind'> {
  return { outcome, reason, cause, checks, code: error?.code, latency, bytesOut, ended: at };
}

export function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}

/** Any JSON as what public parts are made of: fractions become text, null is left out. */
export function plain(value: unknown): Plain {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value);
  if (Array.isArray(value)) return value.slice(0, 1_000).map(plain);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([name, member]) => [name, plain(member)]),
  );
}
