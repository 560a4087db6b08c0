/** Environments, such as production and staging: a server that has one is reached from it, unless a connection says otherwise. */
import type { Callers } from '../../config/schema/callers.ts';
import type { ConnectionConfig } from '../../config/schema/connections.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';

export interface Environments {
  /** Those of user, agent and application, where they have one. */
  of(caller: Caller): readonly string[];
}

export function environmentsOf({ users, agents, applications }: Callers): Environments {
  const environmentIn = (list: Callers['users'], name: string | undefined): readonly string[] => {
    const known = name !== undefined && Object.hasOwn(list, name) ? list[name]?.environment : undefined;
    return known === undefined ? [] : [known];
  };
  return {
    of: ({ user, agent, application }) => [
      ...new Set([
        ...environmentIn(users, user),
        ...environmentIn(agents, agent),
        ...environmentIn(applications, application),
      ]),
    ],
  };
}

/** Why a connection does not lead from there to here; `undefined` where it does. A caller of none is of no environment. */
export function crossedText(
  { name, environments = [] }: Pick<ConnectionConfig, 'name' | 'environments'>,
  from: readonly string[],
  to: string | undefined,
): string | undefined {
  if (to === undefined || environments.includes(to)) return undefined;
  if (from.length > 0 && from.every((each) => each === to)) return undefined;
  const whence = from.length === 0 ? 'no environment' : from.join(' and ');
  return `the connection "${name}" does not lead from ${whence} to ${to}`;
}
