/** The MCP servers behind the gateway. */
import { z } from 'zod';
import { serverTrusts, tiers, toolTags } from '../../pipeline/contracts/traits.ts';
import { argumentRoles } from './argument-roles.ts';
import { serverBreaker } from './breaker.ts';
import { credential, credentials } from './credentials.ts';
import { guardrailReference } from './guardrails.ts';
import { health } from './health.ts';
import { limitsOfCalls, limitsOfTool, loops, serverQuota } from './limits.ts';
import { serverPins } from './pins.ts';
import { duration, name, secret, text } from './units.ts';

export const tier = z.enum(tiers);
export const toolTag = z.enum(toolTags);

const timeouts = z.strictObject({
  firstByte: duration.optional().describe('Time until it begins to answer or reports progress.'),
  total: duration.optional().describe('Time until it has answered completely.'),
});

const tool = z.strictObject({
  tier: tier.optional().describe('How dangerous the tool is, in place of what its definition says.'),
  tags: z
    .array(toolTag)
    .max(toolTags.length)
    .optional()
    .describe('What the tool reaches, in place of what its definition says.'),
  cost: z
    .number()
    .min(0)
    .max(1_000_000)
    .refine((cost) => cost === 0 || cost >= 0.000_001, 'must be 0, or at least 0.000001')
    .optional()
    .describe('Estimated cost of one call, in your own unit.'),
  coalesce: z
    .boolean()
    .default(false)
    .describe(
      'Identical calls of one caller that are under way at the same time are made once. Counts for tools of tier read only.',
    ),
  arguments: argumentRoles.default({}).describe('What arguments stand for, and where they must lie.'),
  limits: limitsOfTool.prefault([]).describe('For calls of this tool.'),
  loops: loops.optional().describe('For this tool, in place of what holds for its server: off where it is polled.'),
  timeouts: timeouts.default({}).describe('For calls of this tool, in place of those of the server.'),
  description: z.string().min(1).max(16_384).optional().describe('Shown in place of the description of the server.'),
  title: z.string().min(1).max(256).optional().describe('Shown in place of the title of the server.'),
  annotations: z
    .strictObject({
      readOnlyHint: z.boolean().optional(),
      destructiveHint: z.boolean().optional(),
      idempotentHint: z.boolean().optional(),
      openWorldHint: z.boolean().optional(),
    })
    .optional()
    .describe('Shown in place of those of the server.'),
  hide: z
    .array(z.string().min(1).max(256))
    .max(100)
    .default([])
    .describe('Arguments that are neither shown nor accepted. One that the server requires makes its calls fail.'),
  prompt: z
    .literal('always')
    .optional()
    .describe('Marks the tool, so that clients that know the mark ask their user before each call.'),
  additionalArguments: z
    .boolean()
    .default(false)
    .describe('Accept arguments that the input schema does not name. Closed by default.'),
});

const common = {
  description: z.string().max(1024).optional().describe('A sentence for people.'),
  era: z
    .enum(['auto', 'legacy', 'modern'])
    .default('auto')
    .describe('Protocol era; auto asks the server and remembers.'),
  tier: tier
    .optional()
    .describe('Tier of tools that are not named under `tools`. Without it, what the definition of each says.'),
  trust: z
    .enum(serverTrusts)
    .default('third-party')
    .describe(
      'Whose server it is. Annotations of a third party make its tools more dangerous, and never less; those of a partner count unless the name of the tool contradicts them, and those of your own always.',
    ),
  tools: z.record(z.string().min(1).max(256), tool).default({}).describe('What you know about single tools.'),
  formats: z
    .enum(['annotate', 'assert'])
    .default('annotate')
    .describe(
      'Whether arguments must meet the `format` of a schema. Without it a format is an annotation, as JSON Schema has it.',
    ),
  guardrails: guardrailReference.optional().describe('For all connections to this server.'),
  pins: serverPins.optional(),
  limits: limitsOfCalls.prefault([]).describe('For all calls to this server.'),
  quota: serverQuota.optional(),
  loops: loops.optional().describe('For this server, in place of what holds for all.'),
  breaker: serverBreaker.optional(),
  health: health.optional(),
  outputSchema: z
    .enum(['off', 'warn', 'block'])
    .default('off')
    .describe('What becomes of results that do not meet the output schema of their tool.'),
  status: z
    .enum(['active', 'draining', 'inactive', 'quarantined'])
    .default('active')
    .describe('active: called. draining: no new calls. inactive and quarantined: as if it were not there.'),
  environment: name
    .optional()
    .describe('Such as production. Only callers of the same one reach it, unless a connection says otherwise.'),
  requires: z
    .array(z.enum(['user', 'agent', 'application']))
    .default([])
    .describe('Who must stand behind every call. For a caller without them the server does not exist.'),
  timeouts: timeouts
    .extend({ connect: duration.optional().describe('Time to connect; a program has `startTimeout`.') })
    .default({})
    .describe('For this server, in place of `bounds`.'),
  idle: duration.prefault('10m').describe('A session or process that is unused for this long is closed.'),
};

