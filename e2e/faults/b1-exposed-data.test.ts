/** No stdio server is handed the folder with the keys of the gateway, or the configuration. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fixtureCommand, gatewayFile, openSettings, packageFile, startGateway } from '../harness.ts';
import { runToEnd } from '../process.ts';

const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-b1-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function sallyport(folder: string, ...args: readonly string[]) {
  return runToEnd({ command: [process.execPath, gatewayFile, ...args], cwd: folder });
}

test('B1: what init writes starts, and its server is given a folder without keys', async (context) => {
  const folder = await folderOf(context);
  const made = await sallyport(folder, 'init');
  assert.equal(made.code, 0, made.stderr);
  assert.equal((await sallyport(folder, 'check')).code, 0);
  assert.equal((await sallyport(folder, 'key', 'create', '--agent', 'me')).code, 0);
  // The package is installed here, so that nothing is fetched.
  const path = join(folder, 'sallyport.yaml');
  const text = readFileSync(path, 'utf8').replace(
    /command: \[npx, -y, "[^"]+", (\S+)\]/,
    (_, served: string) => `command: [${process.execPath}, ${filesystem}, ${served}]`,
  );
  writeFileSync(path, text);
  const probed = await sallyport(folder, 'server', 'probe', 'files');
  assert.equal(probed.code, 0, probed.stdout + probed.stderr);
  const served = /index\.js, (\S+)\]/.exec(text)?.[1] ?? '';
  assert.equal(served, './agent-files');
  assert.deepEqual(readdirSync(join(folder, served)), []);
});

test('B1: check, serve and stdio refuse a server that is given the data folder or the configuration', async (context) => {
  const folder = await folderOf(context);
  mkdirSync(join(folder, 'data', 'keys'), { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, 'own'));
  symlinkSync(folder, join(folder, 'own', 'link'));
  const [program, ...args] = fixtureCommand('dual');
  const exposed: readonly object[] = [
    { command: [program, ...args, '.'] },
    { command: [program, ...args, folder] },
    { command: [program, ...args, '/'] },
    { command: [program, ...args, 'data'] },
    { command: [program, ...args, './data/keys'] },
    { command: [program, ...args, './own/../'] },
    { command: [program, ...args, './own/link'] },
    { command: [program, ...args, './sallyport.yaml'] },
    { command: [program, ...args, `--root=${folder}`] },
    { command: [program, ...args, '-v', `${folder}:/work`] },
    { command: [program, ...args, `--mount=type=bind,src=${folder},dst=/work`] },
    { command: [program, ...args, `file://${folder}/`] },
    { command: [program, ...args, '..'], cwd: './own' },
    { command: [program, ...args], cwd: '.' },
    { command: [program, ...args], cwd: './data' },
    { command: [program, ...args], env: { NOTES: './data/notes' } },
  ];
  const config = (servers: object): void =>
    writeFileSync(join(folder, 'sallyport.yaml'), JSON.stringify({ version: 1, servers }));
  config(Object.fromEntries(exposed.map((server, index) => [`s${index}`, server])));
  const checked = await sallyport(folder, 'check', '--json');
  assert.equal(checked.code, 1);
  const [{ diagnostics }] = (JSON.parse(checked.stdout) as { results: [{ diagnostics: Diagnosed[] }] }).results;
  assert.ok(diagnostics.every(({ code }) => code === 'CFG044'));
  const named = new Set(diagnostics.map(({ problem }) => Number(/the server s(\d+) /.exec(problem)?.[1])));
  assert.deepEqual(
    exposed.filter((_, index) => !named.has(index)),
    [],
  );
  config({ one: exposed[0] });
  for (const command of ['serve', 'stdio']) {
    const { code, stderr } = await sallyport(folder, command);
    assert.equal(code, 65);
    assert.match(
      stderr,
      /sallyport\.yaml:1:\d+ {2}CFG044 {2}argument \d+ gives the server one \S+, which is the (?:data folder|configuration).*\n {4}Give it/,
    );
  }
});

test('B1: a folder beside the data folder, a URL, a flag and the default working folder hand nothing over', async () => {
  const [program, ...args] = fixtureCommand('dual');
  const words = ['./own', 'http://127.0.0.1/', '-y', '--mode=data-only', 'pkg@1.0', '/nowhere/else', 'database'];
  const server = { command: [program, ...args, ...words], env: { URL: 'https://example.com/data', HOME: '/' } };
  await using gateway = await startGateway(openSettings('bot', { one: server }));
  assert.match(gateway.mcp, /^http/);
});

test('B1: a reload to a server that is given the keys is refused, and the running one stays', async () => {
  const settings = openSettings('bot', { one: { command: [...fixtureCommand('dual')] } });
  await using gateway = await startGateway(settings);
  const exposed = openSettings('bot', { one: { command: [...fixtureCommand('dual'), '.'] } });
  const started = JSON.parse(readFileSync(gateway.config, 'utf8')) as object;
  writeFileSync(gateway.config, JSON.stringify({ ...started, ...exposed }));
  await gateway.until(() => /CFG044.*configuration refused: the running one stays/.test(gateway.errors()));
});

interface Diagnosed {
  readonly code: string;
  readonly problem: string;
}
