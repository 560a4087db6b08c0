/** A2, A3: a loop that stands still, and errors that nothing catches. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { openSettings, startGateway } from '../harness.ts';

/** A gateway into which a test loads something that goes wrong when SIGUSR2 comes. */
async function startWith(folder: string, wrong: string, settings: object = {}) {
  const preload = join(folder, 'wrong.mjs');
  await writeFile(preload, `process.on('SIGUSR2', () => { ${wrong} });`);
  return startGateway(
    { ...openSettings('client', { none: { url: 'http://127.0.0.1:9/mcp' } }), ...settings },
    { folder, env: { NODE_OPTIONS: `--import=${preload}` } },
  );
}

async function recordsOf(config: string, kind: string): Promise<string> {
  return (await runCommandHere('audit', 'search', '--kind', kind, '--json', '--config', config)).stdout;
}

const cases = [
  {
    name: 'a loop without end',
    wrong: 'const spin = () => { for (;;); }; spin();',
    code: 75,
    kind: 'stall',
    says: /spin \S+\/wrong\.mjs:\d/,
  },
  {
    name: 'an error that nothing catches',
    wrong: "throw new Error('planted');",
    code: 70,
    kind: 'crash',
    says: /planted/,
  },
] as const;

for (const { name, wrong, code, kind, says } of cases)
  test(`A2: ${name} ends the process with ${code}, and the next start records it`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-watchdog-'));
    try {
      const gateway = await startWith(folder, wrong, { bounds: { stall: '2s' } });
      const ended = once(gateway.child, 'exit');
      process.kill(gateway.pid, 'SIGUSR2');
      assert.deepEqual(await ended, [code, null], gateway.errors());
      await using next = await startWith(folder, '', {});
      assert.match(next.errors(), /an earlier process ended badly/);
      assert.match(next.errors(), says);
      await next.stop();
      assert.match(await recordsOf(next.config, kind), new RegExp(`"kind":\\s*"${kind}"`));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

test('A3: a rejection that nothing catches is written down, and the gateway goes on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-watchdog-'));
  try {
    await using gateway = await startWith(folder, "void Promise.reject(new Error('planted'));");
    process.kill(gateway.pid, 'SIGUSR2');
    await gateway.until(() => gateway.errors().includes('planted'));
    assert.equal((await fetch(`${gateway.admin}/healthz`)).status, 200);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
