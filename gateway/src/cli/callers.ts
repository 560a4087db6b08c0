/** Callers as they are written on the command line and in examples. */
import { type CallerNames, callerFrom } from '../authn/caller.ts';
import type { Configuration } from '../config/schema/index.ts';
import { suggestion } from '../config/suggest.ts';
import type { Caller } from '../pipeline/caller.ts';

export type NamedCaller =
  | { readonly ok: true; readonly caller: Caller }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** `agent:x`, `user:dana agent:x`, or several of them. */
export function parseCaller(words: readonly string[]): CallerNames | undefined {
  const names: { user?: string; agent?: string; application?: string } = {};
  for (const word of words.flatMap((each) => each.split(/[\s,]+/)).filter((each) => each !== '')) {
    const [, kind, name] = /^(user|agent|application):(.+)$/.exec(word) ?? [];
    if (kind !== 'user' && kind !== 'agent' && kind !== 'application') return undefined;
    if (name === undefined || names[kind] !== undefined) return undefined;
    names[kind] = name;
  }
  return Object.keys(names).length === 0 ? undefined : names;
}

/** The caller that these names stand for, with the roles and attributes of the configuration. */
export function findCaller(configuration: Configuration, names: CallerNames): NamedCaller {
  const caller = callerFrom(configuration, names, { kind: 'local', id: 'command-line' });
  if (typeof caller !== 'string') return { ok: true, caller };
  const { users, agents, applications } = configuration.callers;
  for (const [kind, known] of [
    ['user', users],
    ['agent', agents],
    ['application', applications],
  ] as const) {
    const name = names[kind];
    if (name !== undefined && !Object.hasOwn(known, name))
      return { ok: false, problem: caller, remedy: suggestion(name, Object.keys(known), kind) };
  }
  return { ok: false, problem: caller, remedy: 'Name a user, agent or application.' };
}
