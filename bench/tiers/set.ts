/** The labelled set: tools of public servers, and made-up ones beside them. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Tier, type ToolTag, toolTags } from '../../gateway/src/pipeline/contracts/traits.ts';
import type { JsonObject } from '../../gateway/src/protocol/json.ts';

export interface Labelled {
  readonly server: string;
  readonly definition: JsonObject;
  readonly tier: Tier;
  readonly tags: readonly ToolTag[];
  /** `held back`: not looked at while the lists of words were made. A server is in one part with all of its tools. */
  readonly part: 'tuned' | 'held back' | 'made up';
}

type Row = readonly [name: string, text: string, args: string, tier: Tier, tags: string, annotations?: string];

const annotationsOf: Readonly<Record<string, JsonObject>> = {
  ro: { readOnlyHint: true },
  destructive: { readOnlyHint: false, destructiveHint: true },
  additive: { readOnlyHint: false, destructiveHint: false },
  idempotent: { readOnlyHint: false, idempotentHint: true },
};

export function labelled(): readonly Labelled[] {
  return [...read('tools.yaml'), ...read('made-up.yaml')];
}

function read(file: string): readonly Labelled[] {
  const servers = parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as Record<string, readonly Row[]>;
  return Object.entries(servers).flatMap(([server, rows]) =>
    rows.map(([name, description, args, tier, tags, annotations = '']): Labelled => {
      const known = annotationsOf[annotations];
      return {
        server,
        definition: {
          name,
          description,
          inputSchema: { type: 'object', properties: propertiesOf(args) },
          ...(known !== undefined && { annotations: known }),
        },
        tier,
        tags: toolTags.filter((tag) => tags.split(' ').includes(tag)),
        part: file === 'made-up.yaml' ? 'made up' : isHeldBack(server) ? 'held back' : 'tuned',
      };
    }),
  );
}

function propertiesOf(args: string): JsonObject {
  const names = args.split(' ').filter((arg) => arg !== '');
  return Object.fromEntries(
    names.map((arg) => {
      const [name = '', values] = arg.split('=');
      return [name, values === undefined ? { type: 'string' } : { type: 'string', enum: values.split('|') }];
    }),
  );
}

/** One server of three, by its name alone. */
function isHeldBack(server: string): boolean {
  return Number.parseInt(hash('sha256', server).slice(0, 8), 16) % 3 === 0;
}
