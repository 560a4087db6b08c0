/** Every command that a document, a help or a remedy prints can be typed, and those of the first hour do what they say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort, runToEnd, startAnnounced } from '../process.ts';
import { inDocuments, inHelp, inSources, misread } from './printed-commands.ts';

const root = join(import.meta.dirname, '..', '..');

/** What cannot be typed as it stands, each with the reason. */
const exceptions: Readonly<Record<string, string>> = {
  'key create --network 10.0.0.0/8': 'shown for its option alone; the caller is missing',
  'explain --args': 'shown for its option alone',
  '<command> --help': 'stands for each of them',
  'approval v1': 'begins what an approval is hashed with',
};

test('B19: every command in documents, help and remedies is one that there is', async () => {
  const help = await inHelp();
  const printed = [...inDocuments(), ...help, ...inSources()];
  assert.ok(inDocuments().length > 40 && help.length > 25 && inSources().length > 8, 'all are found');
  const wrong: string[] = [];
  for (const { where, words } of printed) {
    const text = words.join(' ');
    if (Object.hasOwn(exceptions, text)) continue;
    const problem = await misread(words);
    if (problem !== undefined) wrong.push(`${where}: sallyport ${text}: ${problem}`);
  }
  assert.deepEqual(wrong, []);
  const documents = ['README.md', 'docs/clients.md', 'docs/command-line.md'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  // A name in a registry that is not ours.
  for (const text of documents) assert.doesNotMatch(text, /npx[", ]+sallyport/);
});

/** Programs called `node` on this machine, one for each major version. */
function nodes(): readonly (readonly [major: string, folder: string])[] {
  const found = new Map<string, string>();
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const { status, stdout } = spawnSync(join(folder, 'node'), ['--version'], { encoding: 'utf8' });
    const [, major] = /^v(\d+)/.exec(stdout ?? '') ?? [];
    if (status === 0 && major !== undefined && !found.has(major)) found.set(major, folder);
  }
  return [...found].filter(([major]) => Number(major) >= 20);
}

function blocks(): readonly string[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## Your own servers\n');
  return [...section.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
}

/** The shape of a checkout, with a home folder in which a client has a file. */
async function checkout(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-b19-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['node_modules', 'gateway']) symlinkSync(join(root, name), join(folder, name));
  mkdirSync(join(folder, 'home', '.cursor'), { recursive: true });
  const servers = { web: { url: 'https://web.example/mcp', headers: { Authorization: 'Bearer s3cret' } } };
  writeFileSync(join(folder, 'home', '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: servers }));
  return folder;
}

for (const [major, bin] of nodes())
  test(`B19: the commands of the README work as they are printed, with Node ${major} first`, async (context) => {
    const folder = await checkout(context);
    const [own = '', taken = ''] = blocks();
    const env = { HOME: join(folder, 'home'), PATH: `${bin}:/usr/bin:/bin` };
    const lines = own.split('\n').filter((line) => line !== '' && !line.startsWith('sallyport serve '));
    const first = await runToEnd({ command: ['sh', '-ec', lines.join('\n')], cwd: folder, env });
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /^sp_/m);
    const config = join(folder, 'sallyport.yaml');
    const [mcp, admin] = [await freePort(), await freePort()];
    const text = readFileSync(config, 'utf8')
      .replace('port: 8808', `port: ${mcp}`)
      .replace('port: 8809', `port: ${admin}`);
    writeFileSync(config, text);
    const [path = ''] = lines;
    const [serve = ''] = own.split('\n').filter((line) => line.startsWith('sallyport serve '));
    const command = `${path}\n${serve.replace(/ *#.*/, '')} --json`;
    await using running = await startAnnounced(
      { command: ['sh', '-ec', command.replace(/\n(?=sallyport)/, '\nexec ')], cwd: folder, env },
      (line) => (line as { mcp?: string }).mcp,
    );
    assert.match(running.said, new RegExp(`:${mcp}$`));
    const adopted = await runToEnd({ command: ['sh', '-ec', `${path}\n${taken}`], cwd: folder, env });
    assert.equal(adopted.code, 0, adopted.stdout + adopted.stderr);
    assert.match(readFileSync(join(env.HOME, '.cursor', 'mcp.json'), 'utf8'), /sallyport/);
  });

test('B19: the configuration of the README is good, and explain answers its question', async (context) => {
  const folder = await checkout(context);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(readme) ?? [];
  writeFileSync(join(folder, 'sallyport.yaml'), yaml);
  const sallyport = (line: string) =>
    runToEnd({ command: ['sh', '-ec', `export PATH="$PWD/node_modules/.bin:$PATH"\n${line}`], cwd: folder });
  const checked = await sallyport('sallyport check --no-secrets');
  assert.equal(checked.code, 0, checked.stderr);
  const [question = ''] = /sallyport explain [^`]+/.exec(readme) ?? [];
  const explained = await sallyport(question);
  assert.equal(explained.code, 1, explained.stderr);
  assert.match(explained.stdout, /^DENY/);
});
