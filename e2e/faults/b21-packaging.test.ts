/** The unit and the image: what they run, as the user and with the file system that they give it. */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from '../clients.ts';
import { patienceMs, runToEnd, startAnnounced } from '../process.ts';

const root = join(import.meta.dirname, '..', '..');
const packaging = join(root, 'packaging');
const installed = '/opt/sallyport/node_modules/sallyport/bin/sallyport.js';
const user = 10_001;
const minute = 60_000;

async function run(command: readonly [string, ...string[]], cwd = root) {
  return await runToEnd({ command, cwd, within: 2 * minute });
}

async function canIsolate(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  return (await run(['unshare', '--mount', 'mount', '-o', 'remount,bind,ro', '/'])).code === 0;
}

test('B21: the unit and the image start the program where the guide installs it', async () => {
  const unit = await readFile(join(packaging, 'sallyport.service'), 'utf8');
  const image = await readFile(join(packaging, 'Containerfile'), 'utf8');
  const guide = await readFile(join(root, 'docs', 'deployment.md'), 'utf8');
  assert.ok(unit.includes(`ExecStart=/usr/bin/node ${installed} serve --config /etc/sallyport/sallyport.yaml`));
  assert.ok(image.includes(`ENTRYPOINT ["node", "${installed}"]`));
  assert.ok(image.includes(`USER ${user}:${user}`));
  assert.match(guide, /npm install --prefix \/opt\/sallyport --omit=dev --ignore-scripts/);
});

test('B21: systemd finds nothing wrong with the unit', async (t) => {
  const version = await run(['systemd-analyze', '--version']).catch(() => undefined);
  if (version?.code !== 0) return t.skip('systemd is not installed');
  const verified = await run(['systemd-analyze', 'verify', join(packaging, 'sallyport.service')]);
  assert.equal(verified.stderr.replaceAll(/.*(?:is not executable|not found).*\n/g, ''), '');
});

test('B21: installed as the guide says, it serves as a user without rights on a read-only root', async (t) => {
  if (!(await canIsolate())) return t.skip('needs root and mount namespaces');
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-packaging-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const packed = await run(['npm', 'pack', '--json', '--workspace', 'gateway', '--pack-destination', folder]);
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('['))) as [{ filename: string }];
  const program = join(folder, 'opt');
  await mkdir(program);
  const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const added = await run(['npm', 'install', '--prefix', program, ...flags, join(folder, filename)], program);
  assert.equal(added.code, 0, added.stderr);

  const state = join(folder, 'state');
  await mkdir(state, { mode: 0o700 });
  await chown(state, user, user);
  const config = join(folder, 'sallyport.yaml');
  const answer = `{ resultType: 'complete', content: [{ type: 'text', text: 'user ' + process.getuid() + ' ' + wrote }] }`;
  const server = `
    let wrote = 'writes';
    try { require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'note'))}, 'x'); }
    catch { wrote = 'writes nothing'; }
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line);
      const results = {
        'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
        'tools/list': { resultType: 'complete', tools: [{ name: 'who', inputSchema: { type: 'object' } }] },
        'tools/call': ${answer},
      };
      if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }));
    });`;
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      data: join(state, 'data'),
      listen: { mcp: { port: 0 }, admin: { port: 0 } },
      authentication: { anonymous: { agent: 'any' } },
      callers: { agents: { any: {} } },
      servers: { who: { command: [process.execPath, '-e', server], era: 'modern' } },
      connections: [{ name: 'all', from: { agent: 'any' }, to: 'who', tools: [{ allow: '*' }] }],
    }),
  );
  const node = process.execPath;
  const bin = join(program, 'node_modules', 'sallyport', 'bin', 'sallyport.js');
  const isolated = [
    `mount --bind ${state} ${state}`,
    'mount -o remount,bind,ro /',
    `exec setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs ${node} ${bin} serve --config ${config} --json`,
  ].join(' && ');
  await using gateway = await startAnnounced(
    { command: ['unshare', '--mount', 'sh', '-c', isolated], cwd: state, within: patienceMs },
    (line) => (line as { mcp?: string } | undefined)?.mcp,
  );
  await using session = await openSession('sdk2-modern', { url: `${gateway.said}/servers/who/mcp` });
  assert.equal((await session.call('who', {})).text, `user ${user} writes nothing`);
});
