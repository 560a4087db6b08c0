/**
 * Measures what three limits that apply cost a call, beside none and beside 10,000 limits that do not concern it, and the
 * memory of a million counters. Not a test: numbers depend on the machine. Run:
 * node --expose-gc gateway/scripts/measure-limits.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../src/config/load.ts';
import { Cancellation } from '../src/pipeline/cancellation.ts';
import type { Caller } from '../src/pipeline/contracts/caller.ts';
import { compilePolicy } from '../src/stages/decide/compile.ts';
import { clock } from '../src/stages/limits/limiter/clock.ts';
import { Limiter } from '../src/stages/limits/limiter/limiter.ts';
import { compileLimits } from '../src/stages/limits/rules/compile.ts';
import type { Demand } from '../src/state/contract/meters.ts';
import { MemoryMeters } from '../src/state/memory/meters.ts';

const caller: Caller = {
  agent: 'a',
  roles: [],
  scopes: [],
  claims: {},
  attributes: {},
  trust: 'standard',
  credential: { kind: 'api-key', id: 'k' },
  key: 'agent:a',
};
const use = { bytesIn: 10, bytesOut: 10, cost: 0, outcome: 'answered' } as const;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-measure-'));
for (const bystanders of [0, 10_000]) await measureCalls(bystanders);
measureMemory(1_000_000);
rmSync(folder, { recursive: true });

async function measureCalls(bystanders: number): Promise<void> {
  const path = join(folder, `${bystanders}.yaml`);
  const others = Array.from({ length: bystanders }, (_, n) => `  - { per: caller, tools: other_${n}, rate: 5/min }\n`);
  writeFileSync(
    path,
    `version: 1
callers: { agents: { a: {} } }
servers: { s: { url: "http://127.0.0.1:1" } }
limits:
  - { per: caller, rate: 100000000/s }
  - { per: [agent, tool], calls: 100000000/day }
  - { per: server, concurrency: 8 }
${others.join('')}connections: [{ name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }] }]
`,
  );
  const loaded = await loadConfiguration(path, {});
  const compiled = loaded.ok ? compilePolicy(loaded.revision) : loaded;
  if (!loaded.ok || !compiled.ok) throw new Error('the measurement itself is wrong');
  const rules = compileLimits(loaded.revision);
  const grants = compiled.policy.grants(caller, 's', { at: 0 });
  if (grants === undefined) throw new Error('the measurement itself is wrong');
  const limiter = new Limiter({ meters: new MemoryMeters({ maxKeys: 1_000 }), now: clock(), onEvent: () => {} });
  const cancellation = new Cancellation();
  const named = { server: 's', tool: 't', tier: 'write' } as const;
  const call = (): void => {
    const subject = { caller, address: '192.0.2.1', session: undefined, connection: 'c', ...named };
    const target = { grants, ...named };
    const admitted = limiter.admit({ subject, target, bytesIn: 10, cost: 0, isResumed: false, cancellation }, rules);
    if (admitted instanceof Promise || !admitted.ok) throw new Error('the measurement itself is wrong');
    admitted.value.lease.settle(use);
  };
  for (let warm = 0; warm < 200_000; warm++) call();
  const rounds = 1_000_000;
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round++) call();
  const { user, system } = process.cpuUsage(before);
  const micros = (user + system) / rounds;
  process.stdout.write(`${micros.toFixed(2)} µs of CPU for three limits, beside ${bystanders} that do not apply\n`);
}

function measureMemory(count: number): void {
  const { gc } = globalThis;
  gc?.();
  const before = process.memoryUsage().heapUsed;
  const meters = new MemoryMeters({ maxKeys: count });
  const sum = { kind: 'sum', limit: 100, slot: 1_000, since: 0, lastsMs: 1e9 } as const;
  const rate = { kind: 'rate', everyMicros: 1e9, burst: 100 } as const;
  for (let n = 0; n < count; n++) {
    const meter: Demand['meter'] = n % 2 === 0 ? sum : rate;
    const key = `user:person-${n} agent:support-bot projects/update_project`;
    meters.take([{ table: meter.kind, key, meter, amount: 1, enforced: true }], 2_000);
  }
  gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  process.stdout.write(`${bytes.toFixed(0)} bytes for each of ${meters.size()} counters\n`);
}
