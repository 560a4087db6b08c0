/** C10: numbers of the protocol itself count by their value: some languages write `1.0` for every integer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { legacyHeaders, meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';

/** A server that writes 1.0 for 1. */
const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'floats', version: '1' },
  },
  'tools/list': { tools: ['ok', 'fails'].map((name) => ({ name, inputSchema: { type: 'object' } })) },
  ping: {},
};
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body) as {
      id?: number;
      method: string;
      params?: { name?: string; _meta?: { progressToken?: number } };
    };
    if (id === undefined) return response.writeHead(202).end();
    const message = (rest: string): string => `{"jsonrpc":"2.0","id":${id}.0,${rest}}`;
    const known = results[method];
    if (method === 'tools/call') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const token = `${params?._meta?.progressToken}.0`;
      const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1.0}}`;
      const last =
        params?.name === 'ok'
          ? message('"result":{"content":[{"type":"text","text":"done"}]}')
          : message('"error":{"code":-32042.0,"message":"said no"}');
      return response.end(`data: ${progress}\n\ndata: ${last}\n\n`);
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      message(known === undefined ? '"error":{"code":-32601.0,"message":"no"}' : `"result":${JSON.stringify(known)}`),
    );
  });
});

let witness: Witness;
let gateway: Gateway;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const inputSchema = { type: 'object', properties: { n: { type: 'number', 'x-mcp-header': 'N' } } };
  witness = await startWitness([{ name: 'count', inputSchema }]);
  gateway = await startGateway(
    openSettings('client', {
      floats: { url: `http://127.0.0.1:${port}/mcp`, era: 'legacy' },
      witness: { url: witness.url },
    }),
  );
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

test('C10: ids, error codes and progress tokens of a server that writes 1.0 are understood', async () => {
  const call = (name: string) =>
    sendRaw({
      url: gateway.endpoint('floats'),
      headers: modernHeaders('tools/call', name),
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: {}, _meta: { ...meta, progressToken: 'mine' } },
      }),
    });
  const ok = await call('ok');
  assert.match(ok.body, /done/);
  assert.match(ok.body, /"progressToken":"mine"/);
  assert.match((await call('fails')).body, /said no/);
});

test('C10: a client may write its ids and a mirrored number as 1.0', async () => {
  for (const [args, header] of [
    ['{"n":1.0}', '1'],
    ['{"n":1.0}', '1.0'],
    ['{"n":1}', '1.0'],
  ] as const) {
    witness.forget();
    const { body } = await sendRaw({
      url: gateway.endpoint('witness'),
      headers: [...modernHeaders('tools/call', 'count'), ['Mcp-Param-N', header]],
      body: `{"jsonrpc":"2.0","id":7.0,"method":"tools/call","params":{"name":"count","arguments":${args},"_meta":${JSON.stringify(meta)}}}`,
    });
    assert.match(body, /"id":7,.*the witness was called/);
    // The server gets it as it is spelled, in the body and in the header that is made anew.
    const [seen] = witness.calls();
    assert.ok(seen?.body.includes(`"arguments":${args}`), seen?.body);
    assert.equal(seen?.headers['mcp-param-n'], /[\d.]+/.exec(args)?.[0]);
  }
  const mismatched = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'count'), ['Mcp-Param-N', '2']],
    body: `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"count","arguments":{"n":1.0},"_meta":${JSON.stringify(meta)}}}`,
  });
  assert.equal(mismatched.status, 400);
  const ping = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: legacyHeaders,
    body: '{"jsonrpc":"2.0","id":1.5,"method":"initialize","params":{}}',
  });
  assert.equal(ping.status, 400, 'an id with a fraction is none');
});
