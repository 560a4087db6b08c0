/**
 * Reads the input schema of a tool once, in time linear in its size: every keyword has the shape that it must have, every
 * reference leads to a place in the same schema, and following references at one value ends, after a bounded number of
 * subschemas. Schemas are hostile input; nothing here runs one.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';

export type Dialect = '2020-12' | 'draft-07';

export type Inspected =
  | { readonly ok: true; readonly targets: Targets }
  | { readonly ok: false; readonly problem: string };

/** Where the `$ref` and the `$dynamicRef` of a subschema lead. */
export interface Target {
  readonly ref?: Json;
  readonly dynamic?: Json;
}
export type Targets = ReadonlyMap<JsonObject, Target>;

/** Subschemas that may apply to one value, over all references and compositions. */
const mostApplied = 10_000;
/** Subschemas of one value that lead to each other. */
const longestChain = 256;
const mostSubschemas = 20_000;
const mostResources = 200;
const rootBase = 'schema://root/';

const typeNames: ReadonlySet<Json> = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);

type Shape = 'schema' | 'schemas' | 'map' | 'items' | 'dependencies' | ((value: Json) => boolean);

const isNumber = (value: Json): boolean => typeof value === 'number';
const isCount = (value: Json): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isText = (value: Json): boolean => typeof value === 'string';
const isTexts = (value: Json): boolean => Array.isArray(value) && (value as readonly Json[]).every(isText);
const isType = (value: Json): boolean =>
  Array.isArray(value) ? (value as readonly Json[]).every((name) => typeNames.has(name)) : typeNames.has(value);

const common: readonly (readonly [string, Shape])[] = [
  ['type', isType],
  ['enum', (value) => Array.isArray(value)],
  ['multipleOf', (value) => typeof value === 'number' && value > 0],
  ['maximum', isNumber],
  ['exclusiveMaximum', isNumber],
  ['minimum', isNumber],
  ['exclusiveMinimum', isNumber],
  ['maxLength', isCount],
  ['minLength', isCount],
  ['maxItems', isCount],
  ['minItems', isCount],
  ['maxProperties', isCount],
  ['minProperties', isCount],
  ['pattern', isText],
  ['format', isText],
  ['$ref', isText],
  ['$id', isText],
  ['uniqueItems', (value) => typeof value === 'boolean'],
  ['required', isTexts],
  ['properties', 'map'],
  ['patternProperties', 'map'],
  ['definitions', 'map'],
  ['additionalProperties', 'schema'],
  ['propertyNames', 'schema'],
  ['contains', 'schema'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],
  ['allOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['dependencies', 'dependencies'],
];

const shapes: Readonly<Record<Dialect, ReadonlyMap<string, Shape>>> = {
  'draft-07': new Map([...common, ['items', 'items'], ['additionalItems', 'schema']]),
  '2020-12': new Map([
    ...common,
    ['items', 'schema'],
    ['prefixItems', 'schemas'],
    ['maxContains', isCount],
    ['minContains', isCount],
    ['unevaluatedItems', 'schema'],
    ['unevaluatedProperties', 'schema'],
    ['dependentSchemas', 'map'],
    ['dependentRequired', (value) => isObject(value) && Object.values(value).every(isTexts)],
    ['$defs', 'map'],
    ['$anchor', isText],
    ['$dynamicAnchor', isText],
    ['$dynamicRef', isText],
  ]),
};

/** Keywords whose subschemas apply to the same value. */
const inPlace: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependencies',
]);

class Unusable extends Error {}

export function inspectSchema(schema: JsonObject, dialect: Dialect): Inspected {
  try {
    const targets = new Inspection(schema, dialect).targets();
    return { ok: true, targets };
  } catch (error) {
    if (error instanceof Unusable) return { ok: false, problem: error.message };
    throw error;
  }
}

interface Place {
  readonly schema: Json;
  readonly base: string;
  readonly root: JsonObject;
}

class Inspection {
  readonly #schema: JsonObject;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #seen = new Map<JsonObject, Place>();
  /** Schemas by absolute URI, without a fragment and with the name of an anchor. */
  readonly #named = new Map<string, JsonObject>();
  readonly #dynamic = new Map<string, number>();
  readonly #applied = new Map<JsonObject, JsonObject[]>();
  readonly #waiting: Place[] = [];
  #resources = 0;

  constructor(schema: JsonObject, dialect: Dialect) {
    this.#schema = schema;
    this.#shapes = shapes[dialect];
  }

  targets(): Targets {
    this.#named.set(rootBase, this.#schema);
    this.#waiting.push({ schema: this.#schema, base: rootBase, root: this.#schema });
    this.#drain();
    const targets = new Map<JsonObject, Target>();
    // References may lead to places that are no subschemas by themselves: these are read as well, and may refer further.
    for (const [node, place] of this.#seen) {
      const { $ref, $dynamicRef } = node;
      const ref = typeof $ref === 'string' ? this.#resolve($ref, place) : undefined;
      const dynamic =
        typeof $dynamicRef === 'string' && this.#shapes.has('$dynamicRef')
          ? this.#resolveDynamic($dynamicRef, place)
          : undefined;
      this.#drain();
      if (ref === undefined && dynamic === undefined) continue;
      targets.set(node, { ...(ref === undefined ? {} : { ref }), ...(dynamic === undefined ? {} : { dynamic }) });
      const applied = this.#applied.get(node) ?? [];
      for (const target of [ref, dynamic]) if (isObject(target)) applied.push(target);
      this.#applied.set(node, applied);
    }
    this.#boundApplied();
    return targets;
  }

  #drain(): void {
    for (let place = this.#waiting.pop(); place !== undefined; place = this.#waiting.pop()) this.#read(place);
  }

