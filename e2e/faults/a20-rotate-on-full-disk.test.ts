/** What was good before a write is still good after one that fails, and one damaged item takes no other with it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { fill, smallDisk } from '../audit/small-disk.ts';
import { startGateway } from '../harness.ts';
import { sallyportWith } from './commands.ts';

const long = 'x'.repeat(40_000);

test('A20: a rotation on a nearly full disk keeps the secret that was good, in use and on the disk', async (context) => {
  const folder = await smallDisk(context);
  if (folder === undefined) return context.skip('no file system can be mounted here');
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = {
    audit: { enabled: false },
    callers: { agents: { bot: {} } },
    servers: { notes: { url: witness.url, credential: { bearer: '${secret:token}' } } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, data: join(folder, 'data'), ...settings }));
  assert.equal((await sallyportWith('good', 'secret', 'put', 'token', '--config', config)).code, 0);
  assert.equal((await sallyportWith('other', 'secret', 'put', 'other', '--config', config)).code, 0);
  await using gateway = await startGateway(settings, { folder });
  const key = gateway.key('bot');
  const filler = join(folder, 'data', 'filler');
  fill(filler);
  // One page is left: a part of the new value fits, and the rest does not.
  for (const left of [0, 4_096, 8_192, 16_384]) {
    if (left > 0) truncateSync(filler, Number(execFileSync('stat', ['-c', '%s', filler])) - left);
    const rotated = await sallyportWith(long, 'secret', 'rotate', 'token', '--no-probe', '--config', gateway.config);
    assert.equal(rotated.code, 66, rotated.stdout);
    assert.match(rotated.stderr, /ENOSPC/);
    fill(filler);
  }
  const added = await sallyportWith(long, 'secret', 'put', 'new', '--config', gateway.config);
  assert.equal(added.code, 66);
  const listed = await runCommandHere('secret', 'list', '--config', gateway.config);
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(listed.stdout.match(/^\S+/gm), ['other', 'token']);
  await sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
    body: modernCall('open'),
  });
  assert.equal(witness.calls().at(-1)?.headers.authorization, 'Bearer good');
  assert.deepEqual(
    readdirSync(join(folder, 'data', 'secrets')).filter((name) => name.endsWith('.new')),
    [],
  );
  rmSync(filler);
  const rotated = await sallyportWith('better', 'secret', 'rotate', 'token', '--no-probe', '--config', gateway.config);
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.match(rotated.stdout, /rotated and in force/);
});

test('A20: a damaged secret is named, and every command goes on with the others', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-a20-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, data: join(folder, 'data') }));
  const secret = (input: string, ...args: string[]) => sallyportWith(input, 'secret', ...args, '--config', config);
  const bad = ['cut', 'empty', 'fifo', 'folder', 'null', 'text'];
  for (const name of [...bad, 'whole']) assert.equal((await secret('value', 'put', name)).code, 0);
  const path = (name: string): string => join(folder, 'data', 'secrets', `${name}.json`);
  truncateSync(path('cut'), 40);
  truncateSync(path('empty'), 0);
  writeFileSync(path('null'), 'null');
  writeFileSync(path('text'), '{"version":1}');
  rmSync(path('fifo'));
  execFileSync('mkfifo', [path('fifo')]);
  rmSync(path('folder'));
  mkdirSync(path('folder'));
  const listed = await secret('', 'list');
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(
    listed.stdout.match(/^\S+ {2}DAMAGED/gm),
    bad.map((name) => `${name}  DAMAGED`),
  );
  assert.match(listed.stdout, /^whole {2}local {2}rotated /m);
  const rewrapped = await secret('', 'rewrap');
  assert.equal(rewrapped.code, 66);
  assert.match(rewrapped.stdout, /^1 secrets are wrapped anew$/m);
  for (const name of bad) assert.match(rewrapped.stderr, new RegExp(`sallyport: ${name} stays as it was: `));
  assert.equal((await secret('new', 'rotate', 'cut', '--no-probe')).code, 0);
  for (const name of ['fifo', 'folder', 'text']) assert.equal((await secret('', 'remove', name)).code, 0);
  assert.equal((await secret('', 'list')).stdout.match(/DAMAGED/g)?.length, 2);
});

test('A20 (source): one function writes the files of the product', () => {
  const source = join(import.meta.dirname, '..', '..', 'gateway', 'src');
  /** Who writes without it: the log and copies of checkpoints, which grow, and the pipe to a process. */
  const allowed =
    /^(?:stores\/whole-file|cli\/output-file|stages\/record\/(?:log\/[a-z-]+|retention\/drop|anchors\/file\/anchor)|upstreams\/stdio\/supervisor)\.ts$/;
  const writes =
    /\b(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|writeSync|copyFile|copyFileSync)\(/;
  const others = globSync('**/*.ts', { cwd: source })
    .filter((file) => !file.endsWith('.test.ts') && !allowed.test(file))
    .filter((file) => writes.test(readFileSync(join(source, file), 'utf8')));
  assert.deepEqual(others, []);
});
