/** What of a list of tools can be called safely, and what of their schemas is not enforced. */
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { RoledArgument } from '../pipeline/contracts/argument-roles.ts';
import type { OutputFacts } from '../pipeline/exchange.ts';
import { asText, isObject, type Json, type JsonObject, settled } from '../protocol/json.ts';
import { mirroredArguments } from '../protocol/mirrored-headers.ts';
import { partsOf } from '../protocol/pointer.ts';
import type { Trials } from './patterns.ts';
import { compileSchema, type SchemaOptions } from './schema.ts';

/** Why a tool is left out, or what of its schema is not enforced. */
export interface ToolVerdict {
  readonly problem?: string;
  readonly notes: readonly string[];
}

/** Instructions of patterns that are compiled while one list is read: about a tenth of a second, over many turns. */
const maxTrials = 20_000;

export function newTrials(): Trials {
  return { left: maxTrials };
}

export function toldOf(config: ServerConfig, tool: string): ServerConfig['tools'][string] | undefined {
  return Object.hasOwn(config.tools, tool) ? config.tools[tool] : undefined;
}

/** How the schema of a tool is read under this configuration. */
export function schemaOptions(config: ServerConfig, tool: string, { schemaSize: limit }: Bounds): SchemaOptions {
  const members = toldOf(config, tool)?.additionalArguments === true ? 'any' : 'named';
  return { limit, members, formats: config.formats };
}

/**
 * `known`: names that stand before it in the list. An item that no code here expects is left out like any other: it must
 * not take the list with it.
 */
export function judgeTool(
  item: JsonObject,
  known: { has(name: string): boolean },
  config: ServerConfig,
  bounds: Bounds,
  trials: Trials,
): ToolVerdict {
  const { name, inputSchema } = item;
  const no = (problem: string): ToolVerdict => ({ problem, notes: [] });
  try {
    if (typeof name !== 'string' || name === '' || name.length > 256) return no('it has no usable name');
    if (known.has(name)) return no('the server lists the name twice');
    if (!isObject(inputSchema)) return no('it has no input schema');
    const compiled = compileSchema(inputSchema, { ...schemaOptions(config, name, bounds), trials });
    if (!compiled.ok) return no(compiled.problem);
    if (mirroredArguments(inputSchema) === undefined) return no('an x-mcp-header annotation is invalid');
    return { notes: compiled.notes };
  } catch (error) {
    return no(`it cannot be read: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown error'}`);
  }
}

export interface NamedVerdict extends ToolVerdict {
  readonly tool: string;
}

/** Every tool of a list about which there is something to say. */
export function judgeTools(
  items: readonly JsonObject[],
  config: ServerConfig,
  bounds: Bounds,
): readonly NamedVerdict[] {
  const known = new Set<string>();
  const trials = newTrials();
  return items.flatMap((item) => {
    const tool = asText(item.name).slice(0, 128);
    const verdict = judgeTool(item, known, config, bounds, trials);
    if (verdict.problem === undefined) known.add(asText(item.name));
    return verdict.problem === undefined && verdict.notes.length === 0 ? [] : [{ tool, ...verdict }];
  });
}

/** The roles of arguments, where the operator gives any: a name, or a JSON pointer (RFC 6901). */
export function rolesOf({ arguments: roles }: ServerConfig['tools'][string]): {
  readonly roles?: readonly RoledArgument[];
} {
  const all = Object.entries(roles).map(([name, role]) => ({
    pointer: name.startsWith('/') ? partsOf(name) : [name],
    role,
  }));
  return all.length === 0 ? {} : { roles: all };
}

/** Of a tool with an output schema. It is compiled at the first result that is held to it. */
export function outputFacts(
  { outputSchema }: JsonObject,
  { outputSchema: misfit, formats }: ServerConfig,
  { schemaSize: limit }: Bounds,
): { readonly output?: OutputFacts } {
  if (!isObject(outputSchema)) return {};
  const validate = (content: Json): readonly string[] | undefined => {
    const compiled = compileSchema(outputSchema, { limit, members: 'any', formats });
    if (!compiled.ok) return [compiled.problem.replace('input schema', 'output schema')];
    return compiled
      .validate(settled(content) as JsonObject)
      ?.map((problem) => problem.replace(/^arguments/, 'structuredContent'));
  };
  return { output: { misfit, validate } };
}
