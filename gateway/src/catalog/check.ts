/**
 * Checks values against a schema that has been inspected. The schema is read as it is walked: subschemas that no value
 * reaches cost nothing. Each step is charged, so that no schema and no arguments can hold the process for long.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { type Format, formats } from './formats.ts';
import type { Dialect, Targets } from './inspect.ts';
import { type Pattern, readPattern } from './patterns.ts';
import { deepest, isEqual, keysOf, type Steps, spelled, TooCostly } from './steps.ts';

/** What a run has seen so far. `path` leads to the value that is checked now. */
export interface Run {
  readonly steps: Steps;
  readonly path: (string | number)[];
  /** Absent in a first run, which says only whether the value fits. */
  readonly problems: string[] | undefined;
  depth: number;
}

/** Members and items that some subschema has looked at: what `unevaluated…` leaves out. */
interface Looked {
  readonly names: Set<string>;
  items: number;
  readonly places: Set<number>;
}

type Rule = (value: Json, run: Run, looked: Looked | undefined) => boolean;

export interface Checker {
  /** True when the value fits; else `run.problems` says why. */
  check(value: Json, run: Run): boolean;
  readonly notes: readonly string[];
}

type Group = 'any' | 'number' | 'string' | 'array' | 'object' | 'composing' | 'unevaluated';

const keywordsOf: Readonly<Record<Group, string>> = {
  any: 'type enum const',
  number: 'maximum minimum exclusiveMaximum exclusiveMinimum multipleOf',
  string: 'maxLength minLength pattern format',
  array: 'maxItems minItems uniqueItems items prefixItems additionalItems contains',
  object:
    'maxProperties minProperties required propertyNames properties patternProperties additionalProperties dependencies dependentRequired dependentSchemas',
  composing: '$ref $dynamicRef allOf anyOf oneOf not if',
  unevaluated: 'unevaluatedProperties unevaluatedItems',
};
const groupOf: ReadonlyMap<string, Group> = new Map(
  (Object.keys(keywordsOf) as Group[]).flatMap((group) =>
    keywordsOf[group].split(' ').map((keyword) => [keyword, group] as const),
  ),
);

const mostProblems = 5;
/** Instructions of all patterns of one schema: what compiling them can cost at the first call. */
const largestPrograms = 8_000;

export function checkerOf(schema: JsonObject, dialect: Dialect, targets: Targets): Checker {
  const builder = new Builder(schema, dialect, targets);
  const patterns = builder.readPatterns();
  return { check: (value, run) => builder.check(schema, value, run, undefined), notes: patterns };
}

