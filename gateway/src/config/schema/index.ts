/** The whole configuration file. Every unknown key is an error. */
import { z } from 'zod';
import { approvals } from './approvals.ts';
import { audit } from './audit.ts';
import { breaker } from './breaker.ts';
import { authentication, callers } from './callers.ts';
import { channels } from './channels.ts';
import { connections } from './connections.ts';
import { consoleSettings } from './console.ts';
import { countryDatabase } from './countries.ts';
import { egress } from './egress.ts';
import { guardrailReference, guardrails } from './guardrails.ts';
import { limits, loops } from './limits.ts';
import { bounds, listen } from './listen.ts';
import { pins } from './pins.ts';
import { secrets } from './secrets.ts';
import { servers } from './servers.ts';
import { examples } from './tests.ts';

export const configuration = z.strictObject({
  version: z.literal(1).describe('Version of this format.'),
  data: z.string().max(4096).default('./data').describe('Folder for keys, records and sessions; made when missing.'),
  listen: listen.prefault({}).describe('Where the gateway listens.'),
  console: consoleSettings.prefault({}),
  bounds: bounds.prefault({}).describe('Limits on size, depth, number and time. Every one has a default.'),
  authentication: authentication.prefault({}).describe('How callers prove who they are. API keys are always accepted.'),
  callers: callers.prefault({}).describe('Who may call. A key can only be made for a caller that is named here.'),
  servers: servers.prefault({}).describe('The MCP servers behind the gateway, by name.'),
  connections: connections.prefault([]).describe('Who reaches what. Without a connection a server does not exist.'),
  guardrails: guardrails.prefault({}),
  inspection: z
    .strictObject({ guardrails: guardrailReference.optional().describe('For every connection.') })
    .prefault({})
    .describe('What holds for the content of all calls.'),
  approvals: approvals.prefault({}),
  channels: channels.prefault({}),
  pins: pins.prefault({}),
  limits: limits.prefault([]),
  loops: loops.default('refusals'),
  breaker: breaker.prefault({}),
  countries: countryDatabase.prefault({}),
  secrets: secrets.prefault({}),
  egress: egress.prefault({}),
  audit: audit.prefault({}).describe('What is recorded, how surely, and for how long.'),
  tests: examples,
});

/** What the file says, with every default filled in and every unit converted. */
export type Configuration = z.output<typeof configuration>;
export type Bounds = Configuration['bounds'];
