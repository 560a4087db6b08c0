/** What the names and enumerated values of arguments say of a tool. */

import type { Tier } from '../pipeline/contracts/traits.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { verbInName } from './verbs.ts';
import { setOf, wordsOfName } from './words.ts';

/** Of one schema: arguments, how deep they stand in each other, and values of one enumeration. */
const maxArguments = 64;
const maxDepth = 2;
const maxValues = 64;

export interface ArgumentFacts {
  /** The words of all names. */
  readonly words: ReadonlySet<string>;
  /** Names without separators, in lower case. */
  readonly names: ReadonlySet<string>;
  /** The most dangerous thing that an argument such as `action` can ask for, and the least. */
  readonly choices?: { readonly most: Tier; readonly least: Tier };
}

/** Arguments whose values say what is to be done. */
const choosing = setOf('action actions operation op method httpmethod mode command subcommand verb task');
const order: readonly Tier[] = ['read', 'write', 'destructive'];

export function argumentsOf(schema: Json | undefined): ArgumentFacts {
  const words = new Set<string>();
  const names = new Set<string>();
  let most = -1;
  let least = order.length;
  let left = maxArguments;
  const visit = (value: Json | undefined, depth: number): void => {
    if (!isObject(value)) return;
    const { properties, items } = value;
    if (isObject(items) && depth < maxDepth) visit(items, depth + 1);
    if (!isObject(properties)) return;
    for (const name in properties) {
      if (!Object.hasOwn(properties, name)) continue;
      if (left-- <= 0) return;
      const own = wordsOfName(name);
      for (const word of own) words.add(word);
      const joined = own.join('');
      names.add(joined);
      const property = properties[name];
      if (choosing.has(joined) || choosing.has(own.at(-1) ?? ''))
        for (const tier of tiersOf(property)) {
          most = Math.max(most, order.indexOf(tier));
          least = Math.min(least, order.indexOf(tier));
        }
      if (depth < maxDepth) visit(property, depth + 1);
    }
  };
  visit(schema, 0);
  const [mostTier, leastTier] = [order[most], order[least]];
  return {
    words,
    names,
    ...(mostTier !== undefined && leastTier !== undefined && { choices: { most: mostTier, least: leastTier } }),
  };
}

function tiersOf(property: Json | undefined): readonly Tier[] {
  if (!isObject(property)) return [];
  return valuesOf(property).flatMap((value) => {
    if (typeof value !== 'string') return [];
    for (const word of wordsOfName(value)) {
      const verb = verbInName(word);
      if (verb !== undefined) return [verb.verb === 'post' ? 'write' : verb.tier];
    }
    return [];
  });
}

function valuesOf({ enum: values, anyOf, oneOf, const: only }: JsonObject): readonly Json[] {
  if (Array.isArray(values)) return (values as readonly Json[]).slice(0, maxValues);
  if (only !== undefined) return [only];
  const branches = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
  return (branches as readonly Json[])
    .slice(0, maxValues)
    .flatMap((branch) => (isObject(branch) && branch.const !== undefined ? [branch.const] : []));
}
