/**
 * Checks values against a schema that has been inspected. The schema is read as it is walked: subschemas that no value
 * reaches cost nothing. Each step is charged, so that no schema and no arguments can hold the process for long.
 *
 * Closing goes by the place of a value, not by the schema: whatever schemas apply there, alone or composed, decide
 * together which members are named.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { arrayRules, unevaluatedItems } from './arrays.ts';
import { composingRules } from './composing.ts';
import { type Dialect, inDialect, inPlace } from './dialects.ts';
import type { Targets } from './inspect.ts';
import { enumRule, numberRules, stringRules, typeRule } from './keywords.ts';
import { objectRules, refuse, unevaluatedProperties } from './objects.ts';
import type { Patterns } from './patterns.ts';
import {
  every,
  fail,
  type Looked,
  listOf,
  lookedAtNothing,
  merge,
  type Reading,
  type Rule,
  type Run,
  type Subschema,
  strictly,
  type Walk,
  wantsMore,
} from './run.ts';
import { keysOf, maxDepth, type Steps, TooCostly } from './steps.ts';

export interface CheckOptions {
  readonly dialect: Dialect;
  readonly targets: Targets;
  readonly patterns: Patterns;
  /** Whether a `format` that is not met is a problem. */
  readonly formats: 'annotate' | 'assert';
  /** Whether members are refused that no schema names. */
  readonly members: 'named' | 'any';
}

/** True when the value fits; else `run.problems` says why. */
export type Checker = (value: Json, run: Run) => boolean;

export function checkerOf(schema: JsonObject, options: CheckOptions): Checker {
  const walker = new Walker(options);
  const top = walker.subschema(schema);
  return (value, run) => walker.top(top, value, run);
}

type Group = 'any' | 'number' | 'string' | 'array' | 'object' | 'composing' | 'unevaluated';

const keywordsOf: Readonly<Record<Group, string>> = {
  any: 'type enum const',
  number: 'maximum minimum exclusiveMaximum exclusiveMinimum multipleOf',
  string: 'maxLength minLength pattern format',
  array: 'maxItems minItems uniqueItems items prefixItems additionalItems contains',
  object:
    'maxProperties minProperties required propertyNames properties patternProperties additionalProperties dependencies dependentRequired dependentSchemas',
  composing: '$ref $dynamicRef $recursiveRef allOf anyOf oneOf not if',
  unevaluated: 'unevaluatedProperties unevaluatedItems',
};
const groupOf: ReadonlyMap<string, Group> = new Map(
  (Object.keys(keywordsOf) as Group[]).flatMap((group) =>
    keywordsOf[group].split(' ').map((keyword) => [keyword, group] as const),
  ),
);
const references: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

/** Of `true`, and where no keyword has a say. */
const asksNothing: Reading = { rules: [], last: [], composed: false, silent: false, exact: false };
const asksForNone: Reading = { ...asksNothing, rules: [(_value, run) => fail(run, 'boolean schema is false')] };

/** Goes on after the first rule that does not hold for as long as more problems are wanted. */
function holds(rules: readonly Rule[], value: Json, run: Run, looked: Looked | undefined): boolean {
  let all = true;
  for (const rule of rules) {
    if (rule(value, run, looked)) continue;
    all = false;
    if (!wantsMore(run)) break;
  }
  return all;
}

class Walker implements Walk {
  readonly dialect: Dialect;
  readonly targets: Targets;
  readonly formats: 'annotate' | 'assert';
  readonly #patterns: Patterns;
  readonly #closing: boolean;
  readonly #subschemas = new WeakMap<JsonObject, Subschema>();
  readonly #all = plain(true, asksNothing);
  readonly #none = plain(false, asksForNone);
  #made = 0;

  constructor({ dialect, targets, patterns, formats, members }: CheckOptions) {
    this.dialect = dialect;
    this.targets = targets;
    this.formats = formats;
    this.#patterns = patterns;
    this.#closing = members === 'named';
  }

  /** The arguments of a tool: here silence, and every spelling of it, names no member. */
  top(schema: Subschema, value: Json, run: Run): boolean {
    if (!this.#closing || !isObject(value)) return this.check(schema, value, run, undefined);
    const { composed, silent, exact } = schema.reading ?? this.#read(schema, run.steps);
    if (exact) return this.check(schema, value, run, silent ? strictly : undefined);
    const looked = lookedAtNothing('top');
    const fits = this.check(schema, value, run, looked);
    // After a branch that did not fit, it is not known what that one names.
    if (!fits && (run.problems === undefined || composed)) return false;
    return this.#onlyLookedAt(value, looked, run) && fits;
  }

  /** What stands in the arguments: closed where its schemas name members and none of them says more. */
  #place(schema: Subschema, value: Json, run: Run): boolean {
    if (!this.#closing || run.literal > 0 || !isObject(value)) return this.check(schema, value, run, undefined);
    const { composed, silent } = schema.reading ?? this.#read(schema, run.steps);
    if (!composed) return this.check(schema, value, run, silent ? strictly : undefined);
    run.steps.take(4);
    const looked = lookedAtNothing('inside');
    if (!this.check(schema, value, run, looked)) return false;
    return !looked.named || looked.spoken || this.#onlyLookedAt(value, looked, run);
  }

  #onlyLookedAt(value: JsonObject, looked: Looked, run: Run): boolean {
    const keys = keysOf(value, run.steps);
    run.steps.take(keys.length);
    return every(keys, run, (key) => looked.names.has(key) || refuse(run, key));
  }

