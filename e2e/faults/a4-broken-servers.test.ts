/** Answers of MCP servers that are cut, reset, stalled and dripped: each call ends in time, and the next one works. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { meta, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import {
  type Answering,
  type Breaking,
  boundaries,
  type Framing,
  type HttpAsked,
  httpAnswer,
  type Manner,
  manners,
  startBreaking,
} from './broken-bytes.ts';

const bounds = { connectTimeout: '1s', firstByte: '1s', total: '2s', concurrency: 10_000 };

interface Rpc {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly arguments?: Partial<Breaking> };
}

/** The message that a whole answer to this request is. */
function answerTo({ id, method }: Rpc): object {
  const results: Readonly<Record<string, object>> = {
    'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object' } }], ttlMs: 60_000 },
    'tools/call': { content: [{ type: 'text', text: 'whole' }] },
  };
  return { jsonrpc: '2.0', id, result: { resultType: 'complete', ...results[method] } };
}

function breakingOf({ manner, at }: Partial<Breaking>): Breaking | undefined {
  return manner === undefined || at === undefined ? undefined : { manner, at };
}

/** Calls break as their arguments say. */
const brokenCalls =
  (framing: Framing): Answering =>
  ({ body }: HttpAsked) => {
    const message = JSON.parse(body) as Rpc;
    const breaking = message.method === 'tools/call' ? breakingOf(message.params?.arguments ?? {}) : undefined;
    return { bytes: httpAnswer(framing, answerTo(message)), ...(breaking === undefined ? {} : { breaking }) };
  };

function call(gateway: Gateway, server: string, args: object = {}) {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: modernHeaders('tools/call', 'tool'),
    body: modernCall('tool', args),
    within: 30_000,
  });
}

const open = { tools: { tool: { additionalArguments: true } }, connections: 2_000 };

const framings = ['length', 'chunked', 'events'] as const;
const places = [0, 1, 9, 17, 40, 80, 83, 100];
/** Of handshakes and lists. A path names the method whose answer breaks, and how; only the first time. */
const paths = ['server-discover', 'tools-list'].flatMap((method) =>
  manners.flatMap((manner) => places.map((at) => `!${method}!${manner}!${at}`)),
);

/** One that breaks calls for each framing, and one that breaks what comes before them, all behind one gateway. */
const breaking: Awaited<ReturnType<typeof startBreaking>>[] = [];
let gateway: Gateway;

before(async () => {
  const servers: Record<string, object> = {};
  for (const framing of framings) {
    const server = await startBreaking(brokenCalls(framing));
    breaking.push(server);
    servers[framing] = { url: `${server.origin}/mcp`, ...open };
  }
  const before = await startBreaking(brokenOnce());
  breaking.push(before);
  for (const [index, path] of paths.entries())
    servers[`s${index}`] = { url: `${before.origin}/${path}`, era: 'modern', ...open };
  gateway = await startGateway({ ...openSettings('client', servers), bounds });
});
after(async () => {
  await gateway.stop();
  for (const server of breaking) await server[Symbol.asyncDispose]();
});

for (const framing of framings)
  test(`A4: every call ends, wherever the answer of its server breaks (${framing})`, async () => {
    const sample = httpAnswer(framing, answerTo({ id: 1_048_577, method: 'tools/call' }));
    const kinds = manners.flatMap((manner) => boundaries(sample).map((at) => ({ manner, at })));
    assert.match((await call(gateway, framing)).body, /whole/);
    const ended = kinds.map(async (how) => {
      const answer = await call(gateway, framing, how);
      assert.notEqual(answer.json, undefined, `${JSON.stringify(how)}: ${answer.status} ${answer.body}`);
    });
    await Promise.all(ended);
    assert.match((await call(gateway, framing)).body, /whole/);
  });

function brokenOnce(): Answering {
  const broken = new Set<string>();
  return ({ path, body }) => {
    const message = JSON.parse(body === '' ? '{"method":""}' : body) as Rpc;
    const [, method, manner, at] = path.split('!');
    const bytes = httpAnswer('length', answerTo(message));
    if (method !== message.method.replace('/', '-') || broken.has(path)) return { bytes };
    broken.add(path);
    return { bytes, breaking: { manner: manner as Manner, at: Number(at) } };
  };
}

test('A4: handshakes and lists that break cost one answer, and no other server', async () => {
  const outcomes = paths.map(async (path, index) => {
    const first = await call(gateway, `s${index}`);
    assert.notEqual(first.json, undefined, `${path}: ${first.status} ${first.body}`);
  });
  await Promise.all(outcomes);
  const listed = await sendRaw({
    url: `${gateway.mcp}/mcp`,
    headers: modernHeaders('tools/list'),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    within: 30_000,
  });
  assert.equal(listed.status, 200, listed.body);
});

test('A4: every call ends, wherever the line of a stdio server breaks', async () => {
  const program = join(import.meta.dirname, 'half-line.ts');
  const kinds = (['cut', 'stall', 'drip'] as const).flatMap((manner) =>
    [0, 1, 30, 60].map((at) => [manner, at] as const),
  );
  const servers = Object.fromEntries(
    kinds.map(([manner, at], index) => [
      `s${index}`,
      { command: [process.execPath, program, manner, String(at)], era: 'legacy' },
    ]),
  );
  await using gateway = await startGateway({
    ...openSettings('client', servers),
    bounds: { ...bounds, connectTimeout: '20s', firstByte: '3s', total: '6s' },
  });
  const ended = kinds.map(async ([manner], index) => {
    const { json, status, body } = await call(gateway, `s${index}`);
    assert.notEqual(json, undefined, `${manner}: ${status} ${body}`);
    if (manner === 'drip') assert.match(body, /said/);
  });
  await Promise.all(ended);
});
