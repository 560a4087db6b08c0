/** Requests as an attacker writes them: any bytes, any headers, over a plain socket. */
import { connect } from 'node:net';
import { patienceMs } from '../process.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** The body, or the last event of a stream, as JSON; `undefined` when it is none. */
  readonly json: JsonBody | undefined;
}

export interface JsonBody {
  readonly id?: unknown;
  readonly result?: { readonly [key: string]: unknown };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface RawRequest {
  readonly url: string;
  readonly method?: string;
  /** In this order, repeated names included. `host` and `content-length` are added unless they stand here. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
  readonly within?: number;
}

/** Sends one request on a connection of its own and reads until the server closes it. */
export async function sendRaw(request: RawRequest): Promise<RawAnswer> {
  const url = new URL(request.url);
  const body = Buffer.from(request.body ?? '');
  const headers = [...(request.headers ?? [])];
  const has = (name: string): boolean => headers.some(([known]) => known.toLowerCase() === name);
  if (!has('host')) headers.unshift(['Host', url.host]);
  if (!has('content-length') && !has('transfer-encoding')) headers.push(['Content-Length', String(body.length)]);
  headers.push(['Connection', 'close']);
  const head = [
    `${request.method ?? 'POST'} ${url.pathname}${url.search} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const bytes = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
  return parseAnswer(await exchangeBytes(url, bytes, request.within ?? patienceMs));
}

/** Writes these bytes and returns everything that comes back until the other side closes. */
export async function exchangeBytes(url: URL, bytes: Buffer, within: number): Promise<string> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), within);
  socket.write(bytes);
  // A server that has answered may reset what it does not want to read: what came until then counts.
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string): RawAnswer {
  const split = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, split).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const raw = split === -1 ? '' : text.slice(split + 4);
  const body = headers.get('transfer-encoding') === 'chunked' ? dechunk(raw) : raw;
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body, json: jsonOf(body) };
}

function dechunk(text: string): string {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (!(size > 0)) break;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
  return Buffer.concat(parts).toString();
}

function jsonOf(body: string): JsonBody | undefined {
  const events = body.split('\n').filter((line) => line.startsWith('data: '));
  const text = events.length > 0 ? (events.at(-1) ?? '').slice(6) : body;
  try {
    return JSON.parse(text) as JsonBody;
  } catch {
    return undefined;
  }
}

export const modern = '2026-07-28';
const json = ['Content-Type', 'application/json'] as const;
const accept = ['Accept', 'application/json, text/event-stream'] as const;

export type Header = readonly [string, string];

export const meta = {
  'io.modelcontextprotocol/protocolVersion': modern,
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** The headers of a proper modern call, without credentials. */
export function modernHeaders(method: string, name?: string): readonly Header[] {
  const headers: Header[] = [json, accept, ['MCP-Protocol-Version', modern], ['Mcp-Method', method]];
  return name === undefined ? headers : [...headers, ['Mcp-Name', name]];
}

export const legacyHeaders: readonly Header[] = [json, accept];

/** The body of a proper modern tool call. */
export function modernCall(name: string, args: object = {}, extra: object = {}): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name, arguments: args, ...extra, _meta: meta },
  });
}

export interface KeyCall {
  readonly url: string;
  readonly key: string;
  readonly tool: string;
  /** Beside the name and the arguments. */
  readonly params?: object;
  readonly capabilities?: object;
}

/** A modern tool call with an API key, from a client that can open pages unless `capabilities` say otherwise. */
export function modernCallWith({ url, key, tool, params, capabilities }: KeyCall): RawRequest {
  const claims = {
    ...meta,
    'io.modelcontextprotocol/clientCapabilities': capabilities ?? { elicitation: { url: {} } },
  };
  return {
    url,
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${key}`]],
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: { name: tool, arguments: {}, ...params, _meta: claims },
    }),
  };
}

/** The page on which an account is connected, if that is what a call was answered with. */
export function pageIn({ body }: RawAnswer): string | undefined {
  return /https?:[^" ]+\/connect\/[A-Za-z0-9_-]{43}/.exec(body)?.[0];
}
