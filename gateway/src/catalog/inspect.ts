/**
 * Reads the input schema of a tool once, in time linear in its size: every keyword has the shape that it must have, every
 * reference leads to a place in the same schema, and following references at one value ends, after a bounded number of
 * subschemas. Schemas are hostile input; nothing here runs one.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { type Dialect, inPlace, type Shape, shapesOf, subschemasOf } from './dialects.ts';

export type Inspected =
  | {
      readonly ok: true;
      readonly targets: Targets;
      /** The regular expressions in it, each once. */
      readonly patterns: ReadonlySet<string>;
    }
  | { readonly ok: false; readonly problem: string };

/** Where the `$ref` and the `$dynamicRef` of a subschema lead. */
export interface Target {
  readonly ref?: Json;
  readonly dynamic?: Json;
}
export type Targets = ReadonlyMap<JsonObject, Target>;

/** Subschemas that may apply to one value, over all references and compositions. */
const maxApplied = 10_000;
/** Subschemas of one value that lead to each other. */
const maxChain = 256;
const maxSubschemas = 8_000;
const maxResources = 200;
const rootBase = 'schema://root/';

class Unusable extends Error {}

export function inspectSchema(schema: JsonObject, dialect: Dialect): Inspected {
  try {
    const inspection = new Inspection(schema, dialect);
    return { ok: true, targets: inspection.targets(), patterns: inspection.patterns };
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
  readonly patterns = new Set<string>();
  readonly #schema: JsonObject;
  readonly #dialect: Dialect;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #seen = new Map<JsonObject, Place>();
  /** Schemas by absolute URI, without a fragment and with the name of an anchor. */
  readonly #named = new Map<string, JsonObject>();
  readonly #resolved = new Map<string, Json>();
  readonly #dynamic = new Map<string, number>();
  readonly #applied = new Map<JsonObject, JsonObject[]>();
  readonly #waiting: Place[] = [];
  #resources = 0;
  #recursive = 0;

  constructor(schema: JsonObject, dialect: Dialect) {
    this.#schema = schema;
    this.#dialect = dialect;
    this.#shapes = shapesOf(dialect);
  }

  targets(): Targets {
    this.#named.set(rootBase, this.#schema);
    this.#waiting.push({ schema: this.#schema, base: rootBase, root: this.#schema });
    this.#drain();
    const targets = new Map<JsonObject, Target>();
    // References may lead to places that are no subschemas by themselves: these are read as well, and may refer further.
    for (const [node, place] of this.#seen) {
      const { $ref, $dynamicRef, $recursiveRef } = node;
      const ref = typeof $ref === 'string' ? this.#resolve($ref, place) : undefined;
      const dynamic =
        typeof $dynamicRef === 'string' && this.#shapes.has('$dynamicRef')
          ? this.#resolveDynamic($dynamicRef, place)
          : $recursiveRef !== undefined && this.#shapes.has('$recursiveRef')
            ? this.#resolveRecursive(place)
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
    if (this.#seen.size >= maxSubschemas)
      throw new Unusable(`the input schema has more than ${maxSubschemas} subschemas`);
    const { base, root } = this.#identify(schema, outer, outerRoot);
    this.#seen.set(schema, { schema, base, root });
    for (const [keyword, value] of Object.entries(schema)) {
      const shape = this.#shapes.get(keyword);
      if (shape === undefined) continue;
      const subschemas = subschemasOf(shape, value);
      if (subschemas === undefined)
        throw new Unusable(`the input schema is invalid: ${keyword} has a value that it cannot have`);
      if (keyword === 'pattern' && typeof value === 'string') this.patterns.add(value);
      if (keyword === 'patternProperties')
        for (const source of Object.keys(value as JsonObject)) this.patterns.add(source);
      for (const subschema of subschemas) this.#waiting.push({ schema: subschema, base, root });
      if (!inPlace.has(keyword)) continue;
      const applied = this.#applied.get(schema) ?? [];
      for (const subschema of subschemas) if (isObject(subschema)) applied.push(subschema);
      this.#applied.set(schema, applied);
    }
  }

  #identify(schema: JsonObject, outer: string, outerRoot: JsonObject): { base: string; root: JsonObject } {
    const { $anchor, $dynamicAnchor } = schema;
    const $id = this.#dialect === 'draft-04' ? schema.id : schema.$id;
    if (schema.$recursiveAnchor === true) this.#recursive++;
    // Up to draft-07 nothing counts beside a reference.
    if (typeof schema.$ref === 'string' && this.#dialect.startsWith('draft-')) return { base: outer, root: outerRoot };
    let base = outer;
    let root = outerRoot;
    if (typeof $id === 'string' && $id.startsWith('#')) this.#named.set(outer + $id, schema);
    else if (typeof $id === 'string' && URL.canParse($id, outer)) {
      if (++this.#resources > maxResources)
        throw new Unusable(`the input schema has more than ${maxResources} ids of its own`);
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

  /** Many places refer to few others, and reading a reference costs more than finding out that it is known. */
  #resolve(ref: string, place: Place): Json {
    const key = `${place.base} ${ref}`;
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const target = this.#find(ref, place);
    this.#resolved.set(key, target);
    return target;
  }

  #find(ref: string, { base, root }: Place): Json {
    const unusable = (why: string) =>
      new Unusable(`the input schema refers to ${JSON.stringify(ref.slice(0, 80))}, which is ${why}`);
    const hash = ref.indexOf('#');
    const fragment = hash === -1 ? '' : ref.slice(hash + 1);
    let home: JsonObject | undefined = root;
    let uri = base;
    if (hash !== 0) {
      if (!URL.canParse(ref, base)) throw unusable('no URI');
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
    if (target === undefined) throw unusable('not a part of it');
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

  /** With one anchor the recursive reference leads to the root of its resource (2019-09 core, 8.2.4.2). */
  #resolveRecursive(place: Place): Json {
    if (this.#recursive > 1)
      throw new Unusable('the input schema has several recursive anchors, which is not supported');
    return this.#resolve('#', place);
  }

  /** Counts what applies to one value; a subschema that is reached in two ways counts twice, as it is run twice. */
  #boundApplied(): void {
    const counts = new Map<JsonObject, { readonly count: number; readonly chain: number }>();
    const open = new Set<JsonObject>();
    const count = (node: JsonObject): { readonly count: number; readonly chain: number } => {
      const known = counts.get(node);
      if (known !== undefined) return known;
      if (open.has(node)) throw new Unusable('the input schema refers to itself without an end');
      if (open.size > maxChain) throw new Unusable('the references of the input schema form too long a chain');
      open.add(node);
      let total = 1;
      let chain = 0;
      for (const next of this.#applied.get(node) ?? []) {
        const counted = this.#applied.has(next) ? count(next) : { count: 1, chain: 1 };
        total += counted.count;
        chain = Math.max(chain, counted.chain);
      }
      open.delete(node);
      if (total > maxApplied)
        throw new Unusable(`the references of the input schema expand to more than ${maxApplied} subschemas`);
      const result = { count: total, chain: chain + 1 };
      counts.set(node, result);
      if (result.chain > maxChain) throw new Unusable('the references of the input schema form too long a chain');
      return result;
    };
    for (const node of this.#applied.keys()) count(node);
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
