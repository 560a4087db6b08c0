/** The keywords that look at the items of a list. */
import type { Json, JsonObject } from '../protocol/json.ts';
import { fail, listOf, quietly, type Rule, type Walk, wantsMore } from './run.ts';
import { spelled } from './steps.ts';

export function arrayRules(schema: JsonObject, walk: Walk): readonly (Rule | undefined)[] {
  const { maxItems, minItems, uniqueItems } = schema;
  return [
    typeof maxItems !== 'number'
      ? undefined
      : (value, run) =>
          !Array.isArray(value) || value.length <= maxItems || fail(run, `must NOT have more than ${maxItems} items`),
    typeof minItems !== 'number'
      ? undefined
      : (value, run) =>
          !Array.isArray(value) || value.length >= minItems || fail(run, `must NOT have fewer than ${minItems} items`),
    itemsRule(schema, walk),
    containsRule(schema, walk),
    uniqueItems === true ? uniqueRule : undefined,
  ];
}

function itemsRule(schema: JsonObject, walk: Walk): Rule | undefined {
  // A list under `items` says what stands at each place in every dialect before 2020-12.
  const tuple = listOf(schema.items);
  const first = (tuple ?? listOf(schema.prefixItems) ?? []).map((each) => walk.subschema(each));
  const rest = walk.subschema(tuple === undefined ? schema.items : schema.additionalItems);
  if (rest === undefined && first.length === 0) return undefined;
  return (value, run, looked) => {
    if (!Array.isArray(value)) return true;
    const items = value as readonly Json[];
    if (rest?.schema === false && items.length > first.length)
      return fail(run, `must NOT have more than ${first.length} items`);
    const end = rest === undefined ? Math.min(first.length, items.length) : items.length;
    let fits = true;
    for (let at = 0; at < end; at++) {
      const each = first[at] ?? rest;
      if (each === undefined || walk.inside(each, items[at] ?? null, at, run)) continue;
      fits = false;
      if (!wantsMore(run)) break;
    }
    if (looked !== undefined) looked.items = Math.max(looked.items, end);
    return fits;
  };
}

function containsRule({ contains, minContains, maxContains }: JsonObject, walk: Walk): Rule | undefined {
  if (contains === undefined) return undefined;
  const contained = walk.subschema(contains);
  const least = typeof minContains === 'number' ? minContains : 1;
  const most = typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY;
  // Only there what is contained counts as looked at (2020-12 core, 10.3.1.3).
  const counts = walk.dialect === '2020-12';
  return (value, run, looked) => {
    if (!Array.isArray(value)) return true;
    let found = 0;
    run.steps.take(value.length * 3);
    for (const [at, item] of (value as readonly Json[]).entries()) {
      if (!quietly(run, () => walk.inside(contained, item, at, run))) continue;
      found++;
      if (counts) looked?.places.add(at);
      if (looked === undefined && found >= least && most === Number.POSITIVE_INFINITY) break;
    }
    if (found < least) return fail(run, `must contain at least ${least} valid item(s)`);
    return found <= most || fail(run, `must contain at most ${most} valid item(s)`);
  };
}

const uniqueRule: Rule = (value, run) => {
  if (!Array.isArray(value)) return true;
  const seen = new Map<string, number>();
  for (const [at, item] of (value as readonly Json[]).entries()) {
    const text = spelled(item, run.steps);
    const before = seen.get(text);
    if (before !== undefined)
      return fail(run, `must NOT have duplicate items (items ## ${before} and ${at} are identical)`);
    seen.set(text, at);
  }
  return true;
};

export function unevaluatedItems({ unevaluatedItems }: JsonObject, walk: Walk): Rule | undefined {
  if (unevaluatedItems === undefined) return undefined;
  const rest = walk.subschema(unevaluatedItems);
  return (value, run, looked) => {
    if (!Array.isArray(value)) return true;
    const items = value as readonly Json[];
    for (let at = looked?.items ?? 0; at < items.length; at++) {
      run.steps.take(1);
      if (looked?.places.has(at) === true) continue;
      if (rest.schema === false) return fail(run, `must NOT have more than ${at} items`);
      if (!walk.inside(rest, items[at] ?? null, at, run)) return false;
    }
    if (looked !== undefined) looked.items = items.length;
    return true;
  };
}
