/** From the claims of a valid token to the caller, by the mapping that the operator declared. */
import type { Configuration } from '../../../config/schema/index.ts';
import { isCallerName } from '../../../config/schema/units.ts';
import type { Caller, Credential } from '../../../pipeline/contracts/caller.ts';
import { isObject, type Json, type JsonObject } from '../../../protocol/json.ts';
import { type CallerNames, callerFrom, type Said } from '../caller.ts';
import type { IssuerConfig } from './options.ts';

/** Roles, groups or scopes of one token. */
const maxNames = 256;

/** The caller, or why these claims name none. */
export function callerFromClaims(
  configuration: Configuration,
  issuer: IssuerConfig,
  { claims, credential }: { readonly claims: JsonObject; readonly credential: Credential },
): Caller | string {
  const names = namesIn(issuer, claims);
  for (const name of Object.values(names))
    if (name !== undefined && !isCallerName(name)) return 'a name in the token has characters that are not accepted';
  return callerFrom(configuration, names, { credential, said: saidBy(issuer, claims) });
}

export function namesIn({ claims: mapping, prefix = '' }: IssuerConfig, claims: JsonObject): CallerNames {
  const named = (paths: readonly string[] | undefined): string | undefined => {
    const value = first(claims, paths ?? []);
    return value === undefined ? undefined : prefix + value;
  };
  const agent = named(mapping.agent);
  const subject = named(mapping.user);
  // A client that asked for itself is its own subject (RFC 9068, 2.2): there is no user behind it.
  const user =
    subject === agent || (subject !== undefined && subject === named(['client_id', 'azp'])) ? undefined : subject;
  return { user, agent, application: named(mapping.application) };
}

/** What claims say beside names. */
export function saidBy({ claims: mapping, unknown, trust }: IssuerConfig, claims: JsonObject): Said {
  return {
    unknown,
    trust,
    roles: all(claims, mapping.roles ?? []),
    groups: all(claims, mapping.groups),
    scopes: mapping.scopes.flatMap((path) => words(valueAt(claims, path))).slice(0, maxNames),
    attributes: Object.fromEntries(
      Object.entries(mapping.attributes).flatMap(([name, path]) => {
        const value = valueAt(claims, path);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    claims,
  };
}

/** A claim of exactly this name, else a path: names with dots, such as URLs, are names first. */
export function valueAt(claims: JsonObject, path: string): Json | undefined {
  if (Object.hasOwn(claims, path)) return claims[path];
  let here: Json | undefined = claims;
  for (const step of path.split('.')) {
    if (!isObject(here) || !Object.hasOwn(here, step)) return undefined;
    here = here[step];
  }
  return here;
}

function first(claims: JsonObject, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const value = valueAt(claims, path);
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

function all(claims: JsonObject, paths: readonly string[]): readonly string[] {
  return paths
    .flatMap((path) => {
      const value = valueAt(claims, path);
      if (typeof value === 'string') return [value];
      return Array.isArray(value) ? (value as readonly Json[]).filter((entry) => typeof entry === 'string') : [];
    })
    .slice(0, maxNames);
}

function words(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  return Array.isArray(value) ? (value as readonly Json[]).filter((entry) => typeof entry === 'string') : [];
}
