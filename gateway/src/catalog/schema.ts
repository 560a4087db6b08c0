/**
 * Argument checks from the schemas that servers advertise. These schemas are hostile input: bounded in size, compiled
 * with a linear-time pattern engine, never resolved over the network (2026-07-28, JSON Schema usage).
 */
import { createHash } from 'node:crypto';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { canonical } from './digest.ts';

export type Validate = (args: JsonObject) => readonly string[] | undefined;

export type CompiledSchema =
  /** `notes`: what could not be enforced, such as a pattern that no linear engine can run. */
  | { readonly ok: true; readonly validate: Validate; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

const mostProblems = 5;
const mostSchemas = 5_000;
const longestPattern = 2_000;
/** References followed for one set of arguments, which takes some 50 ms at most. */
const mostReferences = 50_000;

const compiled = new Map<string, CompiledSchema>();
let notes: string[] = [];

interface Pattern {
  test(text: string): boolean;
  /** Ajv takes patterns with equal texts for the same one. */
  toString(): string;
}

/** A pattern as Ajv wants it. A pattern that cannot be run matches everything, and a note says so. */
function pattern(source: string): Pattern {
  const toString = (): string => `/${source}/`;
  if (source.length > longestPattern) {
    notes.push(`a pattern of ${source.length} characters is not enforced`);
    return { test: () => true, toString };
  }
  try {
    const expression = RE2JS.compile(RE2JS.translateRegExp(source));
    return { test: (text) => expression.test(text), toString };
  } catch {
    notes.push(
      `the pattern ${JSON.stringify(source.slice(0, 80))} is not enforced: it needs look-around or back-references`,
    );
    return { test: () => true, toString };
  }
}

const options = {
  strict: false,
  allErrors: false,
  validateFormats: true,
  messages: true,
  // What Ajv has to say quotes the schema, and would go past the log to the terminal of the operator.
  logger: false,
  // `code` is how generated standalone code would name the engine; nothing is generated that outlives this process.
  code: { regExp: Object.assign(pattern, { code: 'pattern' }) },
} as const;

function engine(draft07: boolean) {
  const ajv = draft07 ? new Ajv(options) : new Ajv2020(options);
  (ajvFormats as unknown as { default: (ajv: unknown) => void }).default(ajv);
  ajv.addKeyword({ keyword: referenceKeyword, before: '$ref', validate: countReference });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: areUnique,
    error: notUnique,
  });
  return ajv;
}

/**
 * Stands beside each `$ref`. Without references the work grows with the schema and the arguments; with them a short
 * schema can ask for the same check 2 to the power of anything times.
 */
const referenceKeyword = 'sallyport-reference';
let references = 0;

class TooManyReferences extends Error {}

function countReference(): boolean {
  if (++references > mostReferences) throw new TooManyReferences();
  return true;
}

const notUnique = { message: 'must not have equal items' };

/** Ajv compares each item with all others, which takes minutes for the items that fit into a message. */
function areUnique(wanted: boolean, items: readonly Json[]): boolean {
  return !wanted || new Set(items.map(canonical)).size === items.length;
}
const engines = { current: engine(false), draft07: engine(true) };

/** A Map: the key is text of a server, and every object has a member `constructor`. */
const dialects: ReadonlyMap<string, keyof typeof engines> = new Map([
  ['https://json-schema.org/draft/2020-12/schema', 'current'],
  ['http://json-schema.org/draft-07/schema', 'draft07'],
  ['https://json-schema.org/draft-07/schema', 'draft07'],
]);

/** Compiles a check of arguments. `open`: accept arguments that the schema does not name. Remembers by content. */
export function compileSchema(schema: JsonObject, limit: number, open: boolean): CompiledSchema {
  const text = JSON.stringify(schema);
  const key = createHash('sha256')
    .update(open ? 'open\n' : 'closed\n')
    .update(text)
    .digest('base64');
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const result: CompiledSchema =
    text.length > limit
      ? { ok: false, problem: `the input schema is larger than ${limit} bytes` }
      : compile(schema, open);
  if (compiled.size >= mostSchemas) compiled.delete(compiled.keys().next().value ?? '');
  compiled.set(key, result);
  return result;
}

