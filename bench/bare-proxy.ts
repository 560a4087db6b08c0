/**
 * The least that a proxy in Node can do which reads the messages: receive, parse, forward, parse, send. No decision, no
 * check. What the gateway costs beyond this is what it adds.   node bare-proxy.ts <origin of the upstream> <port>
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

const origin = process.argv[2] ?? '';
const pool = new Pool(origin, { connections: 256, pipelining: 1 });
const passed = ['content-type', 'accept', 'mcp-protocol-version', 'mcp-method', 'mcp-name'] as const;

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passed) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}

/** Parses a JSON answer, or the one event of an event stream. */
function parseAnswer(type: string, body: string): unknown {
  if (!type.startsWith('text/event-stream')) return JSON.parse(body) as unknown;
  const at = body.indexOf('data: ');
  return JSON.parse(body.slice(at + 6, body.indexOf('\n\n', at))) as unknown;
}

function forward(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const message = JSON.parse(body.toString()) as unknown;
  const chunks: Buffer[] = [];
  let status = 502;
  let type = 'application/json';
  pool.dispatch(
    { path: request.url ?? '/', method: 'POST', headers: headersOf(request), body: JSON.stringify(message) },
    {
      onRequestStart() {},
      onResponseStart(_controller, statusCode, headers) {
        status = statusCode;
        const given = headers['content-type'];
        if (typeof given === 'string') type = given;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        const answer = Buffer.concat(chunks);
        parseAnswer(type, answer.toString());
        response.writeHead(status, { 'content-type': type, 'content-length': answer.length });
        response.end(answer);
      },
      onResponseError() {
        response.writeHead(502).end();
      },
    },
  );
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'POST') forward(request, response, Buffer.concat(chunks));
    else response.writeHead(405).end();
  });
});
server.listen({ port: Number(process.argv[3]), host: '127.0.0.1', backlog: 4_096 });
