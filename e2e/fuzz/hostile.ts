/** Answers of a hostile MCP server: right ones, and what is made of them. Every byte is chosen by the seed. */
import { type Answering, type Breaking, boundaries, httpAnswer, manners } from '../faults/broken-bytes.ts';
import { mutateBytes, mutateText, mutateValue } from './mutate.ts';
import { type Random, seeded } from './random.ts';

interface Asked {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly arguments?: { readonly n?: unknown } };
}

const tools = [
  { name: 'tool', inputSchema: { type: 'object', properties: { n: { type: 'integer' }, note: { type: 'string' } } } },
  { name: 'other', description: 'Another.', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
];

const results: Readonly<Record<string, object>> = {
  'server/discover': {
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {} },
  },
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, logging: {} },
    serverInfo: { name: 'hostile', version: '1' },
  },
  'tools/list': { tools, ttlMs: 500 },
  'resources/list': { resources: [{ uri: 'doc://a/1', name: 'one' }], ttlMs: 500 },
  'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'doc://a/{id}', name: 'a' }], ttlMs: 500 },
  'prompts/list': { prompts: [{ name: 'ask', arguments: [{ name: 'of', required: true }] }], ttlMs: 500 },
  'tools/call': { content: [{ type: 'text', text: 'said' }], structuredContent: { n: 1 } },
  'resources/read': { contents: [{ uri: 'doc://a/1', text: 'read' }] },
};

const notifications: readonly object[] = [
  { method: 'notifications/tools/list_changed' },
  { method: 'notifications/resources/list_changed' },
  { method: 'notifications/prompts/list_changed' },
  { method: 'notifications/resources/updated', params: { uri: 'doc://a/1' } },
  { method: 'notifications/progress', params: { progressToken: 1, progress: 1, total: 2 } },
  { method: 'notifications/message', params: { level: 'error', data: 'said' } },
  { method: 'notifications/cancelled', params: { requestId: 1 } },
  { id: 1, method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object' } } },
  { id: 2, method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
  { id: 3, method: 'roots/list' },
  { id: 4, method: 'ping' },
];

/** The message that is right, as far as there is one. */
export function rightAnswer({ id, method }: Asked): object {
  const result = results[String(method)];
  if (result === undefined) return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } };
  return { jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } };
}

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** Texts that stand where one message should. */
export function hostileText(asked: Asked, random: Random): string {
  const right = rightAnswer(asked);
  const text = JSON.stringify(right);
  switch (random.below(9)) {
    case 0:
      return mutateText(text, random);
    case 1:
    case 2:
      return JSON.stringify(mutateValue(right, random));
    case 3:
      return JSON.stringify({ ...right, id: random.pick<unknown>([0, -1, 'x', null, 1e99, [], {}, asked.id === 1]) });
    case 4:
      return JSON.stringify({ jsonrpc: '2.0', ...random.pick(notifications) });
    case 5:
      return JSON.stringify(mutateValue({ jsonrpc: '2.0', ...random.pick(notifications) }, random));
    case 6:
      return text.replace('"jsonrpc"', `"deep":${deep(random.pick([63, 64, 65, 600, 50_000]))},"jsonrpc"`);
    case 7:
      return JSON.stringify({
        ...right,
        ballast: 'x'.repeat(random.chance(0.1) ? 9_000_000 : random.pick([64, 65_536, 150_000])),
      });
    default:
      return `[${text},${text}]`;
  }
}

function oddEvents(asked: Asked, random: Random): string {
  const right = JSON.stringify(rightAnswer(asked));
  switch (random.below(6)) {
    case 0:
      return `event: message\rdata: ${right}\r\r`;
    case 1:
      return `${right.replace(/,/g, ',\ndata: ').replace(/^/, 'data: ')}\n\n`;
    case 2:
      return `id: \0\nretry: 99999999999999999999\nevent: endpoint\ndata: http://127.0.0.1:1/\n\ndata: ${right}\n\n`;
    case 3:
      return `${':\n'.repeat(20_000)}data: ${right}\n\n`;
    case 4:
      return mutateText(`id: 1\nevent: message\ndata: ${right}\n\n`, random);
    default:
      return `data:${'x'.repeat(100_000)}\n`.repeat(1 + random.below(4));
  }
}

function flood(random: Random): string {
  const item = `data: ${JSON.stringify({ jsonrpc: '2.0', ...random.pick(notifications) })}\n\n`;
  return item.repeat(random.pick([10, 300, 3_000]));
}

const head = (type: string, body: string): Buffer =>
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

const status = (line: string): Buffer => Buffer.from(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);

/** A whole HTTP response, or what looks like one. */
export function hostileBytes(asked: Asked, random: Random): Buffer {
  const framing = random.pick(['length', 'chunked', 'events'] as const);
  switch (random.below(8)) {
    case 0:
      return mutateBytes(httpAnswer(framing, rightAnswer(asked)), random);
    case 1:
      return head('text/event-stream', oddEvents(asked, random));
    case 2:
      return head('text/event-stream', `${flood(random)}data: ${JSON.stringify(rightAnswer(asked))}\n\n`);
    case 3:
      return status(
        random.pick(['202 Accepted', '204 No', '301 Moved', '401 No', '404 No', '500 No', '999 No', '100 Go']),
      );
    case 4:
      return Buffer.from(Array.from({ length: 1 + random.below(400) }, () => random.below(256)));
    case 5:
      return head(random.pick(['text/plain', 'application/json; charset=utf-16', '']), hostileText(asked, random));
    case 6:
      return head('text/event-stream', `data: ${hostileText(asked, random)}\n\n`);
    default:
      return head('application/json', hostileText(asked, random));
  }
}

/**
 * Server behaviour for `startBreaking`: right for the share `calm` of its answers. A path with `legacy` is of that era. A
 * call whose argument `n` is a seed gets the hostile answer of that seed.
 */
export function hostileServer(shared: Random, calmly: number): Answering {
  return ({ method, path, body }) => {
    if (method === 'GET') return { bytes: head('text/event-stream', shared.chance(calmly) ? ':\n\n' : flood(shared)) };
    const asked = parsed(body);
    const seed = asked.method === 'tools/call' ? asked.params?.arguments?.n : undefined;
    const [random, calm] = typeof seed === 'number' ? [seeded(seed), 0] : [shared, calmly];
    if (path.includes('legacy') && asked.method === 'server/discover') return { bytes: status('400 Bad Request') };
    if (asked.id === undefined) return { bytes: status('202 Accepted') };
    const framing = random.pick(['length', 'chunked', 'events'] as const);
    if (random.chance(calm)) return { bytes: httpAnswer(framing, rightAnswer(asked)) };
    if (random.chance(0.6)) return { bytes: hostileBytes(asked, random) };
    const bytes = httpAnswer(framing, rightAnswer(asked));
    return { bytes, breaking: breakingOf(bytes, random) };
  };
}

function breakingOf(bytes: Buffer, random: Random): Breaking {
  return { manner: random.pick(manners), at: random.pick(boundaries(bytes)) };
}

function parsed(body: string): Asked {
  try {
    return JSON.parse(body) as Asked;
  } catch {
    // The gateway sends JSON; what else came is answered like a request that is unknown.
    return {};
  }
}
