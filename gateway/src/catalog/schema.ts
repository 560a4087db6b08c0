/**
 * Argument checks from the schemas that servers advertise. These schemas are hostile input: bounded in size and in what
 * their references expand to, walked by a checker that counts its steps, never resolved over the network (2026-07-28,
 * JSON Schema usage).
 */
import { isObject, type Json, type JsonObject, nearest } from '../protocol/json.ts';
import { type Checker, checkerOf, type Run } from './check.ts';
import { type Dialect, inspectSchema } from './inspect.ts';
import { Steps, TooCostly } from './steps.ts';

export type Validate = (args: JsonObject) => readonly string[] | undefined;

export type CompiledSchema =
  /** `notes`: what could not be enforced, such as a pattern that no linear engine can run. */
  | { readonly ok: true; readonly validate: Validate; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** A Map: the key is text of a server, and every object has a member `constructor`. */
const dialects: ReadonlyMap<string, Dialect> = new Map([
  ['https://json-schema.org/draft/2020-12/schema', '2020-12'],
  ['http://json-schema.org/draft-07/schema', 'draft-07'],
  ['https://json-schema.org/draft-07/schema', 'draft-07'],
]);

/** Remembered for as long as the schema itself: nothing of a server stays when its list is gone. */
const known = { open: new WeakMap<JsonObject, CompiledSchema>(), closed: new WeakMap<JsonObject, CompiledSchema>() };

/** Makes a check of arguments. `open`: accept arguments that the schema does not name. */
export function compileSchema(schema: JsonObject, limit: number, open: boolean): CompiledSchema {
  const memory = open ? known.open : known.closed;
  const before = memory.get(schema);
  if (before !== undefined) return before;
  const result: CompiledSchema =
    JSON.stringify(schema).length > limit
      ? { ok: false, problem: `the input schema is larger than ${limit} bytes` }
      : compile(schema, open);
  memory.set(schema, result);
  return result;
}

function compile(schema: JsonObject, open: boolean): CompiledSchema {
  const declared = schema.$schema;
  const dialect =
    declared === undefined
      ? '2020-12'
      : typeof declared === 'string'
        ? dialects.get(declared.replace(/#$/, ''))
        : undefined;
  if (dialect === undefined) return { ok: false, problem: 'the input schema is of a dialect that is not supported' };
  const body = withoutUnknown(nearest(schema) as JsonObject, dialect);
  const subject = open ? body : close(body, true);
  const inspected = inspectSchema(subject, dialect);
  if (!inspected.ok) return inspected;
  const checker = checkerOf(subject, dialect, inspected.targets);
  return { ok: true, validate: (args) => validate(checker, args), notes: checker.notes };
}

const tooCostly = 'arguments: they are too large for the schema of this tool: checking them takes too long';

function validate(checker: Checker, args: JsonObject): readonly string[] | undefined {
  const steps = new Steps();
  const begin = (said: string[] | undefined): Run => ({ steps, path: [], problems: said, depth: 0 });
  try {
    if (checker.check(args, begin(undefined))) return undefined;
    // Only now is it worth the time to find out why.
    const problems: string[] = [];
    checker.check(args, begin(problems));
    return problems;
  } catch (error) {
    // A stack that is full is one more way to be too deep.
    if (error instanceof TooCostly || error instanceof RangeError) return [tooCostly];
    throw error;
  }
}

/** `unevaluatedProperties` is no word of draft-07, so that a server neither opens nor closes anything with it. */
function withoutUnknown(schema: JsonObject, dialect: Dialect): JsonObject {
  if (dialect !== 'draft-07') return schema;
  const { unevaluatedProperties: _unknown, ...known } = schema;
  return known;
}

const composing = [
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'then',
  'else',
  '$ref',
  '$dynamicRef',
  'dependentSchemas',
  'dependencies',
];

/**
 * A copy in which an object takes no other members than those it names. At the top, `additionalProperties: true` counts
 * as silence, and so does `unevaluatedProperties: true`: only the operator opens a tool. Further down an explicit word of the server stands.
 */
function close(schema: JsonObject, top: boolean): JsonObject {
  const closed: Record<string, Json> = { ...schema };
  for (const key of ['properties', '$defs', 'definitions'])
    if (isObject(schema[key]))
      closed[key] = Object.fromEntries(
        Object.entries(schema[key]).map(([name, member]) => [name, isObject(member) ? close(member, false) : member]),
      );
  if (isObject(schema.items)) closed.items = close(schema.items, false);
  const isSilent = (extra: Json | undefined): boolean =>
    extra === undefined || (top && (extra === true || (isObject(extra) && Object.keys(extra).length === 0)));
  if (!isSilent(schema.additionalProperties) || !isSilent(schema.unevaluatedProperties)) return closed;
  if (composing.some((keyword) => keyword in schema)) {
    // Members may be named in a branch, so only what no branch has looked at is extra. A nested schema that is itself
    // part of a composition is left alone: closing it would forbid what its siblings name.
    if (top) {
      delete closed.additionalProperties;
      closed.unevaluatedProperties = false;
    }
    return closed;
  }
  delete closed.unevaluatedProperties;
  if (top || isObject(schema.properties)) closed.additionalProperties = false;
  return closed;
}
