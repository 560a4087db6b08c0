/** The tools of the bench upstream: what it lists, and how big its answers are. */

export type Shape = 'json' | 'sse';
export const sizes = { '0.3': 307, '4': 4_096, '64': 65_536 } as const;
export type Size = keyof typeof sizes;
export const shapes: readonly Shape[] = ['json', 'sse'];
export const sizeNames: readonly Size[] = ['0.3', '4', '64'];

export interface BenchTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** `open` tools say nothing about their arguments; `strict` ones have the schema of an ordinary query tool. */
export type Kind = 'open' | 'strict';

export function toolName(kind: Kind, shape: Shape, size: Size): string {
  return `${kind}_${shape}_${size.replace('.', '_')}`;
}

const strict = {
  type: 'object',
  properties: {
    table: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[a-z_]+$' },
    columns: { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 32 },
    filter: {
      type: 'object',
      properties: {
        field: { type: 'string' },
        operator: { enum: ['=', '<', '>', '<=', '>='] },
        value: { anyOf: [{ type: 'string' }, { type: 'number' }] },
      },
      required: ['field', 'operator', 'value'],
      additionalProperties: false,
    },
    limit: { type: 'integer', minimum: 1, maximum: 1_000 },
  },
  required: ['table', 'limit'],
  additionalProperties: false,
};

/** What every call sends: with the rest of the message about 0.5 KiB. */
export const callArguments = {
  table: 'projects',
  columns: ['id', 'name', 'owner', 'state', 'updated_at'],
  filter: { field: 'state', operator: '=', value: 'active' },
  limit: 50,
};

export const callTools: readonly BenchTool[] = (['open', 'strict'] as const).flatMap((kind) =>
  shapes.flatMap((shape) =>
    sizeNames.map((size) => ({
      name: toolName(kind, shape, size),
      description: `Answers with ${size} KiB as ${shape}.`,
      inputSchema: kind === 'strict' ? strict : { type: 'object' },
    })),
  ),
);

/** A list in which every second tool is named `shown_…`, for a rule that hides the others. */
export function listOf(length: number): readonly BenchTool[] {
  return Array.from({ length }, (_, index) => ({
    name: `${index % 2 === 0 ? 'shown' : 'hidden'}_tool_${index}`,
    description: `Tool number ${index} of a long list, described in one sentence as tools usually are.`,
    inputSchema: strict,
  }));
}
