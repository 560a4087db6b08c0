/** Finds the rules that concern a name or URI without looking at the others. */
import type { TraitsConfig } from '../../config/schema/connections.ts';
import type { ToolTraits } from '../../pipeline/contracts/traits.ts';
import { isWildcard, namePattern } from '../../protocol/name-pattern.ts';
import type { CompiledRule, Rule } from './rule.ts';
import { selects, traitsKey } from './traits.ts';
import type { Uri } from './uri.ts';
import { matchUri, type UriPattern } from './uri-pattern.ts';
import { canOverlap, covers, type Template } from './uri-template.ts';

/** A rule that matches, with the variables of its pattern. */
export interface Match {
  readonly rule: Rule;
  readonly uri?: Readonly<Record<string, string>>;
  /** It depends on a definition that is not known yet whether the rule names the tool at all. */
  readonly isUncertain?: true;
}

const maxRemembered = 4_096;
const none: readonly Match[] = [];
const unknown: ToolTraits = {};

/** Rules for tools or prompts of one connection. */
export class NameRules {
  readonly rules: readonly Rule[];
  readonly #exact = new Map<string, Match[]>();
  readonly #wildcards: { readonly matches: (name: string) => boolean; readonly match: Match }[] = [];
  readonly #byTraits: { readonly traits: TraitsConfig; readonly match: Match }[] = [];
  readonly #remembered = new Map<string, readonly Match[]>();

  constructor(compiled: readonly CompiledRule[]) {
    this.rules = compiled.map(({ rule }) => rule);
    for (const rule of this.rules) {
      const match = { rule };
      for (const traits of rule.traits) this.#byTraits.push({ traits, match });
      for (const pattern of new Set(rule.patterns))
        if (isWildcard(pattern)) this.#wildcards.push({ matches: namePattern(pattern), match });
        else append(this.#exact, pattern, match);
    }
  }

  /** Is this very name written in a rule? */
  has(name: string): boolean {
    return this.#exact.has(name);
  }

  /** Do rules ask what a tool is? */
  get asksTraits(): boolean {
    return this.#byTraits.length > 0;
  }

  /** `traits`: of a tool, as far as they are known. */
  for(name: string, traits: ToolTraits = unknown): readonly Match[] {
    if (this.#byTraits.length === 0) return this.#named(name);
    // No name has a line break in front of it.
    const key = `\n${traitsKey(traits)}\n${name}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const selected = this.#byTraits
      .filter(({ traits: wanted, match }) => selects(wanted, traits, match.rule.closing ? 'closing' : 'opening'))
      .map(({ match }) => match);
    return this.#remember(key, [...new Set([...this.#named(name), ...selected])]);
  }

  /** Of a tool whose definition is not known: rules that name it, and those that might once it is. */
  forSome(name: string): readonly Match[] {
    const uncertain = this.#byTraits.map(({ match }): Match => ({ ...match, isUncertain: true }));
    return [...this.#named(name), ...uncertain];
  }

  #named(name: string): readonly Match[] {
    if (this.#wildcards.length === 0) return this.#exact.get(name) ?? none;
    const known = this.#remembered.get(name);
    if (known !== undefined) return known;
    const wild = this.#wildcards.filter(({ matches }) => matches(name)).map(({ match }) => match);
    return this.#remember(name, [...new Set([...(this.#exact.get(name) ?? []), ...wild])]);
  }

  #remember(key: string, found: readonly Match[]): readonly Match[] {
    // Names come from clients: what is remembered stays bounded, whatever they send.
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(key, found);
    return found;
  }
}

interface UriRule {
  readonly rule: Rule;
  readonly pattern: UriPattern;
}

/** Rules for resources of one connection, by scheme, authority and first segment as far as these are fixed. */
export class UriRules {
  readonly rules: readonly Rule[];
  readonly #all: readonly UriRule[];
  readonly #fixed = new Map<string, UriRule[]>();
  readonly #buckets = new Map<string, UriRule[]>();

  constructor(compiled: readonly CompiledRule[]) {
    this.rules = compiled.map(({ rule }) => rule);
    this.#all = compiled.flatMap(({ rule, uriPatterns }) => uriPatterns.map((pattern) => ({ rule, pattern })));
    for (const entry of this.#all) {
      const { pattern } = entry;
      if (pattern.reach === 'exact' && pattern.variables.length === 0) {
        const segments = pattern.segments.map(({ prefix }) => prefix);
        append(this.#fixed, fixedKey(pattern.scheme, pattern.authority?.prefix, segments), entry);
      } else append(this.#buckets, bucketOf(pattern), entry);
    }
  }

  for(uri: Uri): readonly Match[] {
    if (this.#all.length === 0) return none;
    const found: Match[] = [];
    const take = (entries: readonly UriRule[] | undefined) => {
      for (const { rule, pattern } of entries ?? []) {
        const values = matchUri(pattern, uri, rule.closing ? 'closing' : 'opening');
        if (values !== undefined) found.push({ rule, uri: values });
      }
    };
    const authority = uri.authority ?? '';
    // A rule that closes files of no host closes those of every host.
    const authorities = uri.scheme === 'file' && authority !== '' ? [authority, ''] : [authority];
    for (const each of authorities) take(this.#fixed.get(fixedKey(uri.scheme, each, uri.segments)));
    const first = uri.segments.find((segment) => segment !== '') ?? '';
    for (const key of new Set([
      ...authorities.flatMap((each) => [`${uri.scheme} ${each} ${first}`, `${uri.scheme} ${each} *`]),
      `${uri.scheme} * ${first}`,
      `${uri.scheme} * *`,
      '*',
    ]))
      take(this.#buckets.get(key));
    return found;
  }

  /** Rules that open some URI of the template, and rules that close all of them. */
  forTemplate(template: Template): readonly Match[] {
    return this.#all
      .filter(({ rule, pattern }) =>
        rule.effect === 'deny' ? covers(pattern, template) : canOverlap(pattern, template),
      )
      .map(({ rule }) => ({ rule }));
  }
}

/** The same for URIs that differ only in what closing rules ignore: empty segments and the query. */
function fixedKey(scheme: string, authority: string | undefined, segments: readonly string[]): string {
  return `${scheme} ${authority ?? ''} ${segments.filter((segment) => segment !== '').join('/')}`;
}

function bucketOf({ reach, scheme, authority, segments }: UriPattern): string {
  if (reach === 'everything') return '*';
  if (reach === 'scheme') return `${scheme} * *`;
  const host = authority?.variable === undefined ? (authority?.prefix ?? '') : '*';
  const part = segments.find(({ prefix, variable }) => prefix !== '' || variable !== undefined);
  const first = part === undefined ? (reach === 'below' ? '*' : '') : part.variable === undefined ? part.prefix : '*';
  return `${scheme} ${host} ${first}`;
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
