/** Where the gateway listens, and the bounds of everything that reaches it. */
import { z } from 'zod';
import { defaultMaxKeys, defaultMaxValues } from '../../protocol/json.ts';
import { messageBounds } from '../../protocol/message-bounds.ts';
import { isNetwork } from '../../protocol/networks.ts';
import { limits } from '../../stages/limits/list.ts';
import { boundsOf } from './plug-in.ts';
import { duration, size } from './units.ts';

const host = z.string().min(1).max(255).describe('Address to listen on.');
const port = z.int().min(0).max(65_535).describe('Port to listen on; 0 lets the system choose one.');

const tlsFiles = {
  certificate: z.string().min(1).max(4096).describe('PEM file with the certificate and its chain.'),
  key: z.string().min(1).max(4096).describe('PEM file with its private key.'),
  minimum: z.enum(['1.2', '1.3']).default('1.2').describe('Oldest version of TLS.'),
};

export const listen = z
  .strictObject({
    mcp: z
      .strictObject({
        host: host.default('127.0.0.1'),
        port: port.default(8808),
        publicUrl: z
          .url({ protocol: /^https?$/ })
          .optional()
          .describe('The URL under which clients reach this gateway, when it is not the address it listens on.'),
        tls: z
          .strictObject({
            ...tlsFiles,
            clients: z
              .strictObject({
                authorities: z
                  .string()
                  .min(1)
                  .max(4096)
                  .describe('PEM file with the authorities of client certificates.'),
                revoked: z.string().min(1).max(4096).optional().describe('PEM file with their revocation lists.'),
                required: z.boolean().default(false).describe('Whether a client without certificate is turned away.'),
              })
              .optional()
              .describe('Client certificates.'),
          })
          .optional()
          .describe('TLS. The files are read again when they change.'),
        behindProxy: z
          .array(z.string().min(1).max(64).refine(isNetwork, 'must be an address or a network such as 10.0.0.0/8'))
          .max(64)
          .default([])
          .describe(
            'Proxies that end TLS before us. Without `tls`, only these and this machine may connect. The client address comes from their X-Forwarded-For.',
          ),
        rateLimitHeaders: z
          .boolean()
          .default(false)
          .describe('Tell clients in RateLimit-Policy and RateLimit what the limits of their calls have left.'),
        allowedHosts: z
          .array(z.string().max(255))
          .default([])
          .describe('Further values accepted in the Host header; the listening address and publicUrl always are.'),
        allowedOrigins: z
          .array(z.string().max(255))
          .default([])
          .describe('Origins of web pages that may call the gateway, exactly as browsers send them. None by default.'),
      })
      .prefault({})
      .describe('The MCP endpoints: /mcp and /servers/<name>/mcp.'),
    admin: z
      .strictObject({
        host: host.default('127.0.0.1'),
        port: port.default(8809),
        allowedHosts: z
          .array(z.string().max(255))
          .default([])
          .describe('Names, without a port, accepted in the Host header beside addresses, localhost and `host`.'),
        allowedNetworks: z
          .array(z.string().min(1).max(64).refine(isNetwork, 'must be an address or a network such as 10.0.0.0/8'))
          .max(64)
          .default([])
          .describe('Who may ask, beside this machine. Needed to listen beyond it.'),
        publicUrl: z
          .url({ protocol: /^https?$/ })
          .optional()
          .describe('The URL under which operators reach the pages and the admin API, when it is not the address.'),
        tls: z
          .strictObject(tlsFiles)
          .optional()
          .describe(
            'TLS. The files are read again when they change. Needed beyond this machine, but for health and metrics.',
          ),
      })
      .prefault({})
      .describe('Health, readiness and metrics; the admin API and the pages of operators.'),
  })
  .describe('Where the gateway listens.');

export const bounds = z
  .strictObject({
    body: size
      .refine(
        (bytes) => bytes <= messageBounds.maxOfOwner,
        'must be at most 64MiB: a caller may have no more under way',
      )
      .prefault('4MiB')
      .describe('Largest message of a client, at most 64MiB.'),
    depth: z.int().min(4).max(512).default(64).describe('Deepest nesting of a JSON message.'),
    values: z
      .int()
      .min(1_000)
      .max(10_000_000)
      .default(defaultMaxValues)
      .describe('Most values (members, items, arrays, objects) in one message. 150,000 take up to 50 ms to read.'),
    keys: z
      .int()
      .min(100)
      .max(1_000_000)
      .default(defaultMaxKeys)
      .describe('Most different keys of objects in one message; rows with the same keys in the same order count once.'),
    headers: size.prefault('16KiB').describe('Largest header section of a request.'),
    idLength: z.int().min(16).max(4096).default(256).describe('Longest JSON-RPC id, in characters.'),
    ...boundsOf(limits),
    connections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20_000)
      .describe(
        'Connections of clients, at most three quarters of the files that the process may open. A tenth is room for new callers.',
      ),
    sessions: z.int().min(1).max(1_000_000).default(256).describe('Legacy sessions that one caller may have open.'),
    connectTimeout: duration.prefault('5s').describe('Time to connect to a server or to start it.'),
    firstByte: duration.prefault('60s').describe('Time until a server begins to answer or reports progress.'),
    total: duration.prefault('5m').describe('Time until a server has answered completely.'),
    result: size.prefault('8MiB').describe('Largest answer of a server; a larger one becomes a tool error.'),
    rounds: z.int().min(1).max(100).default(10).describe('Rounds of questions that a server may ask during one call.'),
    parked: duration.prefault('5m').describe('Time that an input request of a server waits for its answer.'),
    listPages: z.int().min(1).max(10_000).default(64).describe('Pages read from one list of a server.'),
    listItems: z.int().min(1).max(1_000_000).default(10_000).describe('Entries read from one list of a server.'),
    schemaSize: size
      .prefault('256KiB')
      .describe('Largest input schema of a tool; a tool with a larger one is refused.'),
    keepAlive: duration.prefault('15s').describe('Pause after which an idle stream gets a keep-alive comment.'),
    stall: duration
      .prefault('10s')
      .describe('Time for which the event loop may stand still before the process ends with 75, to be started again.'),
    drain: duration.prefault('10s').describe('Time that calls under way get to finish when the gateway stops.'),
  })
  .describe('Limits on size, depth, number and time. Every one has a default.');
