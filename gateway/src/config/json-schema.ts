/** The JSON Schema of the configuration file, for editors, for documentation, and for remedies in diagnostics. */
import { z } from 'zod';
import { configuration } from './schema/index.ts';

/** JSON Schema 2020-12 of what may stand in the file: keys with a default are not required. */
export function jsonSchema(): unknown {
  return {
    ...z.toJSONSchema(configuration, { io: 'input' }),
    title: 'Sallyport configuration',
  };
}
