import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { noPins } from '../../test/support/pins.ts';
import { policyOf, withConnections } from '../../test/support/policy.ts';
import type { Said } from '../pipeline/contracts/inspector.ts';
import type { UpstreamClient } from '../pipeline/contracts/upstream.ts';
import type { Delivery } from '../pipeline/deliver.ts';
import { ownWords } from '../pipeline/deliver.ts';
import { createLog } from '../telemetry/log.ts';
import { Catalogs } from './index.ts';

test('a list that changes while it is delivered and compiled is read again', async () => {
  const { revision } = await policyOf(
    withConnections('- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }] }'),
  );
  const { servers, bounds } = revision.configuration;
  const config = servers['s'] ?? assert.fail();
  const listeners = new Set<(method: string, params: object) => void>();
  let lists = 0;
  const upstream = {
    server: 's',
    facts: () => ({ era: 'legacy', version: '2025-11-25', capabilities: { tools: { listChanged: true } } }),
    list: async () => ({ ok: true, items: [{ name: `tool-${++lists}`, inputSchema: { type: 'object' } }] }),
    secrets: () => [],
    hearing: 'stream 1',
    onNotification: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as UpstreamClient;
  let announced = false;
  const catalogs = new Catalogs({
    log: createLog('silent'),
    pins: noPins,
    events: { onTool: () => {}, onReport: () => {} },
    deliver: (async (said: Said<object>) => {
      await turn();
      if (!announced) for (const listener of listeners) listener('notifications/tools/list_changed', {});
      announced = true;
      const delivery: Delivery<object> = { ok: true, content: ownWords(said.content) };
      return delivery;
    }) as never,
  });
  const catalog = catalogs.of(upstream, config, bounds);
  await catalog.read('tools');
  const read = catalog.read('tools');
  assert.ok(read instanceof Promise, 'what was read is stale already');
  const result = await read;
  assert.ok(result.ok && result.listed.byName.has('tool-2'));
  assert.ok(!(catalog.read('tools') instanceof Promise), 'nothing has changed since');
});
