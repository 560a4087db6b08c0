/**
 * Measures a decision and an authentication in nanoseconds, beside 10 and beside 10,000 rules and connections that do
 * not concern the call. Not a test: numbers depend on the machine. Run: node gateway/scripts/measure-policy.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../src/config/load.ts';
import { openKeyAdmin, openKeyRing } from '../src/stages/authenticate/api-key/open.ts';
import { makeAuthenticate } from '../src/stages/authenticate/index.ts';
import { compilePolicy } from '../src/stages/decide/compile.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-measure-'));
for (const bystanders of [10, 10_000]) await measure(bystanders);
rmSync(folder, { recursive: true });

async function measure(bystanders: number): Promise<void> {
  const lines = Array.from({ length: bystanders }, (_, index) => index);
  const path = join(folder, `${bystanders}.yaml`);
  writeFileSync(
    path,
    `version: 1
callers: { agents: { demo: { attributes: { tables: [x, y, users] } }, other: {} } }
servers: { s: { url: "http://127.0.0.1:1" } }
connections:
  - name: measured
    from: { agent: demo }
    to: s
    tools:
      - { allow: query, when: "args.table in caller.attributes.tables && args.limit <= 100" }
      - { deny: "drop_*" }
${lines.map((index) => `      - { allow: tool_${index}, when: "args.limit <= ${index}" }`).join('\n')}
    resources:
      - { allow: "resource://projects/{id}", when: uri.id in caller.attributes.tables }
${lines.map((index) => `      - { deny: "resource://secrets/${index}" }`).join('\n')}
${lines.map((index) => `  - { name: o${index}, from: { agent: other }, to: s, tools: [{ allow: "*" }] }`).join('\n')}
`,
  );
  const started = performance.now();
  const loaded = await loadConfiguration(path, {});
  const compiled = loaded.ok ? compilePolicy(loaded.revision) : loaded;
  const desk = openKeyAdmin(join(folder, 'data'));
  const ring = openKeyRing(join(folder, 'data'));
  if (!loaded.ok || !compiled.ok || !desk.ok || !ring.ok) throw new Error('the measurement itself is wrong');
  const loading = performance.now() - started;
  const { text } = desk.value.create({ agent: 'demo' }, Date.now());
  ring.value.follow();
  const authenticate = makeAuthenticate({ configuration: loaded.revision.configuration, keys: ring.value });
  const header = Buffer.from(`Bearer ${text}`);
  // A string of its own each time, as a header parser makes it.
  const present = () =>
    authenticate({ authorization: header.toString('latin1'), headers: {}, transport: 'http' as const });
  const answer = await present();
  if (!answer.ok) throw new Error(answer.refusal.reason);
  const { policy } = compiled;
  const caller = answer.value;
  const args = { table: 'users', limit: 10 };
  const grants = () => policy.grants(caller, 's', { at: 0 });
  process.stdout.write(`beside ${bystanders} rules, patterns and connections (loaded in ${loading.toFixed(0)} ms)\n`);
  time('authenticate', present);
  time('decide, one argument condition', () => grants()?.decide({ type: 'tool', name: 'query' }, args, 0));
  time('decide, a wildcard deny', () => grants()?.decide({ type: 'tool', name: 'drop_all' }, args, 0));
  time('decide, a resource with a condition', () =>
    grants()?.decide({ type: 'resource', uri: 'resource://projects/x' }, undefined, 0),
  );
  time('could this tool be allowed', () => grants()?.couldAllow({ type: 'tool', name: 'query' }));
  ring.value.close();
  desk.value.store.close();
}

function time(name: string, work: () => unknown): void {
  for (let warm = 0; warm < 100_000; warm++) work();
  const rounds = 500_000;
  const started = process.hrtime.bigint();
  for (let round = 0; round < rounds; round++) work();
  const each = Number(process.hrtime.bigint() - started) / rounds;
  process.stdout.write(`  ${each.toFixed(0).padStart(6)} ns  ${name}\n`);
}
