/** The JSON Schema of the configuration file, for editors, for documentation, and for remedies in diagnostics. */
import { z } from 'zod';
import type { Path } from './located.ts';
import { configuration } from './schema/index.ts';

/** The part of JSON Schema that is read here. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
}

/** JSON Schema 2020-12 of what may stand in the file: keys with a default are not required. Without references, to be walked. */
export function jsonSchema(): Schema {
  return z.toJSONSchema(configuration, { io: 'input' }) as Schema;
}

/** The same for editors: what stands in several places is there once, which makes it 4 % as long. */
export function editorSchema(): object {
  return { ...z.toJSONSchema(configuration, { io: 'input', reused: 'ref' }), title: 'Sallyport configuration' };
}

function schemasAt(schema: Schema, path: Path): readonly Schema[] {
  let here: readonly Schema[] = [schema];
  for (const step of path) {
    here = here.flatMap(alternatives).flatMap((each) => {
      if (typeof step === 'number') return each.items === undefined ? [] : [each.items];
      const own = each.properties?.[String(step)] ?? each.additionalProperties;
      return typeof own === 'object' ? [own] : [];
    });
  }
  return here;
}

function alternatives(schema: Schema): readonly Schema[] {
  return schema.anyOf === undefined ? [schema] : [schema, ...schema.anyOf.flatMap(alternatives)];
}

/** The keys that may stand at a path, of every alternative. */
export function keysAt(schema: Schema, path: Path): readonly string[] {
  const all = schemasAt(schema, path).flatMap(alternatives);
  return [...new Set(all.flatMap((each) => Object.keys(each.properties ?? {})))];
}

/** What the schema says about the value at a path; empty where it says nothing. */
export function descriptions(schema: Schema, path: Path): readonly string[] {
  return schemasAt(schema, path).flatMap((each) => (each.description === undefined ? [] : [each.description]));
}
