/** Whether rules hide resources from a caller: only then is what a server says held to them. */
import type { Ceiling } from './ceiling.ts';
import type { CompiledConnection } from './grants.ts';
import type { Rule } from './rule.ts';

/**
 * Not where no rule speaks of resources, as nothing was said about them, and not where one opens all and none denies any: a
 * server may embed what has no URI that could be read.
 */
export function hidesResources(connections: readonly CompiledConnection[], ceilings: readonly Ceiling[]): boolean {
  const rules = connections.flatMap(({ resources }) => resources.rules);
  if (rules.length === 0 || connections.every(({ config }) => config.mode === 'observe')) return false;
  if (ceilings.length > 0 || !rules.some(opensAll)) return true;
  return rules.some(({ effect, observed }) => effect === 'deny' && !observed);
}

function opensAll({ closing, patterns, condition, scopes }: Rule): boolean {
  return !closing && patterns.includes('*') && condition === undefined && scopes.length === 0;
}
