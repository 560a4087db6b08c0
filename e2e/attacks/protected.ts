/** A witness behind a door: an MCP server that wants tokens, and says whose, as a test tells it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { sendJson, startWitness, type Witness, type WitnessTool } from './witness.ts';

export interface Protected extends Witness {
  readonly origin: string;
  /** What its metadata says; a test may change it at any time. */
  metadata: Record<string, unknown>;
  /** `undefined`: come in. Else the status, and what stands in the challenge beside the place of the metadata. */
  door: (
    token: string | undefined,
    method: string,
    tool: string | undefined,
  ) => readonly [401 | 403, string] | undefined;
  /** Where the challenge says that the metadata is. */
  metadataUrl: string;
  /** Tokens that were presented, of every request, in order. */
  readonly presented: (string | undefined)[];
}

export async function startProtected(tools: readonly WitnessTool[], issuers: readonly string[]): Promise<Protected> {
  const witness = await startWitness(tools);
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      if (request.url === '/.well-known/oauth-protected-resource/mcp') return sendJson(response, made.metadata);
      return void response.writeHead(404).end();
    }
    void text(request).then(async (body) => {
      const token = bearerOf(request);
      made.presented.push(token);
      const { method, params } = JSON.parse(body) as { method: string; params?: { name?: string } };
      const refusal = made.door(token, method, params?.name);
      if (refusal !== undefined) {
        const challenge = `Bearer resource_metadata="${made.metadataUrl}"${refusal[1] === '' ? '' : `, ${refusal[1]}`}`;
        response.writeHead(refusal[0], { 'www-authenticate': challenge, 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ error: 'who are you' }));
      }
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
      const inner = await fetch(witness.url, { method: 'POST', body, headers: headers as Record<string, string> });
      response.writeHead(inner.status, { 'content-type': inner.headers.get('content-type') ?? 'application/json' });
      response.end(await inner.text());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Protected = {
    ...witness,
    origin,
    url: `${origin}/mcp`,
    metadata: { resource: `${origin}/mcp`, authorization_servers: issuers, scopes_supported: ['tools:read'] },
    metadataUrl: `${origin}/.well-known/oauth-protected-resource/mcp`,
    door: (token) => (token === undefined ? [401, ''] : undefined),
    presented: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await witness[Symbol.asyncDispose]();
    },
  };
  return made;
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
}
