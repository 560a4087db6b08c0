/** Callers as they are written on the command line and in examples. */

import type { Configuration } from '../config/schema/index.ts';
import { suggestion } from '../config/suggest.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import { isObject, type Json, type JsonObject, parseJsonText } from '../protocol/json.ts';
import type { Failed } from '../protocol/result.ts';
import { type CallerNames, callerFrom } from '../stages/authenticate/caller.ts';
import { namesIn, saidBy } from '../stages/authenticate/jwt/claims.ts';

export type NamedCaller = { readonly ok: true; readonly caller: Caller } | Failed;

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

/** What a token would say, as it is written on the command line. */
export interface TokenWords {
  /** The name of an issuer in the configuration, or its URL. */
  readonly issuer?: string;
  readonly group?: readonly string[];
  readonly scope?: readonly string[];
  /** `name=value`; the value is JSON, or else text. */
  readonly claim?: readonly string[];
}

export function hasToken({ issuer, group, scope, claim }: TokenWords): boolean {
  return [issuer, group, scope, claim].some((words) => words !== undefined);
}

/** The caller that a token of an issuer would make. `names` count before the names in the claims. */
export function findTokenCaller(
  configuration: Configuration,
  names: CallerNames | undefined,
  words: TokenWords,
): NamedCaller {
  const { issuers } = configuration.authentication;
  const known = Object.keys(issuers);
  const [only, another] = known;
  const named = words.issuer ?? (another === undefined ? only : undefined);
  if (named === undefined)
    return known.length === 0
      ? { ok: false, problem: 'no issuer is configured', remedy: 'Add one under authentication.issuers.' }
      : { ok: false, problem: 'there are several issuers', remedy: `Say which with --issuer: ${known.join(', ')}.` };
  const issuer = Object.entries(issuers).find(([name, { issuer: url }]) => name === named || url === named)?.[1];
  if (issuer === undefined)
    return { ok: false, problem: `there is no issuer "${named}"`, remedy: suggestion(named, known, 'issuer') };
  const claims = claimsOf(words.claim ?? []);
  if (claims === undefined)
    return {
      ok: false,
      problem: '--claim cannot be read',
      remedy: 'Write it as name=value, such as department=sales.',
    };
  const said = saidBy(issuer, claims);
  const caller = callerFrom(configuration, names ?? namesIn(issuer, claims), {
    credential: { kind: 'token', id: 'command-line', issuer: issuer.issuer },
    said: {
      ...said,
      groups: [...said.groups, ...(words.group ?? [])],
      scopes: [...said.scopes, ...(words.scope ?? []).flatMap((each) => each.split(' '))],
    },
  });
  if (typeof caller !== 'string') return { ok: true, caller };
  const remedy = 'Name who calls with --caller, or with the claims that name a user or an agent.';
  return { ok: false, problem: caller, remedy };
}

function claimsOf(words: readonly string[]): JsonObject | undefined {
  const claims: Record<string, Json> = {};
  for (const word of words) {
    const [, name, value] = /^([^=]{1,256})=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined || name.split('.').includes('__proto__')) return undefined;
    const parsed = parseJsonText(value, { depth: 64 });
    put(claims, name, parsed.ok ? parsed.value : value);
  }
  return claims;
}

/** `realm.roles` is a path; a name that is a URL is one name. */
function put(claims: Record<string, Json>, name: string, value: Json): void {
  const steps = /[:/]/.test(name) ? [name] : name.split('.');
  const last = steps.pop() ?? name;
  let here = claims;
  for (const step of steps) {
    const next = Object.hasOwn(here, step) && isObject(here[step]) ? { ...here[step] } : {};
    here[step] = next;
    here = next;
  }
  here[last] = value;
}

/** The caller that these names stand for, with the roles and attributes of the configuration. */
export function findCaller(configuration: Configuration, names: CallerNames): NamedCaller {
  const caller = callerFrom(configuration, names, { credential: { kind: 'local', id: 'command-line' } });
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
