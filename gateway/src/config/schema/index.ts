/** The whole configuration file. Every unknown key is an error. */
import { z } from 'zod';
import { authentication, callers } from './callers.ts';
import { connections } from './connections.ts';
import { bounds, listen } from './listen.ts';
import { servers } from './servers.ts';
import { examples } from './tests.ts';

export const configuration = z.strictObject({
  version: z.literal(1).describe('Version of this format.'),
  data: z.string().max(4096).default('./data').describe('Folder for keys, records and sessions; made when missing.'),
  listen: listen.prefault({}),
  bounds: bounds.prefault({}),
  authentication: authentication.prefault({}),
  callers: callers.prefault({}),
  servers: servers.default({}),
  connections: connections.default([]),
  tests: examples,
});

/** What the file says, with every default filled in and every unit converted. */
export type Configuration = z.output<typeof configuration>;
export type Bounds = Configuration['bounds'];
