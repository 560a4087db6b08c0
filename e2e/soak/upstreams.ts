/** The three servers of the soak test in one process: modern, legacy, hostile. Argument: the seed. Announces URLs. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startBreaking } from '../faults/broken-bytes.ts';
import { hostileServer } from '../fuzz/hostile.ts';
import { seeded } from '../fuzz/random.ts';

interface Rpc {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly note?: string };
    readonly _meta?: object;
  };
}

const inputSchema = { type: 'object', properties: { note: { type: 'string' } }, additionalProperties: false };
const tools = ['take', 'put', 'stream', 'slow'].map((name) => ({ name, inputSchema }));
const complete = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' };
const introductions: Readonly<Record<string, object>> = {
  'server/discover': { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } } },
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true } },
    serverInfo: { name: 'legacy', version: '1' },
  },
  'tools/list': { ...complete, tools },
};
const slowMs = 400;

function answer(message: Rpc, response: ServerResponse): void {
  const { id, method = '', params } = message;
  const introduction = introductions[method];
  const note = params?.arguments?.note ?? '';
  const result = introduction ?? { resultType: 'complete', content: [{ type: 'text', text: `answer to ${note}` }] };
  const text = JSON.stringify({ jsonrpc: '2.0', id, result });
  const session = method === 'initialize' ? { 'mcp-session-id': `session-${Math.random()}` } : {};
  if (method !== 'tools/call') response.writeHead(200, { 'content-type': 'application/json', ...session }).end(text);
  else if (params?.name === 'stream')
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`event: message\ndata: ${text}\n\n`);
  else if (params?.name === 'slow')
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(text), slowMs);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(text);
}

function listening(message: Rpc, response: ServerResponse): void {
  const params = {
    _meta: { 'io.modelcontextprotocol/subscriptionId': message.id },
    notifications: { toolsListChanged: true },
  };
  const acknowledged = { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params };
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`data: ${JSON.stringify(acknowledged)}\n\n`);
}

function serve(era: 'modern' | 'legacy'): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'DELETE') return response.writeHead(200).end();
    if (request.method === 'GET' && era === 'legacy')
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    if (request.method !== 'POST') return response.writeHead(405).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Rpc;
      const other = era === 'modern' ? message.method === 'initialize' : message.method === 'server/discover';
      if (other) response.writeHead(400).end();
      else if (message.id === undefined) response.writeHead(202).end();
      else if (message.method === 'subscriptions/listen') listening(message, response);
      else answer(message, response);
    });
  });
}

async function open(era: 'modern' | 'legacy'): Promise<string> {
  const server = serve(era).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

const hostile = await startBreaking(hostileServer(seeded(Number(process.argv[2] ?? 1)), 0.5));
const urls = { modern: await open('modern'), legacy: await open('legacy'), hostile: `${hostile.origin}/mcp` };
process.stdout.write(`${JSON.stringify(urls)}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
