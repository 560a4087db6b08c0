/** From the names that a credential proves to the caller, with what the configuration says about each of them. */
import type { Configuration } from '../config/schema/index.ts';
import { type Caller, type Credential, callerKey } from '../pipeline/caller.ts';

export interface CallerNames {
  readonly user?: string | undefined;
  readonly agent?: string | undefined;
  readonly application?: string | undefined;
}

const trusts = ['untrusted', 'standard', 'trusted'] as const;

/**
 * Roles are those of all parts together, trust is the lowest of any, and an attribute that several parts have is that of
 * the user, else of the agent. Returns a problem when a name is not declared.
 */
export function callerFrom(configuration: Configuration, names: CallerNames, credential: Credential): Caller | string {
  const { users, agents, applications } = configuration.callers;
  const declared = { user: users, agent: agents, application: applications };
  const parts: { readonly roles: readonly string[]; readonly trust: Caller['trust']; readonly attributes: object }[] =
    [];
  const present: { user?: string; agent?: string; application?: string } = {};
  for (const kind of ['application', 'agent', 'user'] as const) {
    const name = names[kind];
    if (name === undefined) continue;
    const part = Object.hasOwn(declared[kind], name) ? declared[kind][name] : undefined;
    if (part === undefined) return `the ${kind} "${name}" is not declared`;
    present[kind] = name;
    parts.push(part);
  }
  if (parts.length === 0) return 'no user, agent or application is named';
  return {
    ...present,
    roles: [...new Set(parts.flatMap(({ roles }) => roles))],
    scopes: [],
    claims: {},
    attributes: Object.assign({}, ...parts.map(({ attributes }) => attributes)) as Caller['attributes'],
    trust: trusts.find((level) => parts.some(({ trust }) => trust === level)) ?? 'untrusted',
    credential,
    key: callerKey(present),
  };
}
