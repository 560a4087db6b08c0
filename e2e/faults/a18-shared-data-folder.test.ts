/** A data folder that others can write is no place for keys. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sallyportWith } from './commands.ts';

test('A18: a data folder that others can write is refused, and the modes of folders of our own are mended', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a18-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  const data = join(folder, 'data');
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      data,
      callers: { agents: { bot: {} } },
      listen: { mcp: { port: 0 }, admin: { port: 0 } },
    }),
  );
  mkdirSync(join(data, 'keys'), { recursive: true });
  for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
    chmodSync(data, mode);
    for (const command of [['serve'], ['key', 'create', '--agent', 'bot'], ['secret', 'put', 'token']]) {
      const { code, stderr } = await sallyportWith('value', ...command, '--config', config);
      assert.equal(code, 66, `${mode.toString(8)} ${command[0]}: ${stderr}`);
      assert.match(stderr, /others can write the data folder .*\n? *.*chmod 700/);
      if (mode !== 0o777) break;
    }
  }
  chmodSync(data, 0o750);
  chmodSync(join(data, 'keys'), 0o777);
  assert.equal((await sallyportWith('', 'key', 'create', '--agent', 'bot', '--config', config)).code, 0);
  assert.equal(statSync(join(data, 'keys')).mode & 0o777, 0o700);
});
