/** A caller whose calls take all connections to a server keeps no other caller from that server. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { modernCall, modernHeaders, sendRaw } from './raw.ts';
import { sendJson, startWitness, type Witness } from './witness.ts';

const connections = 32;
const agents = ['ada', 'eve', 'bob'];

let witness: Witness;
/** Calls that the server has not answered. */
const held = new Map<ServerResponse, number>();

before(async () => {
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } } };
  witness = await startWitness([{ name: 'held', inputSchema }, { name: 'tool' }]);
  witness.answer('held', (response, { message }) => {
    held.set(response, message.id);
    response.once('close', () => held.delete(response));
  });
});
after(() => witness[Symbol.asyncDispose]());

const start = (httpClient: string): Promise<Gateway> =>
  startGateway({
    callers: { agents: Object.fromEntries(agents.map((agent) => [agent, {}])) },
    servers: { witness: { url: witness.url, connections, httpClient } },
    connections: [{ name: 'all', from: { agent: agents }, to: 'witness', tools: [{ allow: '*' }] }],
  });

async function call(gateway: Gateway, agent: string, tool: string, n?: number): Promise<string> {
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${gateway.key(agent)}`]],
    body: modernCall(tool, n === undefined ? {} : { n }),
  });
  return answer.body;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(20_000);
  while (!holds()) {
    assert.ok(!limit.aborted, `${what}, and not ${held.size}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function answerAll(): void {
  for (const [response, id] of held)
    sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [] } });
}

for (const httpClient of ['own', 'undici'])
  test(`two callers with more calls than there are connections leave one to a third, with ${httpClient} as client`, async () => {
    const gateway = await start(httpClient);
    try {
      // The first one has the part that it may have before the second one comes.
      const ofAda = Array.from({ length: 2 * connections }, (_, n) => call(gateway, 'ada', 'held', n));
      await until('21 calls are under way', () => held.size === 21);
      const ofEve = Array.from({ length: 2 * connections }, (_, n) => call(gateway, 'eve', 'held', n));
      await until('7 more calls are under way', () => held.size === 21 + 7);
      for (let round = 0; round < 20; round++)
        assert.match(await call(gateway, 'bob', 'tool'), /the witness was called/);
      assert.equal(held.size, 21 + 7, 'these were under way all the time');
      // Nothing that waited is lost.
      let isOver = false;
      const all = Promise.all([...ofAda, ...ofEve]).finally(() => {
        isOver = true;
      });
      await until('all are answered', () => {
        answerAll();
        return isOver;
      });
      for (const body of await all) assert.match(body, /"content":\[\]/);
    } finally {
      await gateway.stop();
    }
  });
