/**
 * The most that a user, an agent or an application may do (permission boundary), whatever connections say. A call must
 * be allowed by a connection, and by the ceiling of each part of its caller.
 */

import type { Diagnostic } from '../../config/diagnostic.ts';
import type { Revision } from '../../config/revision.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Capability } from '../../pipeline/contracts/policy.ts';
import { namePattern } from '../../protocol/name-pattern.ts';
import { parseUri } from './uri.ts';
import { matchUri, parsePattern } from './uri-pattern.ts';
import { canOverlap, parseTemplate } from './uri-template.ts';

export type Principal = 'user' | 'agent' | 'application';
export const principals: readonly Principal[] = ['user', 'agent', 'application'];

export interface Ceiling {
  readonly by: Principal;
  readonly name: string;
  allows(server: string, capability: Capability): boolean;
}

/** Ceilings by `user:dana`. */
export type Ceilings = ReadonlyMap<string, Ceiling>;

/** In steps, as there may be one for each caller. */
export function* compileCeilings(revision: Revision, complaints: Diagnostic[]): Generator<void, Ceilings> {
  const { users, agents, applications } = revision.configuration.callers;
  const made = new Map<string, Ceiling>();
  // The names alone: entries of a hundred thousand callers are made in a tenth of a second.
  for (const [by, key, list] of [
    ['user', 'users', users],
    ['agent', 'agents', agents],
    ['application', 'applications', applications],
  ] as const)
    for (const name of Object.keys(list)) {
      yield;
      const ceiling = list[name]?.ceiling;
      if (ceiling === undefined) continue;
      const servers = ceiling.servers === undefined ? undefined : new Set(ceiling.servers);
      const tools = ceiling.tools?.map(namePattern);
      const prompts = ceiling.prompts?.map(namePattern);
      const resources = ceiling.resources?.flatMap((text, at) => {
        const parsed = parsePattern(text);
        if (parsed.ok) return [parsed.pattern];
        const place = revision.locate(['callers', key, name, 'ceiling', 'resources', at], 0);
        complaints.push({ code: 'POL010', place, problem: parsed.problem, remedy: parsed.remedy });
        return [];
      });
      made.set(`${by}:${name}`, {
        by,
        name,
        allows(server, capability) {
          if (servers !== undefined && !servers.has(server)) return false;
          switch (capability.type) {
            case 'tool':
              return tools === undefined || tools.some((matches) => matches(capability.name));
            case 'prompt':
              return prompts === undefined || prompts.some((matches) => matches(capability.name));
            case 'resource': {
              if (resources === undefined) return true;
              const parsed = parseUri(capability.uri);
              return parsed.ok && resources.some((pattern) => matchUri(pattern, parsed.uri, 'opening') !== undefined);
            }
            case 'template': {
              const template = parseTemplate(capability.uriTemplate);
              if (resources === undefined) return true;
              return template !== undefined && resources.some((pattern) => canOverlap(pattern, template));
            }
          }
        },
      });
    }
  return made;
}

export function ceilingsOf(caller: Caller, ceilings: Ceilings): readonly Ceiling[] {
  return principals
    .map((kind) => (caller[kind] === undefined ? undefined : ceilings.get(`${kind}:${caller[kind]}`)))
    .filter((ceiling) => ceiling !== undefined);
}
