/**
 * Generated and mutated requests against a running gateway: it never crashes, and nothing reaches the server that was
 * not decided. Prints its seed; SEED=… repeats a run.
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Gateway, startGateway } from '../harness.ts';
import { meta, modernCall, modernHeaders } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2_147_483_647);
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let witness: Witness;
let gateway: Gateway;
let key: string;

before(async () => {
  witness = await startWitness([
    { name: 'open', inputSchema: { type: 'object', properties: { n: { type: 'integer', maximum: 10 } } } },
    { name: 'hidden' },
  ]);
  gateway = await startGateway({
    callers: { agents: { fuzzer: {} } },
    servers: { witness: { url: witness.url } },
    connections: [
      {
        name: 'fuzzer',
        from: { agent: 'fuzzer' },
        to: 'witness',
        tools: [{ allow: 'open', when: '!has(args.n) || args.n < 5' }],
        resources: [{ allow: 'doc://projects/{id}', when: 'uri.id == "1"' }],
      },
    ],
  });
  key = gateway.key('fuzzer');
});
after(async () => {
  agent.destroy();
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

function send(body: Buffer, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve) => {
    const outgoing = request(
      gateway.endpoint('witness'),
      { method: 'POST', agent, timeout: 10_000, headers },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    outgoing.on('error', () => resolve(0));
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.end(body);
  });
}

/** What may reach the server: exactly what the one connection allows. */
function assertDecided(): void {
  for (const { message, headers } of witness.calls()) {
    const { method, params } = message;
    if (method === 'resources/read') {
      assert.match(String(params['uri']), /^doc:\/\/projects\//);
      continue;
    }
    assert.equal(method, 'tools/call');
    assert.equal(params['name'], 'open');
    assert.equal(headers['mcp-name'], 'open');
    const args = (params['arguments'] ?? {}) as { n?: unknown };
    assert.deepEqual(
      Object.keys(args).filter((name) => name !== 'n'),
      [],
    );
    if (args.n !== undefined) assert.ok(Number.isInteger(args.n) && Number(args.n) < 5, JSON.stringify(args));
  }
  witness.forget();
}

async function alive(): Promise<void> {
  const headers = { ...Object.fromEntries(modernHeaders('tools/call', 'open')), authorization: `Bearer ${key}` };
  assert.equal(await send(Buffer.from(modernCall('open', { n: 1 })), headers), 200);
  assertDecided();
  assert.doesNotMatch(gateway.errors(), /please report/);
}

const names = fc.constantFrom(
  'open',
  'hidden',
  'Open',
  'open ',
  'open\u0000',
  '__proto__',
  'constructor',
  'witness__open',
  '',
);
const numbers = fc.oneof(
  fc.constantFrom('1', '4', '5', '4.9999999999999999999', '1e0', '-0', '9007199254740993', '1e400', '"4"', 'null'),
);
const methods = fc.constantFrom(
  'tools/call',
  'tools/list',
  'resources/read',
  'prompts/get',
  'initialize',
  'server/discover',
  'completion/complete',
  'tasks/get',
);

/** Texts of messages that are nearly right, with values, duplicates and members that are not. */
const messages = fc
  .record({
    method: methods,
    name: names,
    twice: fc.boolean(),
    n: numbers,
    id: fc.constantFrom('1', '"a"', 'null', '1.5', '[]'),
    modern: fc.boolean(),
    uri: fc.constantFrom(
      'doc://projects/1',
      'doc://projects/2',
      'doc://projects/1/../2',
      'doc://projects/%31',
      'doc:projects/1',
    ),
  })
  .map(({ method, name, twice, n, id, modern, uri }) => {
    const text = JSON.stringify(name);
    const args = `{"n":${n}${twice ? ',"n":1' : ''}}`;
    const metaText = modern ? `,"_meta":${JSON.stringify(meta)}` : '';
    return {
      method,
      name,
      body: `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{"name":${text},"uri":"${uri}","arguments":${args}${metaText}}}`,
    };
  });

const mutations = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('drop', 'double', 'insert'),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { maxLength: 3 },
);

function mutate(bytes: Buffer, changes: readonly { at: number; kind: string; byte: number }[]): Buffer {
  let result = bytes;
  for (const { at, kind, byte } of changes) {
    const place = at % (result.length + 1);
    const middle = kind === 'insert' ? [byte] : kind === 'double' ? [...result.subarray(place, place + 4)] : [];
    const skip = kind === 'drop' ? 1 : 0;
    result = Buffer.concat([result.subarray(0, place), Buffer.from(middle), result.subarray(place + skip)]);
  }
  return result;
}

const headerName = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

test('mutated requests: nothing undecided reaches the server, and the gateway lives', async (t) => {
  t.diagnostic(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(messages, mutations, names, fc.boolean(), async (message, changes, named, honest) => {
      const version = message.body.includes('protocolVersion') ? { 'mcp-protocol-version': '2026-07-28' } : {};
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${key}`,
        'mcp-method': message.method,
        'mcp-name': headerName(honest ? message.name : named),
        ...version,
      };
      const status = await send(mutate(Buffer.from(message.body), changes), headers);
      assert.notEqual(status, 500);
      assertDecided();
    }),
    { numRuns: 2_000, seed, endOnFailure: true },
  );
  await alive();
});

test('random bytes and random JSON', async (t) => {
  t.diagnostic(`seed ${seed}`);
  const headers = { ...Object.fromEntries(modernHeaders('tools/call', 'open')), authorization: `Bearer ${key}` };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.json().map((json) => Buffer.from(json)),
      ),
      async (body) => {
        const status = await send(body, headers);
        assert.ok(status >= 400 && status < 500, String(status));
        assertDecided();
      },
    ),
    { numRuns: 1_000, seed, endOnFailure: true },
  );
  await alive();
});
