/** A modern MCP server over TLS, with one tool, for tests. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sendJson } from './attacks/witness.ts';

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** With the address of this machine. */
  readonly url: string;
  /** Another machine answers from now on: other keys, and connections begin anew. */
  replace(options: Pick<ServerOptions, 'cert' | 'key'>): void;
}

export const said = 'made it there';

interface TlsServerParts {
  /** Told of each request. */
  readonly onCall?: (request: IncomingMessage) => void;
  /** What `POST /token` answers, for credentials that are fetched. */
  readonly token?: string;
  /** What it defines; one tool without it. */
  readonly tools?: (request: IncomingMessage) => readonly object[];
}

export async function startTlsServer(
  options: ServerOptions,
  { onCall, token, tools = () => [{ name: 'open', inputSchema: { type: 'object' } }] }: TlsServerParts = {},
): Promise<TlsServer> {
  const listening = createServer(options, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      onCall?.(request);
      if (request.url === '/token')
        return sendJson(response, { access_token: token, token_type: 'Bearer', expires_in: 600 });
      const { id, method } = JSON.parse(text) as { id: number; method: string };
      const complete = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };
      const results: Record<string, object> = {
        'server/discover': { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
        'tools/list': { ...complete, tools: tools(request) },
      };
      const result = results[method] ?? { resultType: 'complete', content: [{ type: 'text', text: said }] };
      sendJson(response, { jsonrpc: '2.0', id, result });
    });
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  return {
    port,
    url: `https://127.0.0.1:${port}/mcp`,
    replace(other) {
      listening.setSecureContext(other);
      listening.closeAllConnections();
    },
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      listening.close();
      await once(listening, 'close');
    },
  };
}
