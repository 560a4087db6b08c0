/** A limit as a description. Adding one: a folder and a line in `list.ts`. */
import type { z } from 'zod';
import type { Limit } from '../../pipeline/contracts/limit.ts';

export interface LimitDefinition<Options extends z.ZodRawShape = z.ZodRawShape> {
  /** It stands in records and never changes. */
  readonly id: string;
  /** One sentence for the documentation. */
  readonly summary: string;
  /** Its keys under `bounds` in the configuration. */
  readonly options: Options;
  create(): Limit;
}

export function defineLimit<Options extends z.ZodRawShape>(
  definition: LimitDefinition<Options>,
): LimitDefinition<Options> {
  return definition;
}
