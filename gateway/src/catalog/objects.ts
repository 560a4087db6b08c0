/** The keywords that look at the members of an object. */
import { isObject, type JsonObject } from '../protocol/json.ts';
import { matches } from './keywords.ts';
import type { Pattern } from './patterns.ts';
import {
  every,
  fail,
  type Looked,
  quoted,
  type Rule,
  type Run,
  type Subschema,
  strictly,
  type Walk,
  wantsMore,
} from './run.ts';
import { keysOf } from './steps.ts';

export function objectRules(schema: JsonObject, walk: Walk): readonly (Rule | undefined)[] {
  const { maxProperties, minProperties, required } = schema;
  const propertyNames = walk.subschema(schema.propertyNames);
  const needed = Array.isArray(required) ? (required as readonly string[]) : [];
  return [
    typeof maxProperties !== 'number'
      ? undefined
      : (value, run) =>
          !isObject(value) ||
          keysOf(value, run.steps).length <= maxProperties ||
          fail(run, `must NOT have more than ${maxProperties} properties`),
    typeof minProperties !== 'number'
      ? undefined
      : (value, run) =>
          !isObject(value) ||
          keysOf(value, run.steps).length >= minProperties ||
          fail(run, `must NOT have fewer than ${minProperties} properties`),
    needed.length === 0 ? undefined : requiredRule(needed),
    propertyNames === undefined
      ? undefined
      : (value, run) =>
          !isObject(value) ||
          keysOf(value, run.steps).every((key) => walk.check(propertyNames, key, run, undefined)) ||
          fail(run, 'property name must be valid'),
    propertiesRule(schema, walk),
    dependentRule(schema, walk),
  ];
}

function requiredRule(needed: readonly string[]): Rule {
  return (value, run) => {
    if (!isObject(value)) return true;
    run.steps.take(needed.length);
    return every(needed, run, (name) => Object.hasOwn(value, name) || fail(run, `${quoted(name)} is missing`));
  };
}

interface NamePattern {
  readonly pattern: Pattern | undefined;
  readonly schema: Subschema;
}

const none: readonly NamePattern[] = [];
/** No name that a person would write: a pattern that matches it matches all of them. */
const improbable = '\u0007 ~0=\u{1f512}zZ9';

function propertiesRule(schema: JsonObject, walk: Walk): Rule | undefined {
  const extra = walk.subschema(schema.additionalProperties);
  const properties = isObject(schema.properties) ? schema.properties : undefined;
  const patterns = isObject(schema.patternProperties)
    ? Object.entries(schema.patternProperties).map(([source, each]) => ({
        pattern: walk.pattern(source),
        schema: walk.subschema(each),
      }))
    : none;
  if (properties === undefined && patterns.length === 0 && extra === undefined) return undefined;
  const known = new Map<string, Subschema>();
  const propertyOf = (key: string): Subschema | undefined => {
    const before = known.get(key);
    if (before !== undefined || properties === undefined || !Object.hasOwn(properties, key)) return before;
    const property = walk.subschema(properties[key] ?? true);
    known.set(key, property);
    return property;
  };
  /** Of a member of the arguments that is no property: silence about it is no declaration, in whichever spelling. */
  const isDeclared = (found: readonly NamePattern[]): boolean =>
    found.length === 0
      ? extra !== undefined && walk.declares(extra)
      : found.some(({ pattern, schema: each }) => walk.declares(each) || pattern?.test(improbable) === false);

  const member = (value: JsonObject, key: string, run: Run, looked: Looked | undefined): boolean => {
    run.steps.take(1 + (key.length >> 6) + patterns.length);
    const property = propertyOf(key);
    // A pattern that cannot be run matches every name, and nothing is known of what it names.
    const found =
      patterns.length === 0
        ? none
        : patterns.filter(({ pattern }) => pattern === undefined || matches(pattern, key, run.steps));
    const isNamed = property !== undefined || found.length > 0;
    if (looked === strictly) {
      if (!isNamed && extra === undefined) return refuse(run, key);
    } else if (looked !== undefined && (isNamed || extra !== undefined)) {
      run.steps.take(3);
      if (!looked.top || property !== undefined || isDeclared(found)) looked.names.add(key);
    }
    if (property !== undefined && !walk.inside(property, value[key] ?? null, key, run)) return false;
    for (const { pattern, schema: each } of found)
      if (pattern !== undefined && !walk.inside(each, value[key] ?? null, key, run)) return false;
    if (isNamed || extra === undefined) return true;
    return extra.schema === false ? refuse(run, key) : walk.inside(extra, value[key] ?? null, key, run);
  };

  return (value, run, looked) => {
    if (!isObject(value)) return true;
    if (looked !== undefined && looked !== strictly) {
      looked.named ||= properties !== undefined;
      looked.spoken ||= extra !== undefined;
    }
    let fits = true;
    for (const key of keysOf(value, run.steps)) {
      if (member(value, key, run, looked)) continue;
      fits = false;
      if (!wantsMore(run)) break;
    }
    return fits;
  };
}

export function refuse(run: Run, key: string): false {
  return fail(run, `${quoted(key)} is not an argument of this tool`);
}

function dependentRule(schema: JsonObject, walk: Walk): Rule | undefined {
  // The old word is enforced in 2020-12 as well: servers that name no dialect use it, and their checkers know it.
  const entries = ['dependencies', 'dependentRequired', 'dependentSchemas'].flatMap((keyword) =>
    Object.entries(isObject(schema[keyword]) ? schema[keyword] : {}).map(([name, wanted]) =>
      Array.isArray(wanted)
        ? { name, names: wanted as readonly string[] }
        : { name, names: undefined, schema: walk.subschema(wanted) },
    ),
  );
  if (entries.length === 0) return undefined;
  return (value, run, looked) => {
    if (!isObject(value)) return true;
    run.steps.take(entries.length);
    return every(entries, run, (entry) => {
      const { name, names } = entry;
      if (!Object.hasOwn(value, name)) return true;
      if (names === undefined) return walk.check(entry.schema, value, run, looked);
      run.steps.take(names.length);
      const missing = names.find((each) => !Object.hasOwn(value, each));
      return (
        missing === undefined ||
        fail(run, `must have property ${quoted(missing)} when property ${quoted(name)} is present`)
      );
    });
  };
}

export function unevaluatedProperties(schema: JsonObject, walk: Walk): Rule | undefined {
  const rest = walk.subschema(schema.unevaluatedProperties);
  if (rest === undefined) return undefined;
  const declared = walk.declares(rest);
  return (value, run, looked) => {
    if (!isObject(value)) return true;
    if (looked !== undefined) looked.spoken = true;
    return every(keysOf(value, run.steps), run, (key) => {
      run.steps.take(1);
      if (looked?.names.has(key) === true) return true;
      if (rest.schema === false) return refuse(run, key);
      if (looked !== undefined && (!looked.top || declared)) looked.names.add(key);
      return walk.inside(rest, value[key] ?? null, key, run);
    });
  };
}
