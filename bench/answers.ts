/** What the bench upstream answers, as text around the id of the request. */
import { type BenchTool, callTools, type Shape, shapes, sizeNames, sizes, toolName } from './catalogue.ts';

/** `before`, then `fill` bytes of text, then `after`; the id of the request stands between `start` and `before`. */
export interface Answer {
  readonly shape: Shape;
  readonly start: string;
  readonly before: string;
  readonly fill: number;
  readonly after: string;
  /** Stays open after it was sent. */
  readonly held?: true;
}

function answer(shape: Shape, before: string, fill: number, after: string): Answer {
  return {
    shape,
    start: `${shape === 'sse' ? 'event: message\ndata: ' : ''}{"jsonrpc":"2.0","id":`,
    before: `,"result":${before}`,
    fill,
    after: `${after}}${shape === 'sse' ? '\n\n' : ''}`,
  };
}

const discover = answer(
  'json',
  JSON.stringify({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true } },
    ttlMs: 3_600_000,
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'bench', version: '1.0.0' } },
  }),
  0,
  '',
);

const acknowledgement: Answer = {
  shape: 'sse',
  start:
    'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":',
  before: '},"notifications":{"toolsListChanged":true}}}\n\n',
  fill: 0,
  after: '',
  held: true,
};

function list(tools: readonly BenchTool[]): Answer {
  const result = { resultType: 'complete', tools, ttlMs: 3_600_000, cacheScope: 'private' };
  return answer('json', JSON.stringify(result), 0, '');
}

/** By the value of `Mcp-Method`, and for calls by `method:name`. */
export function answersOf(tools: readonly BenchTool[]): ReadonlyMap<string, Answer> {
  return new Map([
    ['server/discover', discover],
    ['tools/list', list(tools)],
    ['subscriptions/listen', acknowledgement],
    ...(tools === callTools ? calls() : []),
  ]);
}

function calls(): readonly (readonly [string, Answer])[] {
  const before = '{"resultType":"complete","content":[{"type":"text","text":"';
  return (['open', 'strict'] as const).flatMap((kind) =>
    shapes.flatMap((shape) =>
      sizeNames.map(
        (size) => [`tools/call:${toolName(kind, shape, size)}`, answer(shape, before, sizes[size], '"}]}')] as const,
      ),
    ),
  );
}
