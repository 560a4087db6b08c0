/** A reload of a large configuration stops no request: files are read in a thread, tables are made in slices. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCallWith, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { startGateway } from '../harness.ts';
import { reload } from './reload.ts';
import { waitsDuring } from './stall.ts';

/** Writes the longest time of the processor that the main thread used between two turns of its loop, in milliseconds. */
const loopProbe = `
const { writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');
if (isMainThread && process.argv.includes('serve')) {
  const used = () => { const { user, system } = process.threadCpuUsage(); return (user + system) / 1000; };
  let last = used(), longest = 0;
  process.on('SIGUSR2', () => { writeFileSync(process.env.LOOP_PROBE, String(longest)); longest = 0; });
  setInterval(() => { const now = used(); longest = Math.max(longest, now - last); last = now; }, 2).unref();
}`;

const users = Number(process.env['SALLYPORT_USERS'] ?? 20_000);

test('A27: a reload of many users stops no request of the gateway', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a27-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const hook = join(folder, 'probe.cjs');
  const told = join(folder, 'longest');
  writeFileSync(hook, loopProbe);
  await using witness = await startWitness([{ name: 'open' }]);
  const names = Array.from({ length: users }, (_, n) => `user-${n}`);
  const settings = (count: number) => ({
    callers: {
      agents: { bot: {} },
      users: Object.fromEntries(names.slice(0, count).map((name) => [name, { roles: ['all'] }])),
    },
    servers: { notes: { url: witness.url } },
    connections: [
      { name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] },
      { name: 'all', from: { user: names.slice(0, count) }, to: 'notes', tools: [{ allow: '*' }] },
    ],
  });
  await using gateway = await startGateway(settings(1), {
    env: { NODE_OPTIONS: `--require ${hook}`, LOOP_PROBE: told },
  });
  const key = gateway.key('bot');
  const call = () => sendRaw(modernCallWith({ url: gateway.endpoint('notes'), key, tool: 'open' }));
  assert.equal((await call()).status, 200);
  const longest = async (): Promise<number> => {
    rmSync(told, { force: true });
    process.kill(gateway.pid, 'SIGUSR2');
    for (;;) {
      await call();
      try {
        const text = readFileSync(told, 'utf8');
        if (text !== '') return Number(text);
      } catch {
        // Not written yet.
      }
    }
  };
  await longest();
  const took: number[] = [];
  for (const count of [users, users - 1]) {
    const waits = await waitsDuring(gateway.admin, async () => {
      await reload(gateway, (file) => Object.assign(file, settings(count)));
      assert.equal((await call()).status, 200);
    });
    assert.ok(waits.count > 5, `${waits.count} health requests were answered meanwhile`);
    took.push(await longest());
  }
  context.diagnostic(`longest turns: ${took.join(', ')} ms`);
  // It was 1,400 ms and more; in general it is less than 50.
  assert.ok(Math.max(...took) < 300, `the loop stood still for ${took.join(', ')} ms of the processor`);
});
