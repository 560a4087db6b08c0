/** A change of the configuration, or of a file that it names, counts whenever it is made: while the gateway starts as well. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';

/** Waits for the data folder of a gateway that starts: its configuration has been read by then, and nothing listens yet. */
async function hasRead(data: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!existsSync(data)) {
    assert.ok(Date.now() < deadline, 'the gateway does not start');
    await nextTurn();
  }
}

test('W7: the configuration and a secret file that change while the gateway starts are in force soon after', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-w07-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const secret = join(folder, 'secret');
  await using witness = await startWitness([{ name: 'open' }, { name: 'late' }]);
  for (const changed of ['configuration', 'secret']) {
    writeFileSync(secret, 'secret-of-before');
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    const settings = openSettings('client', {
      notes: { url: witness.url, headers: { 'x-key': `\${file:${secret}}` } },
    });
    const [connection] = settings['connections'] as [object];
    const starting = startGateway(
      { ...settings, connections: [{ ...connection, tools: [{ allow: 'open' }] }] },
      { folder },
    );
    await hasRead(join(folder, 'data'));
    const config = join(folder, 'sallyport.yaml');
    if (changed === 'secret') writeFileSync(secret, 'secret-of-after');
    else
      writeFileSync(
        config,
        JSON.stringify({ ...(JSON.parse(await readFile(config, 'utf8')) as object), connections: [connection] }),
      );
    await using gateway = await starting;
    await gateway.until(() => gateway.errors().includes('configuration in force'));
    const { body } = await sendRaw({
      url: gateway.endpoint('notes'),
      headers: modernHeaders('tools/call', changed === 'secret' ? 'open' : 'late'),
      body: modernCall(changed === 'secret' ? 'open' : 'late'),
    });
    assert.match(body, /the witness was called/);
    if (changed === 'secret') assert.equal(witness.calls().at(-1)?.headers['x-key'], 'secret-of-after');
  }
});
