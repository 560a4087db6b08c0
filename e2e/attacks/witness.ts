/**
 * A modern MCP server that writes down every request it receives and answers as a test tells it. What reaches it has
 * passed the gateway; an attack has failed when nothing did.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly message: { readonly id: number; readonly method: string; readonly params: Record<string, unknown> };
}

export type Answering = (response: ServerResponse, seen: Seen) => void;

export interface Witness extends AsyncDisposable {
  readonly url: string;
  /** Requests of these methods, in order. Handshake and lists are not calls. */
  readonly calls: () => readonly Seen[];
  readonly forget: () => void;
  /** How the next calls of a tool are answered, or the next requests of a method that names nothing, such as a list. */
  readonly answer: (name: string, answering: Answering) => void;
}

const schema = { type: 'object', properties: {}, additionalProperties: false };

export interface WitnessTool {
  readonly name: string;
  readonly inputSchema?: object;
}

/** `introduction`: what it says about itself beside what it must say. `port`: 0 lets the system choose one. */
export async function startWitness(
  tools: readonly WitnessTool[],
  introduction: object = {},
  port = 0,
): Promise<Witness> {
  const seen: Seen[] = [];
  const answers = new Map<string, Answering>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(body) as Seen['message'];
      const entry: Seen = { headers: request.headers, body, message };
      const { name } = message.params;
      const answering = answers.get(typeof name === 'string' ? name : message.method);
      const result = localResult(message.method, tools, introduction);
      if (result !== undefined && answering === undefined)
        return sendJson(response, { jsonrpc: '2.0', id: message.id, result });
      // It has no legacy era, and is asked for it on behalf of legacy clients.
      if (message.method === 'initialize')
        return sendJson(response, { jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'no' } }, 404);
      if (result === undefined) seen.push(entry);
      if (answering !== undefined) return answering(response, entry);
      sendJson(response, {
        jsonrpc: '2.0',
        id: message.id,
        result: { resultType: 'complete', content: [{ type: 'text', text: 'the witness was called' }] },
      });
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}/mcp`,
    calls: () => seen,
    forget: () => {
      seen.length = 0;
    },
    answer: (name, answering) => answers.set(name, answering),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function sendJson(response: ServerResponse, value: unknown, status = 200, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type });
  response.end(JSON.stringify(value));
}

export function sendEvents(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(text);
}

function localResult(method: string, tools: readonly WitnessTool[], introduction: object): object | undefined {
  const complete = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };
  switch (method) {
    case 'server/discover':
      return {
        ...complete,
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
        ...introduction,
      };
    case 'tools/list':
      return { ...complete, tools: tools.map((tool) => ({ inputSchema: schema, ...tool })) };
    case 'resources/list':
      return { ...complete, resources: [{ uri: 'doc://projects/1', name: 'one' }] };
    case 'resources/templates/list':
      return {
        ...complete,
        resourceTemplates: ['doc://projects/{id}', 'file:///open/{x}', 'file:///secret/{x}'].map((uriTemplate, at) => ({
          uriTemplate,
          name: `template ${at}`,
        })),
      };
    case 'prompts/list':
      return { ...complete, prompts: [{ name: 'open' }, { name: 'secret' }] };
    default:
      return undefined;
  }
}
