/**
 * Argument checks from the schemas that servers advertise. These schemas are hostile input: bounded in size and in what
 * their references expand to, walked by a checker that counts its steps, never resolved over the network (2026-07-28,
 * JSON Schema usage).
 */
import { type JsonObject, settled } from '../protocol/json.ts';
import { type Checker, checkerOf } from './check.ts';
import { dialectOf } from './dialects.ts';
import { inspectSchema } from './inspect.ts';
import { readPatterns, type Trials } from './patterns.ts';
import type { Run } from './run.ts';
import { Steps, TooCostly } from './steps.ts';

/** Takes arguments as they were read, with numbers beyond double precision as `JSON.rawJSON`. */
export type Validate = (args: JsonObject) => readonly string[] | undefined;

export type CompiledSchema =
  /** `notes`: what could not be enforced, such as a pattern that no linear engine can run. */
  | { readonly ok: true; readonly validate: Validate; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

export interface SchemaOptions {
  /** Largest schema, in characters. */
  readonly limit: number;
  /** `named`: refuse arguments that the schema does not name. */
  readonly members: 'named' | 'any';
  readonly formats: 'annotate' | 'assert';
  /** What compiling its patterns may cost now; without it they are compiled when they are first used. */
  readonly trials?: Trials;
}

type Memory = WeakMap<JsonObject, CompiledSchema>;

/** Remembered for as long as the schema itself: nothing of a server stays when its list is gone. */
const known: Readonly<Record<'named' | 'any', Readonly<Record<'annotate' | 'assert', Memory>>>> = {
  named: { annotate: new WeakMap(), assert: new WeakMap() },
  any: { annotate: new WeakMap(), assert: new WeakMap() },
};

/** Makes a check of arguments. */
export function compileSchema(schema: JsonObject, options: SchemaOptions): CompiledSchema {
  const memory = known[options.members][options.formats];
  const before = memory.get(schema);
  if (before !== undefined) return before;
  const result: CompiledSchema =
    JSON.stringify(schema).length > options.limit
      ? { ok: false, problem: `the input schema is larger than ${options.limit} bytes` }
      : compile(schema, options);
  memory.set(schema, result);
  return result;
}

function compile(schema: JsonObject, { members, formats, trials = { left: 0 } }: SchemaOptions): CompiledSchema {
  const dialect = dialectOf(schema);
  if (dialect === undefined) return { ok: false, problem: 'the input schema is of a dialect that is not supported' };
  const subject = settled(schema) as JsonObject;
  const inspected = inspectSchema(subject, dialect);
  if (!inspected.ok) return inspected;
  const { patterns, notes } = readPatterns(inspected.patterns, trials);
  const checker = checkerOf(subject, { dialect, targets: inspected.targets, patterns, formats, members });
  return { ok: true, validate: (args) => validate(checker, args), notes };
}

const tooCostly = 'arguments: they are too large for the schema of this tool: checking them takes too long';

function validate(checker: Checker, args: JsonObject): readonly string[] | undefined {
  const steps = new Steps();
  const begin = (said: string[] | undefined): Run => ({ steps, path: [], problems: said, depth: 0, literal: 0 });
  const problems: string[] = [];
  try {
    if (checker(args, begin(undefined))) return undefined;
    // Only now is it worth the time to find out why.
    checker(args, begin(problems));
    return problems;
  } catch (error) {
    // A stack that is full is one more way to be too deep.
    if (!(error instanceof TooCostly || error instanceof RangeError)) throw error;
    return problems.length > 0 ? problems : [tooCostly];
  }
}
