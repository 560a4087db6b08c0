/** The last line that a stdio client sends counts, whether or not a newline follows it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startWitness } from '../attacks/witness.ts';
import { sallyportWith } from './commands.ts';

test('A26: a last line without a newline is answered, and half a message is refused', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a26-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using witness = await startWitness([{ name: 'open' }]);
  const config = join(folder, 'sallyport.yaml');
  const settings = {
    version: 1,
    data: join(folder, 'data'),
    authentication: { anonymous: { agent: 'bot' } },
    callers: { agents: { bot: {} } },
    servers: { notes: { url: witness.url } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
  writeFileSync(config, JSON.stringify(settings));
  const ping = (id: number): string => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
  const ids = async (input: string): Promise<readonly unknown[]> => {
    const { code, stdout, stderr } = await sallyportWith(input, 'stdio', '--config', config);
    assert.equal(code, 0, stderr);
    const found = stdout.split('\n').flatMap((line) => {
      if (line === '') return [];
      const { id, error } = JSON.parse(line) as { id?: unknown; error?: { code: number } };
      return [error === undefined ? id : error.code];
    });
    // Answers come in any order.
    return found.toSorted((a, b) => Number(b) - Number(a));
  };
  assert.deepEqual(await ids(`${ping(1)}\n${ping(2)}`), [2, 1]);
  assert.deepEqual(await ids(`${ping(1)}\n${ping(2).slice(0, -1)}`), [1, -32700]);
  assert.deepEqual(await ids(`${ping(1)}\n\r`), [1]);
});
