/** From the names that a credential proves to the caller, with what the configuration says about each of them. */
import type { Callers, Scopes } from '../../config/schema/callers.ts';
import { type Caller, type Credential, callerKey } from '../../pipeline/contracts/caller.ts';
import type { JsonObject } from '../../protocol/json.ts';

/** The parts of the configuration that say what a caller is. */
export interface CallerSettings {
  readonly callers: Callers;
  readonly authentication: { readonly scopes: Scopes };
}

export interface CallerNames {
  readonly user?: string | undefined;
  readonly agent?: string | undefined;
  readonly application?: string | undefined;
}

/** What a credential says beyond the names. */
export interface Said {
  /** What happens with names that are not declared. */
  readonly unknown: 'accept' | 'refuse';
  /** How far callers that are not declared are trusted. */
  readonly trust: Caller['trust'];
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  readonly attributes: JsonObject;
  readonly claims: JsonObject;
}

const trusts = ['untrusted', 'standard', 'trusted'] as const;

/**
 * Roles are those of all parts together with what they include, trust is the lowest of any, and an attribute that
 * several parts have is that of the user, else of the agent; what the configuration says counts before what a credential
 * says. Scopes are those of the credential where it has any of its own. Returns a problem when a name is not declared
 * and must be.
 */
export function callerFrom(
  configuration: CallerSettings,
  names: CallerNames,
  { credential, said }: { readonly credential: Credential; readonly said?: Said },
): Caller | string {
  const { users, agents, applications } = configuration.callers;
  const declared = { user: users, agent: agents, application: applications };
  const parts: {
    readonly roles: readonly string[];
    readonly trust: Caller['trust'];
    readonly attributes: object;
    readonly scopes: readonly string[];
  }[] = [];
  const present: { user?: string; agent?: string; application?: string } = {};
  for (const kind of ['application', 'agent', 'user'] as const) {
    const name = names[kind];
    if (name === undefined) continue;
    const part = Object.hasOwn(declared[kind], name) ? declared[kind][name] : undefined;
    if (part === undefined && said?.unknown !== 'accept') return `the ${kind} "${name}" is not declared`;
    present[kind] = name;
    parts.push(part ?? { roles: [], trust: said?.trust ?? 'untrusted', attributes: {}, scopes: [] });
  }
  if (parts.length === 0) return 'no user, agent or application is named';
  const groups = said?.groups ?? [];
  const roles = [...parts.flatMap((part) => part.roles), ...(said?.roles ?? [])];
  for (const [role, { groups: members }] of Object.entries(configuration.callers.roles))
    if (members.some((group) => groups.includes(group))) roles.push(role);
  return {
    ...present,
    roles: closure(roles, (role) => own(configuration.callers.roles, role)?.includes),
    groups,
    scopes: closure(
      said?.scopes ?? parts.flatMap(({ scopes }) => scopes),
      (scope) => own(configuration.authentication.scopes, scope)?.implies,
    ),
    claims: said?.claims ?? {},
    attributes: Object.assign(
      {},
      said?.attributes,
      ...parts.map(({ attributes }) => attributes),
    ) as Caller['attributes'],
    trust: trusts.find((level) => parts.some(({ trust }) => trust === level)) ?? 'untrusted',
    credential,
    key: callerKey(present),
  };
}

/** Everything that follows from these names, each once; circles do no harm. */
function closure(names: readonly string[], next: (name: string) => readonly string[] | undefined): readonly string[] {
  const found = new Set(names);
  // A set goes on to yield what is added while it is walked.
  for (const name of found) for (const implied of next(name) ?? []) found.add(implied);
  return [...found];
}

function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
