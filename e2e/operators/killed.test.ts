/**
 * Held calls of a gateway that is killed at any step: a call is never made twice, never without an approval, and an
 * approval that still stands makes it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openMasterKey } from '../../gateway/src/secrets/master-key.ts';
import { type ApprovalStore, openApprovalStore } from '../../gateway/src/stages/approve/store.ts';
import { type JsonBody, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { seeded } from '../fuzz/random.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';

const rounds = Number(process.env['SALLYPORT_ROUNDS'] ?? 6);

/** A server that counts how often each order was paid. */
async function startPaying() {
  const paid: number[] = [];
  const about = { resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public' };
  const results: Readonly<Record<string, object>> = {
    'server/discover': { ...about, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    'tools/list': {
      ...about,
      tools: [{ name: 'pay', inputSchema: { type: 'object', properties: { order: { type: 'integer' } } } }],
    },
  };
  const server = createServer((request, response) => {
    const read = async (): Promise<void> => {
      const { id, method, params } = (await json(request)) as {
        readonly id?: number;
        readonly method: string;
        readonly params?: { readonly arguments?: { readonly order?: number } };
      };
      const order = params?.arguments?.order;
      if (method === 'tools/call' && order !== undefined) paid.push(order);
      const result = results[method] ?? { resultType: 'complete', content: [{ type: 'text', text: `paid ${order}` }] };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    };
    read().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    timesPaid: (order: number) => paid.filter((each) => each === order).length,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a gateway that is killed at any step of an approval makes the call at most once, and only when it was approved', async (t) => {
  const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SALLYPORT_SEED=${seed}`);
  const random = seeded(seed);
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-killed-'));
  await using paying = await startPaying();
  const start = (): Promise<Gateway> =>
    startGateway(
      {
        callers: { agents: { payer: {} } },
        servers: { bank: { url: paying.url } },
        connections: [{ name: 'bank', from: { anyone: true }, to: 'bank', tools: [{ hold: 'pay' }] }],
      },
      { folder },
    );
  let gateway = await start();
  const key = gateway.key('payer');
  const pay = async (order: number): Promise<JsonBody | undefined> => {
    const headers = [...modernHeaders('tools/call', 'pay'), ['Authorization', `Bearer ${key}`] as const];
    const url = gateway.endpoint('bank');
    return (await sendRaw({ url, headers, body: modernCall('pay', { order }), within: patienceMs })).json;
  };
  const master = openMasterKey(join(folder, 'data'));
  assert.ok(master.ok);
  const store: ApprovalStore = openApprovalStore(join(folder, 'data'), master.key);
  const killDuring = async (work: Promise<unknown>): Promise<void> => {
    await pause(random.below(60));
    process.kill(gateway.pid, 'SIGKILL');
    await work.catch(() => undefined);
    await gateway.stop();
    gateway = await start();
  };
  const stateOf = (order: number) =>
    store
      .list({}, Date.now())
      .map(({ id }) => store.get(id, Date.now()))
      .find((each) => each?.content?.arguments.order === order);
  const approve = async (order: number): Promise<void> => {
    const approval = stateOf(order) ?? assert.fail(`nothing waits for order ${order}`);
    const voted = await store.vote(approval.id, 'approve', { by: 'os:test', kind: 'machine', at: Date.now() });
    assert.ok(voted.ok, JSON.stringify(voted));
  };

  try {
    await pay(0);
    for (let order = 1; order <= rounds; order++) {
      const step = random.pick(['asking', 'approving', 'making'] as const);
      if (step === 'asking') await killDuring(pay(order));
      if (stateOf(order) === undefined) await pay(order);
      assert.equal(paying.timesPaid(order), 0, `order ${order} was paid without an approval (${step})`);
      await approve(order);
      if (step === 'approving') await killDuring(pause(random.below(60)));
      if (step === 'making') await killDuring(pay(order));
      const before = stateOf(order)?.state;
      const paidBefore = paying.timesPaid(order);
      const again = await pay(order);
      if (before === 'approved') assert.equal(paying.timesPaid(order), 1, `${step}: ${JSON.stringify(again)}`);
      else assert.equal(paying.timesPaid(order), paidBefore, `${step}: paid again with a spent approval`);
      await pay(order);
      assert.ok(paying.timesPaid(order) <= 1, `order ${order} was paid ${paying.timesPaid(order)} times (${step})`);
    }
    assert.equal(paying.timesPaid(0), 0);
  } finally {
    store.close();
    await gateway.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
