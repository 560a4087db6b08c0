/** Compares conditions with the input schema of the tool they stand on, as soon as that is known. */
import type { Diagnostic } from '../../config/diagnostic.ts';
import type { Revision } from '../../config/revision.ts';
import { suggestion } from '../../config/suggest.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { namePattern } from '../../protocol/name-pattern.ts';
import { compileCondition } from './condition.ts';

export interface ArgumentProblem {
  /** Position in the expression. */
  readonly start: number;
  readonly problem: string;
  readonly remedy: string;
}

const maxDepth = 16;

/** Arguments that the expression names and the schema does not have. Empty for an expression that does not compile. */
export function checkAgainstSchema(expression: string, inputSchema: JsonObject): readonly ArgumentProblem[] {
  const compiled = compileCondition(expression, 'arguments');
  if (!compiled.ok) return [];
  const problems = new Map<string, ArgumentProblem>();
  for (const { steps, start } of compiled.condition.survey.paths) {
    if (steps[0] !== 'args') continue;
    let schema: unknown = inputSchema;
    for (const [depth, name] of steps.slice(1, maxDepth).entries()) {
      const properties = closedProperties(schema);
      if (properties === undefined) break;
      if (!Object.hasOwn(properties, name)) {
        const path = steps.slice(1, depth + 2).join('.');
        const remedy = suggestion(name, Object.keys(properties), 'argument');
        problems.set(path, { start, problem: `the tool has no argument "${path}"`, remedy });
        break;
      }
      schema = properties[name];
    }
  }
  return [...problems.values()];
}

/** The properties of a schema that can be enumerated; `undefined` where others could be as good. */
function closedProperties(schema: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { properties, additionalProperties, patternProperties, ...rest } = schema as Readonly<Record<string, unknown>>;
  const open =
    typeof additionalProperties === 'object' || additionalProperties === true || patternProperties !== undefined;
  const combined = ['$ref', '$dynamicRef', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas'];
  if (open || combined.some((keyword) => rest[keyword] !== undefined)) return undefined;
  if (typeof properties === 'object' && properties !== null) return properties as Readonly<Record<string, unknown>>;
  return rest['type'] === 'object' ? {} : undefined;
}

/** The same for every rule of every connection that leads to the tool. Each tool is checked once for a definition. */
export function checkTool(
  revision: Revision,
  { server, tool, inputSchema }: { readonly server: string; readonly tool: string; readonly inputSchema: JsonObject },
): readonly Diagnostic[] {
  return revision.configuration.connections.flatMap((connection, at) =>
    connection.to.includes(server)
      ? connection.tools.flatMap((rule, index) => {
          if (rule.when === undefined) return [];
          // Rules by tier or tag are for tools of all kinds, of which some lack an argument.
          const named = (rule.allow ?? rule.deny ?? rule.hold ?? rule.observe ?? []).some(
            (subject) => typeof subject === 'string' && namePattern(subject)(tool),
          );
          if (!named) return [];
          return checkAgainstSchema(rule.when, inputSchema).map(({ start, problem, remedy }): Diagnostic => {
            const place = revision.locate(['connections', at, 'tools', index, 'when'], start);
            return { code: 'POL020', place, problem: `${problem} (${server}/${tool})`, remedy };
          });
        })
      : [],
  );
}
