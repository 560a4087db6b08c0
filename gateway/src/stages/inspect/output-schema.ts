/** Holds the structured content of results to the output schema of the tool (MCP specification, "Output Schema"). */
import { defineInspector, type Seen } from '../../pipeline/contracts/inspector.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';

const maxDetail = 300;

/** Comes first on the way back: it is about what the server said. */
export const outputSchema = defineInspector({
  id: 'output-schema',
  summary: 'Reports or withholds results that do not meet the output schema of their tool.',
  outbound({ kind, content }, { exchange }) {
    const output = exchange?.tool?.output;
    if (exchange === undefined || output === undefined || output.misfit === 'off' || kind !== 'result')
      return undefined;
    const result = content as JsonObject;
    if (result.isError === true || result.resultType === 'input_required') return undefined;
    const problems =
      result.structuredContent === undefined
        ? ['structuredContent: missing']
        : output.validate(result.structuredContent);
    const isFit = problems === undefined;
    const verdict = isFit ? 'fits' : output.misfit === 'warn' ? 'does not fit' : 'withheld';
    exchange.checks.add({ name: 'output-schema', part: kind, verdict });
    if (isFit || output.misfit === 'warn') return undefined;
    return { withhold: `the result does not meet the output schema: ${problems.join('; ')}`.slice(0, maxDetail) };
  },
});

const note =
  '[left out by the gateway: the structured content, which no longer meets the output schema of the tool, since a guardrail removed a part of it]';

/**
 * A result of which a guardrail changed something, so that clients that validate can read it: where its structured content does
 * not meet the schema any more, it goes without, as an error, which needs none. Lists show no schema where a rule masks.
 */
export function withoutMisfit(result: JsonObject, { tool, decision }: Pick<Seen, 'tool' | 'decision'>): JsonObject {
  const { structuredContent, ...rest } = result;
  if (structuredContent === undefined || decision.masks !== undefined || result.isError === true) return result;
  if (tool?.output?.validate(structuredContent) === undefined) return result;
  const content = Array.isArray(rest.content) ? (rest.content as readonly Json[]) : [];
  return { ...rest, content: [...content, { type: 'text', text: note }], isError: true };
}
