/** When servers are looked at, how many at once, and what comes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Configuration } from '../config/schema/index.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Glance } from '../upstreams/glance.ts';
import { type DiscoveryOutcome, ScheduledDiscovery } from './discovery.ts';

interface World {
  readonly looks: [string, DiscoveryOutcome][];
  readonly renewed: string[];
  readonly discovery: ScheduledDiscovery;
  clock: number;
  servers: Readonly<Record<string, object>>;
}

function worldOf(glance: (server: string) => Partial<Glance> | undefined, names: readonly string[]): World {
  const current = new Map<string, ReadonlyMap<string, string>>();
  const world: Omit<World, 'discovery'> = {
    looks: [],
    renewed: [],
    clock: 0,
    servers: Object.fromEntries(names.map((name) => [name, { status: 'active' }])),
  };
  const discovery = new ScheduledDiscovery({
    configuration: () =>
      ({
        pins: { mode: 'review', onChange: 'quarantine', every: 1_000 },
        servers: world.servers,
      }) as unknown as Configuration,
    glance: (server) => {
      const made = glance(server);
      return (
        made &&
        ({ server, secrets: () => [], end: () => {}, facts: () => Promise.resolve(undefined), ...made } as Glance)
      );
    },
    pins: {
      judge: (_of, kind, items) => {
        current.set(kind, new Map(items.map((item) => [JSON.stringify(item.name), JSON.stringify(item)])));
        return Promise.resolve([]);
      },
      judgeInstructions: () => Promise.resolve(undefined),
      met: () => {},
      renew: (server) => world.renewed.push(server),
    },
    store: { current: (_server, kind) => current.get(kind) },
    onLook: (server, outcome) => world.looks.push([server, outcome]),
    now: () => world.clock,
    random: () => 1,
  });
  return Object.assign(world, { discovery });
}

async function settle(): Promise<void> {
  for (let at = 0; at < 20; at++) await turn();
}

const facts = { era: 'modern', version: 'x', capabilities: { tools: {} } } as const;

test('a server is looked at when it is due, and callers are told when what it defines changed', async () => {
  let items: readonly JsonObject[] = [{ name: 'a' }];
  const world = worldOf(
    () => ({ facts: () => Promise.resolve(facts), list: () => Promise.resolve({ ok: true, items }) }),
    ['s'],
  );
  const at = async (clock: number): Promise<void> => {
    world.clock = clock;
    world.discovery.look();
    await settle();
  };
  await at(0);
  await at(999);
  assert.deepEqual(world.looks, []);
  await at(1_000);
  assert.deepEqual(world.looks, [['s', 'changed']]);
  await at(2_199);
  assert.equal(world.looks.length, 1);
  await at(2_200);
  assert.deepEqual(world.looks.at(-1), ['s', 'read']);
  items = [{ name: 'a' }, { name: 'b' }];
  await at(3_400);
  assert.deepEqual(world.looks.at(-1), ['s', 'changed']);
  assert.deepEqual(world.renewed, ['s', 's']);
  world.servers = { s: { status: 'active', pins: { every: 'off' } } };
  await at(9_000);
  assert.equal(world.looks.length, 3);
});

test('few looks go on at once, one that hangs keeps no other from its turn, and what cannot be looked at is left', async () => {
  const names = Array.from({ length: 10 }, (_, at) => `s${at}`);
  let open = 0;
  const never = new Promise<undefined>(() => {});
  const world = worldOf((server) => {
    if (server === 's9') return undefined;
    open += 1;
    return { facts: () => (server === 's0' ? never : Promise.resolve(undefined)) };
  }, names);
  world.discovery.look();
  world.clock = 1_000;
  world.discovery.look();
  assert.equal(open, 4);
  for (let round = 0; round < 3; round++) {
    await settle();
    world.discovery.look();
  }
  await settle();
  assert.equal(open, 9);
  assert.equal(world.looks.filter(([, outcome]) => outcome === 'failed').length, 8);
  assert.deepEqual(
    world.looks.filter(([, outcome]) => outcome === 'skipped'),
    [['s9', 'skipped']],
  );
});
