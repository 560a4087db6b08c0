/** A24: no signal ends a gateway by accident, in any phase of its life. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';

const harmless = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGVTALRM', 'SIGWINCH', 'SIGCONT'] as const;

test('A24: while it serves, and while it drains', async () => {
  await using witness = await startWitness([{ name: 'slow' }]);
  await using gateway = await startGateway({
    ...openSettings('client', { witness: { url: witness.url } }),
    bounds: { drain: '20s' },
  });
  const arrived = Promise.withResolvers<() => void>();
  witness.answer('slow', (response, { message }) =>
    arrived.resolve(() =>
      sendJson(response, {
        jsonrpc: '2.0',
        id: message.id,
        result: { resultType: 'complete', content: [{ type: 'text', text: 'late' }] },
      }),
    ),
  );
  for (const signal of harmless) process.kill(gateway.pid, signal);
  assert.equal((await fetch(`${gateway.admin}/healthz`)).status, 200);
  const call = sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('tools/call', 'slow'),
    body: modernCall('slow'),
    within: 30_000,
  });
  const finish = await arrived.promise;
  const ended = once(gateway.child, 'exit');
  process.kill(gateway.pid, 'SIGTERM');
  await gateway.until(() => gateway.errors().includes('"stopping"'));
  for (const signal of harmless) process.kill(gateway.pid, signal);
  finish();
  assert.match((await call).body, /late/);
  assert.deepEqual(await ended, [0, null]);
});

test('A24: three thousand SIGHUPs are a few reloads', async () => {
  await using gateway = await startGateway(openSettings('client', { none: { url: 'http://127.0.0.1:9/mcp' } }));
  // A change that is there before the first signal, so that the last reload says when all is over.
  const before = gateway.errors().length;
  for (let sent = 0; sent < 3_000; sent++) process.kill(gateway.pid, 'SIGHUP');
  await writeFile(gateway.config, 'version: 2');
  process.kill(gateway.pid, 'SIGHUP');
  await gateway.until(() => gateway.errors().includes('configuration refused'));
  assert.equal((await fetch(`${gateway.admin}/healthz`)).status, 200);
  const refusals = gateway.errors().slice(before).split('configuration refused').length - 1;
  assert.ok(refusals < 20, `${refusals} reloads`);
});

test('A24: while it starts', async () => {
  for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-signals-'));
    const config = join(folder, 'sallyport.yaml');
    await writeFile(
      config,
      JSON.stringify({
        version: 1,
        data: join(folder, 'data'),
        listen: { mcp: { port: 0 }, admin: { port: 0 } },
        ...openSettings('client', { none: { url: 'http://127.0.0.1:9/mcp' } }),
      }),
    );
    // The program says itself when it can take signals: everything else of the start comes after that.
    const preload = join(folder, 'ready.mjs');
    await writeFile(
      preload,
      `const { on } = process; process.on = function (name, ...rest) {
         const made = on.call(process, name, ...rest);
         if (name === '${signal}') process.stdout.write('taken\\n');
         return made;
       };`,
    );
    const child = spawn(
      process.execPath,
      ['--import', preload, 'gateway/bin/sallyport.js', 'serve', '--config', config, '--json'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let said = '';
    const changes = new EventTarget();
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      changes.dispatchEvent(new Event('change'));
    });
    const ended = once(child, 'exit');
    const until = async (text: string): Promise<void> => {
      while (!said.includes(text)) await once(changes, 'change', { signal: AbortSignal.timeout(patienceMs) });
    };
    await until('taken');
    child.kill(signal);
    if (signal === 'SIGHUP') {
      await until('listening');
      child.kill('SIGTERM');
    }
    assert.deepEqual(await ended, [0, null], signal);
    await rm(folder, { recursive: true, force: true });
  }
});