class Builder {
  readonly #top: JsonObject;
  readonly #dialect: Dialect;
  readonly #targets: Targets;
  readonly #rules = new WeakMap<JsonObject, readonly Rule[]>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(top: JsonObject, dialect: Dialect, targets: Targets) {
    this.#top = top;
    this.#dialect = dialect;
    this.#targets = targets;
  }

  /** Finds out which patterns can be run. Returns what cannot be enforced. */
  readPatterns(): readonly string[] {
    const notes: string[] = [];
    let total = 0;
    const add = (source: string): void => {
      if (this.#patterns.has(source)) return;
      const read = readPattern(source);
      if (!read.ok) return void notes.push(read.note);
      if (total + read.pattern.size > largestPrograms)
        return void notes.push(
          `the pattern ${JSON.stringify(source.slice(0, 80))} is not enforced: there are too many`,
        );
      total += read.pattern.size;
      this.#patterns.set(source, read.pattern);
    };
    const walk = (value: Json): void => {
      if (Array.isArray(value)) return (value as readonly Json[]).forEach(walk);
      if (!isObject(value)) return;
      for (const [key, member] of Object.entries(value)) {
        if (key === 'pattern' && typeof member === 'string') add(member);
        if (key === 'patternProperties' && isObject(member)) Object.keys(member).forEach(add);
        walk(member);
      }
    };
    walk(this.#top);
    return notes.slice(0, 20);
  }

  check(schema: Json, value: Json, run: Run, looked: Looked | undefined): boolean {
    run.steps.take(1);
    if (schema === true) return true;
    if (!isObject(schema)) return fail(run, 'boolean schema is false');
    if (run.depth >= deepest) throw new TooCostly();
    let rules = this.#rules.get(schema);
    if (rules === undefined) {
      rules = this.#rulesOf(schema, run.steps);
      this.#rules.set(schema, rules);
    }
    run.depth++;
    run.steps.take(rules.length);
    // `unevaluated…` knows of what its own schema has looked at, and of nothing beside that.
    const apart = 'unevaluatedProperties' in schema || 'unevaluatedItems' in schema;
    if (apart) run.steps.take(4);
    const own = apart ? lookedAtNothing() : looked;
    const fits = rules.every((rule) => rule(value, run, own));
    run.depth--;
    if (fits && apart && looked !== undefined && own !== undefined) merge(own, looked, run.steps);
    return fits;
  }

  /** In the order in which a person would name the problems: the type first, what is unevaluated last. */
  #rulesOf(schema: JsonObject, steps: Steps): readonly Rule[] {
    const groups = new Set<Group>();
    const keywords = Object.keys(schema);
    for (const keyword of keywords) {
      const group = groupOf.get(keyword);
      if (group !== undefined) groups.add(group);
    }
    steps.take(keywords.length + groups.size * 10);
    const rules: (Rule | undefined)[] = [];
    if (groups.has('any')) rules.push(typeRule(schema), enumRule(schema));
    if (groups.has('number')) rules.push(...numberRules(schema));
    if (groups.has('string')) rules.push(...this.#stringRules(schema));
    if (groups.has('array')) rules.push(...this.#arrayRules(schema));
    if (groups.has('object')) rules.push(...this.#objectRules(schema));
    if (groups.has('composing')) rules.push(...this.#composingRules(schema));
    if (groups.has('unevaluated')) rules.push(this.#unevaluatedProperties(schema), this.#unevaluatedItems(schema));
    return rules.filter((rule) => rule !== undefined);
  }

  #stringRules(schema: JsonObject): readonly (Rule | undefined)[] {
    const { maxLength, minLength, pattern: source, format: name } = schema;
    const pattern = typeof source === 'string' ? this.#patterns.get(source) : undefined;
    const format = typeof name === 'string' ? formats.get(name) : undefined;
    const unmatched = `must match pattern ${JSON.stringify(source)}`;
    const unformatted = `must match format ${JSON.stringify(name)}`;
    return [
      typeof maxLength !== 'number' && typeof minLength !== 'number' ? undefined : lengthRule(minLength, maxLength),
      pattern === undefined
        ? undefined
        : (value, run) => typeof value !== 'string' || matches(pattern, value, run.steps) || fail(run, unmatched),
      format === undefined ? undefined : (value, run) => hasFormat(format, value, run.steps) || fail(run, unformatted),
    ];
  }

  #arrayRules(schema: JsonObject): readonly (Rule | undefined)[] {
    const { maxItems, minItems, uniqueItems } = schema;
    return [
      typeof maxItems !== 'number'
        ? undefined
        : (value, run) =>
            !Array.isArray(value) || value.length <= maxItems || fail(run, `must NOT have more than ${maxItems} items`),
      typeof minItems !== 'number'
        ? undefined
        : (value, run) =>
            !Array.isArray(value) ||
            value.length >= minItems ||
            fail(run, `must NOT have fewer than ${minItems} items`),
      this.#itemsRule(schema),
      this.#containsRule(schema),
      uniqueItems === true ? uniqueRule : undefined,
    ];
  }

  #itemsRule(schema: JsonObject): Rule | undefined {
    const tuple = this.#dialect === 'draft-07' && Array.isArray(schema.items);
    const prefix = tuple ? schema.items : this.#dialect === 'draft-07' ? undefined : schema.prefixItems;
    const rest = tuple ? schema.additionalItems : schema.items;
    const first = Array.isArray(prefix) ? (prefix as readonly Json[]) : [];
    if (rest === undefined && first.length === 0) return undefined;
    return (value, run, looked) => {
      if (!Array.isArray(value)) return true;
      const items = value as readonly Json[];
      if (rest === false && items.length > first.length)
        return fail(run, `must NOT have more than ${first.length} items`);
      const end = rest === undefined ? Math.min(first.length, items.length) : items.length;
      for (let at = 0; at < end; at++)
        if (!this.#inside(at < first.length ? (first[at] ?? true) : (rest ?? true), items[at] ?? null, at, run))
          return false;
      if (looked !== undefined) looked.items = Math.max(looked.items, end);
      return true;
    };
  }

  #containsRule({ contains, minContains, maxContains }: JsonObject): Rule | undefined {
    if (contains === undefined) return undefined;
    const modern = this.#dialect === '2020-12';
    const least = modern && typeof minContains === 'number' ? minContains : 1;
    const most = modern && typeof maxContains === 'number' ? maxContains : Number.POSITIVE_INFINITY;
    return (value, run, looked) => {
      if (!Array.isArray(value)) return true;
      let found = 0;
      for (const [at, item] of (value as readonly Json[]).entries()) {
        if (!quietly(run, () => this.#inside(contains, item, at, run))) continue;
        found++;
        if (modern) looked?.places.add(at);
        if (looked === undefined && found >= least && most === Number.POSITIVE_INFINITY) break;
      }
      if (found < least) return fail(run, `must contain at least ${least} valid item(s)`);
      return found <= most || fail(run, `must contain at most ${most} valid item(s)`);
    };
  }

  #objectRules(schema: JsonObject): readonly (Rule | undefined)[] {
    const { maxProperties, minProperties, required, propertyNames } = schema;
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
            keysOf(value, run.steps).every((key) => this.check(propertyNames, key, run, undefined)) ||
            fail(run, 'property name must be valid'),
      this.#propertiesRule(schema),
      this.#dependentRule(schema),
    ];
  }

  #propertiesRule(schema: JsonObject): Rule | undefined {
    const { additionalProperties: extra } = schema;
    const properties = isObject(schema.properties) ? schema.properties : undefined;
    const patterns: (readonly [Pattern | undefined, Json])[] = isObject(schema.patternProperties)
      ? Object.entries(schema.patternProperties).map(([source, each]) => [this.#patterns.get(source), each] as const)
      : [];
    if (properties === undefined && patterns.length === 0 && extra === undefined) return undefined;
    return (value, run, looked) => {
      if (!isObject(value)) return true;
      for (const key of keysOf(value, run.steps)) {
        run.steps.take(1 + (key.length >> 6) + patterns.length);
        const member = value[key] ?? null;
        let named = false;
        if (properties !== undefined && Object.hasOwn(properties, key)) {
          named = true;
          if (!this.#inside(properties[key] ?? true, member, key, run)) return false;
        }
        for (const [pattern, each] of patterns) {
          // A pattern that cannot be run matches every name.
          if (pattern !== undefined && !matches(pattern, key, run.steps)) continue;
          named = true;
          if (pattern !== undefined && !this.#inside(each, member, key, run)) return false;
        }
        if (!named && extra === false) return fail(run, `${quoted(key)} is not an argument of this tool`);
        if (!named && extra !== undefined && !this.#inside(extra, member, key, run)) return false;
        if (looked === undefined || (!named && extra === undefined)) continue;
        run.steps.take(3);
        looked.names.add(key);
      }
      return true;
    };
  }

  #dependentRule(schema: JsonObject): Rule | undefined {
    // The word of draft-07 is enforced in 2020-12 as well: servers that name no dialect use it, and their checkers know it.
    const keywords =
      this.#dialect === 'draft-07' ? ['dependencies'] : ['dependencies', 'dependentRequired', 'dependentSchemas'];
    const entries = keywords.flatMap((keyword) => (isObject(schema[keyword]) ? Object.entries(schema[keyword]) : []));
    if (entries.length === 0) return undefined;
    return (value, run, looked) => {
      if (!isObject(value)) return true;
      run.steps.take(entries.length);
      for (const [name, wanted] of entries) {
        if (!Object.hasOwn(value, name)) continue;
        if (!Array.isArray(wanted)) {
          if (!this.check(wanted, value, run, looked)) return false;
          continue;
        }
        run.steps.take(wanted.length);
        const missing = (wanted as readonly string[]).find((each) => !Object.hasOwn(value, each));
        if (missing !== undefined)
          return fail(run, `must have property ${quoted(missing)} when property ${quoted(name)} is present`);
      }
      return true;
    };
  }

  #composingRules(schema: JsonObject): readonly (Rule | undefined)[] {
    const { ref, dynamic } = this.#targets.get(schema) ?? {};
    const all = listOf(schema.allOf);
    const { not } = schema;
    return [
      ref === undefined ? undefined : (value, run, looked) => this.check(ref, value, run, looked),
      dynamic === undefined ? undefined : (value, run, looked) => this.check(dynamic, value, run, looked),
      all === undefined ? undefined : (value, run, looked) => all.every((each) => this.check(each, value, run, looked)),
      this.#anyRule(schema),
      this.#oneRule(schema),
      not === undefined
        ? undefined
        : (value, run) => !quietly(run, () => this.check(not, value, run, undefined)) || fail(run, 'must NOT be valid'),
      this.#ifRule(schema),
    ];
  }

  #anyRule({ anyOf }: JsonObject): Rule | undefined {
    const branches = listOf(anyOf);
    if (branches === undefined) return undefined;
    return (value, run, looked) => {
      const mark = run.problems?.length ?? 0;
      let fits = false;
      for (const branch of branches) {
        if (!this.#tried(branch, value, run, looked)) continue;
        fits = true;
        // What the others look at counts as well.
        if (looked === undefined) break;
      }
      if (fits) forget(run, mark);
      return fits || fail(run, 'must match a schema in anyOf');
    };
  }

  #oneRule({ oneOf }: JsonObject): Rule | undefined {
    const branches = listOf(oneOf);
    if (branches === undefined) return undefined;
    return (value, run, looked) => {
      const mark = run.problems?.length ?? 0;
      let fitting = 0;
      for (const branch of branches) if (this.#tried(branch, value, run, looked) && ++fitting > 1) break;
      if (fitting > 0) forget(run, mark);
      return fitting === 1 || fail(run, 'must match exactly one schema in oneOf');
    };
  }

  #ifRule({ if: condition, then, else: otherwise }: JsonObject): Rule | undefined {
    if (condition === undefined || (then === undefined && otherwise === undefined)) return undefined;
    return (value, run, looked) => {
      const holds = quietly(run, () => this.#tried(condition, value, run, looked));
      const next = holds ? then : otherwise;
      return (
        next === undefined ||
        this.check(next, value, run, looked) ||
        fail(run, `must match "${holds ? 'then' : 'else'}" schema`)
      );
    };
  }

  #unevaluatedProperties(schema: JsonObject): Rule | undefined {
    const { unevaluatedProperties: rest } = schema;
    // Unknown to draft-07, except at the top: there it is the gateway that closes the schema.
    if (rest === undefined || (this.#dialect === 'draft-07' && schema !== this.#top)) return undefined;
    return (value, run, looked) => {
      if (!isObject(value)) return true;
      for (const key of keysOf(value, run.steps)) {
        run.steps.take(1);
        if (looked?.names.has(key) === true) continue;
        if (rest === false) return fail(run, `${quoted(key)} is not an argument of this tool`);
        if (!this.#inside(rest, value[key] ?? null, key, run)) return false;
        looked?.names.add(key);
      }
      return true;
    };
  }

  #unevaluatedItems({ unevaluatedItems: rest }: JsonObject): Rule | undefined {
    if (rest === undefined || this.#dialect === 'draft-07') return undefined;
    return (value, run, looked) => {
      if (!Array.isArray(value)) return true;
      const items = value as readonly Json[];
      for (let at = looked?.items ?? 0; at < items.length; at++) {
        run.steps.take(1);
        if (looked?.places.has(at) === true) continue;
        if (rest === false) return fail(run, `must NOT have more than ${at} items`);
        if (!this.#inside(rest, items[at] ?? null, at, run)) return false;
      }
      if (looked !== undefined) looked.items = items.length;
      return true;
    };
  }

  /** Of a branch that does not fit nothing counts as looked at. */
  #tried(schema: Json, value: Json, run: Run, looked: Looked | undefined): boolean {
    if (looked === undefined) return this.check(schema, value, run, undefined);
    run.steps.take(4);
    const own = lookedAtNothing();
    if (!this.check(schema, value, run, own)) return false;
    merge(own, looked, run.steps);
    return true;
  }

  #inside(schema: Json, value: Json, key: string | number, run: Run): boolean {
    run.path.push(key);
    const fits = this.check(schema, value, run, undefined);
    run.path.pop();
    return fits;
  }
}

function lookedAtNothing(): Looked {
  return { names: new Set(), items: 0, places: new Set() };
}

function merge(from: Looked, into: Looked, steps: Steps): void {
  steps.take((from.names.size + from.places.size) * 4);
  for (const name of from.names) into.names.add(name);
  for (const place of from.places) into.places.add(place);
  into.items = Math.max(into.items, from.items);
}

function listOf(value: Json | undefined): readonly Json[] | undefined {
  return Array.isArray(value) ? (value as readonly Json[]) : undefined;
}

/** What a condition complains about is nothing to tell. */
function quietly(run: Run, check: () => boolean): boolean {
  const mark = run.problems?.length ?? 0;
  const result = check();
  forget(run, mark);
  return result;
}

function fail({ problems, path, steps }: Run, problem: string): false {
  if (problems === undefined || problems.length >= mostProblems) return false;
  steps.take(20);
  const place = path.map((key) => `/${String(key).slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  problems.push(`arguments${place}: ${problem}`);
  return false;
}

/** Forgets the problems after the first `count`. */
function forget({ problems }: Run, count: number): void {
  if (problems !== undefined) problems.length = count;
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function matches(pattern: Pattern, text: string, steps: Steps): boolean {
  // Time of the engine: each character against each instruction, measured with programs of many branches.
  steps.take(2 + Math.ceil(text.length * (2 + pattern.size / 4)));
  return pattern.test(text);
}

function hasFormat(format: Format, value: Json, steps: Steps): boolean {
  if (format.of === 'number') return typeof value !== 'number' || format.test(value);
  if (typeof value !== 'string') return true;
  steps.take(4 + (value.length >> 2));
  return format.test(value);
}

function typeRule({ type, nullable }: JsonObject): Rule | undefined {
  if (type === undefined) return undefined;
  const named = Array.isArray(type) ? (type as readonly string[]) : [type as string];
  const types = nullable === true ? [...named, 'null'] : named;
  const [only, another] = types;
  const problem = `must be ${types.join()}`;
  if (only !== undefined && another === undefined) return (value, run) => isOfType(value, only) || fail(run, problem);
  return (value, run) => types.some((each) => isOfType(value, each)) || fail(run, problem);
}

function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

function enumRule(schema: JsonObject): Rule | undefined {
  const single = Object.hasOwn(schema, 'const');
  const lists = [
    ...(single ? [{ values: [schema.const ?? null], problem: 'must be equal to constant' }] : []),
    ...(Array.isArray(schema.enum)
      ? [{ values: schema.enum as readonly Json[], problem: 'must be equal to one of the allowed values' }]
      : []),
  ].map(({ values, problem }) => ({
    problem,
    plain: new Set(values.filter((each) => !isNested(each))),
    nested: values.filter(isNested),
  }));
  if (lists.length === 0) return undefined;
  return (value, run) =>
    lists.every(({ plain, nested, problem }) => {
      const known = isNested(value) ? nested.some((each) => isEqual(each, value, run.steps)) : plain.has(value);
      return known || fail(run, problem);
    });
}

function isNested(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function numberRules(schema: JsonObject): readonly (Rule | undefined)[] {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf } = schema;
  return [
    limit(maximum, (value, most) => value <= most, '<='),
    limit(minimum, (value, least) => value >= least, '>='),
    limit(exclusiveMaximum, (value, most) => value < most, '<'),
    limit(exclusiveMinimum, (value, least) => value > least, '>'),
    typeof multipleOf !== 'number'
      ? undefined
      : (value, run) =>
          typeof value !== 'number' || isMultiple(value, multipleOf) || fail(run, `must be multiple of ${multipleOf}`),
  ];
}

function limit(bound: Json | undefined, holds: (value: number, bound: number) => boolean, sign: string) {
  if (typeof bound !== 'number') return undefined;
  const rule: Rule = (value, run) =>
    typeof value !== 'number' || holds(value, bound) || fail(run, `must be ${sign} ${bound}`);
  return rule;
}

/**
 * 19.99 is a multiple of 0.01, although its quotient in binary is not whole: value, divisor and quotient are each rounded
 * once. The remainder of integers is exact, while a large quotient may be rounded to a whole one.
 */
function isMultiple(value: number, of: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(of)) return value % of === 0;
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) <= 2 * Number.EPSILON * Math.abs(quotient);
}

/** Lengths count characters, not code units (2020-12 validation, 6.3). */
function lengthRule(least: Json | undefined, most: Json | undefined): Rule {
  return (value, run) => {
    if (typeof value !== 'string') return true;
    run.steps.take(value.length >> 4);
    const length = charactersIn(value);
    if (typeof most === 'number' && length > most) return fail(run, `must NOT have more than ${most} characters`);
    return typeof least !== 'number' || length >= least || fail(run, `must NOT have fewer than ${least} characters`);
  };
}

function charactersIn(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) !== 0xd800 || (text.charCodeAt(at + 1) & 0xfc00) !== 0xdc00) continue;
    pairs++;
    at++;
  }
  return text.length - pairs;
}

function requiredRule(needed: readonly string[]): Rule {
  return (value, run) => {
    if (!isObject(value)) return true;
    run.steps.take(needed.length);
    for (const name of needed) if (!Object.hasOwn(value, name)) return fail(run, `${quoted(name)} is missing`);
    return true;
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