function compile(schema: JsonObject, open: boolean): CompiledSchema {
  const declared = schema.$schema;
  const dialect =
    declared === undefined
      ? 'current'
      : typeof declared === 'string'
        ? dialects.get(declared.replace(/#$/, ''))
        : undefined;
  if (dialect === undefined) return { ok: false, problem: 'the input schema is of a dialect that is not supported' };
  // An id would put the schema into the memory of the engine under a name that another server's could refer to.
  const { $schema: _dialect, $id: _id, ...body } = schema;
  const subject = counting(open ? body : close(body, true), 'schema');
  const ajv = engines[dialect];
  notes = [];
  try {
    const check = ajv.compile(subject);
    ajv.removeSchema(subject);
    return { ok: true, validate: (args) => judged(check, args), notes };
  } catch (error) {
    ajv.removeSchema(subject);
    return { ok: false, problem: error instanceof Error ? error.message.slice(0, 200) : 'it cannot be compiled' };
  }
}

/** What would take too long, or never end, is refused: nothing says that it fits. */
function judged(check: ValidateFunction, args: JsonObject): readonly string[] | undefined {
  references = 0;
  try {
    return check(args) ? undefined : problems(check);
  } catch (error) {
    // A schema that refers to itself without going deeper into the arguments fills the stack before it is counted out.
    if (error instanceof TooManyReferences || error instanceof RangeError)
      return ['arguments: checking them takes too long, as the input schema refers to itself too often'];
    throw error;
  }
}

/** Members whose values are schemas by name; under the others of these, values are data. */
const schemasByName: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);
const literals: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** A copy in which each reference is counted when it is followed. */
function counting(value: JsonObject, kind: 'schema' | 'names'): JsonObject {
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (kind === 'schema' && literals.has(key)) return [key, member];
      const inner = kind === 'schema' && schemasByName.has(key) ? 'names' : 'schema';
      if (Array.isArray(member))
        return [key, (member as readonly Json[]).map((item) => (isObject(item) ? counting(item, 'schema') : item))];
      return [key, isObject(member) ? counting(member, inner) : member];
    }),
  );
  const refers = typeof value.$ref === 'string' || typeof value.$dynamicRef === 'string';
  return kind === 'schema' && refers ? { ...copy, [referenceKeyword]: true } : copy;
}

const composing = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', '$ref', 'dependentSchemas'];

/**
 * A copy in which an object takes no other members than those it names. At the top, `additionalProperties: true` counts
 * as silence: only the operator opens a tool. Further down an explicit word of the server stands.
 */
function close(schema: JsonObject, top: boolean): JsonObject {
  const closed: Record<string, Json> = { ...schema };
  for (const key of ['properties', '$defs', 'definitions'])
    if (isObject(schema[key]))
      closed[key] = Object.fromEntries(
        Object.entries(schema[key]).map(([name, member]) => [name, isObject(member) ? close(member, false) : member]),
      );
  if (isObject(schema.items)) closed.items = close(schema.items, false);
  const extra = schema.additionalProperties;
  const silent =
    extra === undefined || (top && (extra === true || (isObject(extra) && Object.keys(extra).length === 0)));
  if (!silent || 'unevaluatedProperties' in schema) return closed;
  if (composing.some((keyword) => keyword in schema)) {
    // Members may be named in a branch, so only what no branch has looked at is extra. A nested schema that is itself
    // part of a composition is left alone: closing it would forbid what its siblings name.
    if (top) {
      delete closed.additionalProperties;
      closed.unevaluatedProperties = false;
    }
    return closed;
  }
  if (top || isObject(schema.properties)) closed.additionalProperties = false;
  return closed;
}

function problems(check: ValidateFunction): readonly string[] {
  return (check.errors ?? []).slice(0, mostProblems).map(describe);
}

function describe(error: ErrorObject): string {
  const path = error.instancePath === '' ? 'arguments' : `arguments${error.instancePath}`;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return `${path}: ${quoted(params.missingProperty)} is missing`;
    case 'additionalProperties':
      return `${path}: ${quoted(params.additionalProperty)} is not an argument of this tool`;
    case 'unevaluatedProperties':
      return `${path}: ${quoted(params.unevaluatedProperty)} is not an argument of this tool`;
    default:
      return `${path}: ${error.message ?? error.keyword}`;
  }
}

function quoted(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 80));
}