  #read({ schema, base: outer, root: outerRoot }: Place): void {
    if (typeof schema === 'boolean') return;
    if (!isObject(schema)) throw new Unusable('the input schema is invalid: a subschema is neither object nor boolean');
    if (this.#seen.has(schema)) return;
    if (this.#seen.size >= mostSubschemas)
      throw new Unusable(`the input schema has more than ${mostSubschemas} subschemas`);
    const { base, root } = this.#identify(schema, outer, outerRoot);
    this.#seen.set(schema, { schema, base, root });
    for (const [keyword, value] of Object.entries(schema)) {
      const shape = this.#shapes.get(keyword);
      if (shape === undefined) continue;
      const subschemas = subschemasOf(shape, value);
      if (subschemas === undefined)
        throw new Unusable(`the input schema is invalid: ${keyword} has a value that it cannot have`);
      for (const subschema of subschemas) this.#waiting.push({ schema: subschema, base, root });
      if (!inPlace.has(keyword)) continue;
      const applied = this.#applied.get(schema) ?? [];
      for (const subschema of subschemas) if (isObject(subschema)) applied.push(subschema);
      this.#applied.set(schema, applied);
    }
  }

  #identify(schema: JsonObject, outer: string, outerRoot: JsonObject): { base: string; root: JsonObject } {
    const { $id, $anchor, $dynamicAnchor } = schema;
    let base = outer;
    let root = outerRoot;
    if (typeof $id === 'string' && $id.startsWith('#')) this.#named.set(outer + $id, schema);
    else if (typeof $id === 'string' && URL.canParse($id, outer)) {
      if (++this.#resources > mostResources)
        throw new Unusable(`the input schema has more than ${mostResources} ids of its own`);
      const url = new URL($id, outer);
      url.hash = '';
      base = url.href;
      root = schema;
      this.#named.set(base, schema);
    }
    if (typeof $anchor === 'string') this.#named.set(`${base}#${$anchor}`, schema);
    if (typeof $dynamicAnchor === 'string') {
      this.#named.set(`${base}#${$dynamicAnchor}`, schema);
      this.#dynamic.set($dynamicAnchor, (this.#dynamic.get($dynamicAnchor) ?? 0) + 1);
    }
    return { base, root };
  }

  #resolve(ref: string, { base, root }: Place): Json {
    const shown = JSON.stringify(ref.slice(0, 80));
    const hash = ref.indexOf('#');
    const fragment = hash === -1 ? '' : ref.slice(hash + 1);
    let home: JsonObject | undefined = root;
    let uri = base;
    if (hash !== 0) {
      if (!URL.canParse(ref, base)) throw new Unusable(`the input schema refers to ${shown}, which is no URI`);
      const url = new URL(ref, base);
      url.hash = '';
      uri = url.href;
      home = this.#named.get(uri);
    }
    const target =
      fragment === ''
        ? home
        : fragment.startsWith('/')
          ? pointed(home, fragment)
          : this.#named.get(`${uri}#${fragment}`);
    if (target === undefined) throw new Unusable(`the input schema refers to ${shown}, which is not a part of it`);
    this.#waiting.push({ schema: target, base: uri, root: home ?? root });
    return target;
  }

  /** With one anchor of the name the dynamic reference is a plain one (2020-12 core, 8.2.3.2). */
  #resolveDynamic(ref: string, place: Place): Json {
    const name = ref.slice(ref.indexOf('#') + 1);
    if ((this.#dynamic.get(name) ?? 0) > 1)
      throw new Unusable('the input schema has several dynamic anchors of one name, which is not supported');
    return this.#resolve(ref, place);
  }

  /** Counts what applies to one value; a subschema that is reached in two ways counts twice, as it is run twice. */
  #boundApplied(): void {
    const counts = new Map<JsonObject, { readonly count: number; readonly chain: number }>();
    const open = new Set<JsonObject>();
    const count = (node: JsonObject): { readonly count: number; readonly chain: number } => {
      const known = counts.get(node);
      if (known !== undefined) return known;
      if (open.has(node)) throw new Unusable('the input schema refers to itself without an end');
      if (open.size > longestChain) throw new Unusable('the references of the input schema form too long a chain');
      open.add(node);
      let total = 1;
      let chain = 0;
      for (const next of this.#applied.get(node) ?? []) {
        const counted = count(next);
        total += counted.count;
        chain = Math.max(chain, counted.chain);
      }
      open.delete(node);
      if (total > mostApplied)
        throw new Unusable(`the references of the input schema expand to more than ${mostApplied} subschemas`);
      const result = { count: total, chain: chain + 1 };
      counts.set(node, result);
      if (result.chain > longestChain) throw new Unusable('the references of the input schema form too long a chain');
      return result;
    };
    for (const node of this.#seen.keys()) count(node);
  }
}

/** `undefined` when the value has not the shape. */
function subschemasOf(shape: Shape, value: Json): readonly Json[] | undefined {
  if (typeof shape === 'function') return shape(value) ? [] : undefined;
  switch (shape) {
    case 'schema':
      return [value];
    case 'schemas':
      return Array.isArray(value) && value.length > 0 ? (value as readonly Json[]) : undefined;
    case 'items':
      return Array.isArray(value) ? (value as readonly Json[]) : [value];
    case 'map':
      return isObject(value) ? Object.values(value) : undefined;
    case 'dependencies':
      return isObject(value) ? Object.values(value).filter((member) => !isTexts(member)) : undefined;
  }
}

function pointed(root: JsonObject | undefined, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const part of pointer.slice(1).split('/')) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value)) value = /^\d{1,6}$/.test(key) ? (value as readonly Json[])[Number(key)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not percent-encoded after all.
    return part;
  }
}