const http = z.strictObject({
  ...common,
  url: z
    .url({ protocol: /^https?$/ })
    .describe('The MCP endpoint of the server. References to secrets may stand in its path and query.'),
  plainUntil: z.iso
    .date()
    .optional()
    .describe('Until this day plain http to another machine is accepted; without it such a URL is an error.'),
  transport: z
    .enum(['auto', 'streamable-http', 'sse'])
    .default('auto')
    .describe('sse is the legacy HTTP+SSE transport; auto tries Streamable HTTP first.'),
  credential,
  credentials,
  headers: z
    .record(
      z
        .string()
        // A token of RFC 9110, 5.6.2: some servers want `CONTEXT7_API_KEY`.
        .regex(/^[\w!#$%&'*+.^`|~-]{1,64}$/, 'must be the name of a header')
        .regex(
          /^(?!(?:connection|content-length|host|transfer-encoding|upgrade)$)/i,
          'must not be a header that belongs to the connection',
        ),
      text,
    )
    .default({})
    .describe('Fixed headers to send.'),
  tls: z
    .strictObject({
      authorities: secret.optional().describe('Authorities to trust instead of the usual ones, as ${file:ca.pem}.'),
      certificate: secret.optional().describe('A certificate of the gateway (mutual TLS), as ${file:client.pem}.'),
      key: secret.optional().describe('Its private key.'),
      minimum: z.enum(['1.2', '1.3']).default('1.2').describe('Oldest version of TLS that is spoken.'),
      pins: z
        .array(z.string().regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, 'must be sha256/ and 44 characters of base64'))
        .max(16)
        .default([])
        .describe('Public keys of the server (SPKI): the one in use, and the next.'),
      insecureUntil: z.iso
        .date()
        .optional()
        .describe('Until this day the certificate of the server is not verified, which the log says again and again.'),
    })
    .refine((value) => (value.certificate === undefined) === (value.key === undefined), 'must say certificate and key')
    .refine(
      (value) => value.insecureUntil === undefined || value.pins.length === 0,
      'must say either pins or insecureUntil: without verification pins are not looked at',
    )
    .optional()
    .describe('TLS towards the server. Its certificate is always verified, unless insecureUntil says otherwise.'),
  httpClient: z
    .enum(['own', 'undici'])
    .default('own')
    .describe(
      'undici: another HTTP client, which must be installed beside Sallyport, should our own one not get along.',
    ),
  connections: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe(
      'Calls under way at the server. One caller has at most two thirds of the connections that the others leave; further calls wait, and callers take turns.',
    ),
  // A stream is there before the one that it replaces ends.
  streams: z
    .int()
    .min(2)
    .max(16_384)
    .default(1024)
    .describe(
      'Streams for messages of the server, beside its connections for calls: one for each session of a legacy server. One caller has at most two thirds of those that the others leave; further ones wait.',
    ),
});

const stdio = z.strictObject({
  ...common,
  command: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(256)
    .describe('Program and arguments, started without a shell. Relative paths start at the folder of this file.'),
  cwd: z.string().max(4096).optional().describe('Working directory; the folder of this file when not given.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), text)
    .default({})
    .describe(
      'Environment of the process. Nothing of the environment of the gateway is passed on but PATH, HOME, LANG, TMPDIR, and where the trusted authorities are (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR, REQUESTS_CA_BUNDLE).',
    ),
  sharing: z
    .enum(['caller', 'shared'])
    .default('caller')
    .describe('One process for each caller, or one for all. A shared server cannot ask questions of a client.'),
  startTimeout: duration
    .prefault('5m')
    .describe('Time in which a process must have answered the handshake; a package may have to be fetched first.'),
  processes: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe(
      'Processes of this server at the same time. One caller has at most two thirds of those that the others leave.',
    ),
});

/** Told apart by `url` or `command`, so that a mistake is reported against the kind that was meant. */
export const server = z.union([http, stdio]);
export const serverKinds = { http, stdio };

export const servers = z.record(name, server).describe('The MCP servers behind the gateway, by name.');

export type HttpServerConfig = z.output<typeof http> & {
  /** What the references in `headers` stood for: it must not come back out of the server. Not part of the file. */
  readonly headerSecrets?: readonly string[];
};
export type StdioServerConfig = z.output<typeof stdio>;
export type ServerConfig = HttpServerConfig | StdioServerConfig;
export type Tier = z.output<typeof tier>;
