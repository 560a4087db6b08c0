/** Evidence from files alone: packages of npm and Python, and images, as they lie on a disk. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { commandEvidence } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-evidence-'));
after(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
  return full;
}

const of = (program: string, ...args: readonly string[]) =>
  commandEvidence({
    program,
    args,
    cwd: join(root, 'project'),
    env: { HOME: join(root, 'home'), PATH: join(root, 'bin') },
  });
const sha256 = (text: string): string => `sha256-${createHash('sha256').update(text).digest('hex')}`;

put('project/package.json', { name: 'project', version: '0' });
put('project/node_modules/@a/server/package.json', { name: '@a/server', version: '2.0.0' });
put('project/node_modules/@a/server/main.js', 'run()');
put('project/node_modules/.package-lock.json', {
  packages: {
    'node_modules/@a/other': { version: '9', integrity: 'sha512-other' },
    'node_modules/@a/server': { version: '2.0.0', integrity: 'sha512-server' },
    'node_modules/bare': { version: '1' },
    'node_modules/late': { version: '1', integrity: 'sha512-late' },
  },
});
put('project/node_modules/bare/package.json', { name: 'bare', version: '1' });

test('npx runs what the project has, else what its cache has, else what is written', async () => {
  const local = { command: 'npx', package: '@a/server', version: '2.0.0', integrity: 'sha512-server' };
  assert.deepEqual(await of('npx', '-y', '@a/server', '/data'), local);
  assert.deepEqual(await of('npm', 'exec', '--', '@a/server@2.0.0'), { ...local, command: 'npm' });
  assert.deepEqual(await of('npx', '@a/server@3.0.0'), { command: 'npx', package: '@a/server@3.0.0' });
  const key = createHash('sha512').update('@a/server@3.0.0').digest('hex').slice(0, 16);
  put(`home/.npm/_npx/${key}/node_modules/@a/server/package.json`, { name: '@a/server', version: '3.0.0' });
  put(`home/.npm/_npx/${key}/node_modules/.package-lock.json`, {
    packages: { 'node_modules/@a/server': { version: '3.0.0', integrity: 'sha512-third' } },
  });
  const cached = { command: 'npx', package: '@a/server', version: '3.0.0', integrity: 'sha512-third' };
  assert.deepEqual(await of('npx', '-y', '@a/server@3.0.0'), cached);
  const { integrity, manifest } = await of('npx', 'bare');
  assert.equal(integrity, undefined, 'that of the entry behind it');
  assert.match(manifest ?? '', /^sha256-/);
});

test('a script and a program are the package that they are in, and their content', async () => {
  const file = join(root, 'project/node_modules/@a/server/main.js');
  const facts = {
    package: '@a/server',
    version: '2.0.0',
    integrity: 'sha512-server',
    file,
    fileDigest: sha256('run()'),
  };
  assert.deepEqual(await of('node', '--no-warnings', file, 'x'), { command: 'node', ...facts });
  mkdirSync(join(root, 'bin'), { recursive: true });
  symlinkSync(file, join(root, 'bin', 'a-server'));
  assert.deepEqual(await of('a-server'), { command: 'a-server', ...facts });
  const binary = put('bin/plain', 'machine code');
  assert.deepEqual(await of(binary), { command: 'plain', file: binary, fileDigest: sha256('machine code') });
  assert.deepEqual(await of('none-of-that-name'), { command: 'none-of-that-name' });
});

test('tools of uv, modules of an environment, and projects with a lock file', async () => {
  const packages = 'lib/python3.12/site-packages';
  put(`home/.local/share/uv/tools/mcp-server-git/${packages}/mcp_server_git-1.2.3.dist-info/RECORD`, 'a,sha256=b,1');
  const found = { package: 'mcp-server-git', version: '1.2.3', integrity: sha256('a,sha256=b,1') };
  assert.deepEqual(await of('uvx', 'mcp-server-git'), { command: 'uvx', ...found });
  assert.deepEqual(await of('uv', 'tool', 'run', 'mcp-server-git@9'), {
    command: 'uv',
    package: 'mcp-server-git',
    version: '9',
  });
  put(`project/venv/${packages}/mcp_server_git-2.0.0.dist-info/METADATA`, '');
  put('project/venv/bin/python', '');
  assert.deepEqual(await of('venv/bin/python', '-m', 'mcp_server_git'), {
    command: 'python',
    package: 'mcp_server_git',
    version: '2.0.0',
  });
  put('project/py/uv.lock', 'version = 1');
  assert.deepEqual(await of('uv', 'run', '--directory', 'py', 'x'), { command: 'uv', lock: sha256('version = 1') });
});

test('an image is its digest, written or known to the engine', async () => {
  const written = { command: 'docker', image: 'mcp/git', digest: 'sha256:1' };
  assert.deepEqual(await of('docker', 'run', '-i', '--rm', '-e', 'A', 'mcp/git@sha256:1', '--x'), written);
  put('home/.local/share/containers/storage/overlay-images/images.json', [
    { digest: 'sha256:2', names: ['docker.io/mcp/git:latest'] },
  ]);
  assert.deepEqual(await of('podman', 'run', '-i', '--mount=x', 'mcp/git'), {
    command: 'podman',
    image: 'mcp/git',
    digest: 'sha256:2',
  });
});