  check(schema: Subschema, value: Json, run: Run, looked: Looked | undefined): boolean {
    if (run.depth >= maxDepth) throw new TooCostly();
    const { rules, last } = schema.reading ?? this.#read(schema, run.steps);
    run.depth++;
    run.steps.take(1 + rules.length + last.length);
    // `unevaluated…` knows of what its own schema has looked at, and of nothing beside that.
    const apart = last.length > 0 && looked !== strictly;
    if (apart) run.steps.take(4);
    const own = apart ? lookedAtNothing(looked?.top === true ? 'top' : 'inside') : looked;
    const fits = holds(rules, value, run, own) && (last.length === 0 || holds(last, value, run, own));
    run.depth--;
    if (fits && apart && looked !== undefined && own !== undefined) merge(own, looked, run.steps);
    return fits;
  }

  tried(schema: Subschema, value: Json, run: Run, looked: Looked | undefined): boolean {
    if (looked === undefined) return this.check(schema, value, run, undefined);
    run.steps.take(4);
    const own = lookedAtNothing(looked.top ? 'top' : 'inside');
    if (!this.check(schema, value, run, own)) return false;
    merge(own, looked, run.steps);
    return true;
  }

  inside(schema: Subschema, value: Json, key: string | number, run: Run): boolean {
    // Where it is matters only to a run that tells what it finds.
    if (run.problems === undefined) return this.#place(schema, value, run);
    run.path.push(key);
    const fits = this.#place(schema, value, run);
    run.path.pop();
    return fits;
  }

  pattern(source: string) {
    return this.#patterns.get(source);
  }

  subschema<Schema extends Json | undefined>(schema: Schema): Schema extends undefined ? undefined : Subschema;
  subschema(schema: Json | undefined): Subschema | undefined {
    if (schema === undefined) return undefined;
    if (!isObject(schema)) return schema === true ? this.#all : this.#none;
    const before = this.#subschemas.get(schema);
    if (before !== undefined) return before;
    const made: Subschema = { schema, reading: undefined, declares: undefined };
    this.#subschemas.set(schema, made);
    this.#made++;
    return made;
  }

  declares(subschema: Subschema): boolean {
    const { schema, declares: before } = subschema;
    if (!isObject(schema)) return false;
    if (before !== undefined) return before;
    const known = inDialect(schema, this.dialect);
    const { ref, dynamic } = this.targets.get(schema) ?? {};
    const some = [ref, dynamic, ...(listOf(known.allOf) ?? [])];
    subschema.declares =
      ['type', 'enum', 'const'].some((keyword) => Object.hasOwn(known, keyword)) ||
      some.some((each) => each !== undefined && this.declares(this.subschema(each))) ||
      [listOf(known.anyOf), listOf(known.oneOf)].some(
        (choice) => choice?.every((each) => this.declares(this.subschema(each))) === true,
      );
    return subschema.declares;
  }

  /** In the order in which a person would name the problems: the type first, what is unevaluated last. */
  #read(subschema: Subschema, steps: Steps): Reading {
    const original = subschema.schema as JsonObject;
    const schema = inDialect(original, this.dialect);
    const before = this.#made;
    const groups = new Set<Group>();
    const keywords = Object.keys(schema);
    let composed = false;
    for (const keyword of keywords) {
      const group = groupOf.get(keyword);
      if (group !== undefined) groups.add(group);
      if (keyword !== 'not' && (inPlace.has(keyword) || references.has(keyword))) composed = true;
    }
    const rules: (Rule | undefined)[] = [];
    if (groups.has('any')) rules.push(typeRule(schema), enumRule(schema));
    if (groups.has('number')) rules.push(...numberRules(schema));
    if (groups.has('string')) rules.push(...stringRules(schema, this));
    if (groups.has('array')) rules.push(...arrayRules(schema, this));
    if (groups.has('object')) rules.push(...objectRules(schema, this));
    if (groups.has('composing')) rules.push(...composingRules(schema, original, this));
    const last = groups.has('unevaluated') ? [unevaluatedProperties(schema, this), unevaluatedItems(schema, this)] : [];
    const { properties, patternProperties, additionalProperties: extra, unevaluatedProperties: rest } = schema;
    const silent = isObject(properties) && extra === undefined && rest === undefined;
    const reading: Reading = {
      rules: rules.filter((rule) => rule !== undefined),
      last: last.filter((rule) => rule !== undefined),
      composed,
      silent,
      exact: !composed && patternProperties === undefined && (silent || (extra === false && rest === undefined)),
    };
    subschema.reading = reading;
    steps.take(keywords.length + groups.size * 20 + (this.#made - before) * 2);
    return reading;
  }
}

function plain(schema: boolean, reading: Reading): Subschema {
  return { schema, reading, declares: false };
}
