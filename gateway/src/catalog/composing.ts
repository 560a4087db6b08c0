/** The keywords that apply other schemas to the same value. */
import type { Json, JsonObject } from '../protocol/json.ts';
import { every, fail, forget, listOf, quietly, type Rule, type Run, type Walk } from './run.ts';

/** `original`: the schema as it stands in its tree, by which its references are known. */
export function composingRules(schema: JsonObject, original: JsonObject, walk: Walk): readonly (Rule | undefined)[] {
  const { ref, dynamic } = walk.targets.get(original) ?? {};
  const all = listOf(schema.allOf)?.map((each) => walk.subschema(each));
  const not = walk.subschema(schema.not);
  return [
    same(ref, walk),
    same(dynamic, walk),
    all === undefined
      ? undefined
      : (value, run, looked) => every(all, run, (each) => walk.check(each, value, run, looked)),
    anyRule(schema, walk),
    oneRule(schema, walk),
    not === undefined
      ? undefined
      : (value, run) => {
          run.steps.take(2);
          return !quietly(run, () => walk.check(not, value, run, undefined)) || fail(run, 'must NOT be valid');
        },
    ifRule(schema, walk),
  ];
}

function same(target: Json | undefined, walk: Walk): Rule | undefined {
  if (target === undefined) return undefined;
  const schema = walk.subschema(target);
  return (value, run, looked) => walk.check(schema, value, run, looked);
}

/** Problems of each branch of a choice: more would leave no room for those of other arguments. */
const maxOfBranch = 2;

function anyRule({ anyOf }: JsonObject, walk: Walk): Rule | undefined {
  const branches = listOf(anyOf)?.map((each) => walk.subschema(each));
  if (branches === undefined) return undefined;
  return (value, run, looked) => {
    const mark = countOf(run);
    let fits = false;
    for (const branch of branches) {
      const before = countOf(run);
      if (!walk.tried(branch, value, run, looked)) {
        forget(run, before + maxOfBranch);
        continue;
      }
      fits = true;
      // What the others look at counts as well.
      if (looked === undefined) break;
    }
    if (fits) forget(run, mark);
    return fits || fail(run, 'must match a schema in anyOf');
  };
}

function oneRule({ oneOf }: JsonObject, walk: Walk): Rule | undefined {
  const branches = listOf(oneOf)?.map((each) => walk.subschema(each));
  if (branches === undefined) return undefined;
  return (value, run, looked) => {
    const mark = countOf(run);
    let fitting = 0;
    for (const branch of branches) {
      const before = countOf(run);
      if (walk.tried(branch, value, run, looked)) {
        if (++fitting > 1) break;
      } else forget(run, before + maxOfBranch);
    }
    if (fitting > 0) forget(run, mark);
    return fitting === 1 || fail(run, 'must match exactly one schema in oneOf');
  };
}

function ifRule(schema: JsonObject, walk: Walk): Rule | undefined {
  if (schema.if === undefined) return undefined;
  const condition = walk.subschema(schema.if);
  const [then, otherwise] = [walk.subschema(schema.then), walk.subschema(schema.else)];
  const isAlone = then === undefined && otherwise === undefined;
  return (value, run, looked) => {
    // Alone it decides nothing, and where it holds has looked at members all the same (2020-12 core, 10.2.2.1).
    if (isAlone && looked === undefined) return true;
    const holds = quietly(run, () => walk.tried(condition, value, run, looked));
    const next = holds ? then : otherwise;
    return (
      next === undefined ||
      walk.check(next, value, run, looked) ||
      fail(run, `must match "${holds ? 'then' : 'else'}" schema`)
    );
  };
}

function countOf({ problems }: Run): number {
  return problems?.length ?? 0;
}
