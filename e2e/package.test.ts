/** What is published: packed, installed into an empty folder, started there, and called. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSession } from './clients.ts';
import { patienceMs, runToEnd, startAnnounced } from './process.ts';

const root = join(import.meta.dirname, '..');
const minute = 60_000;

test('the packed tarball, installed into an empty folder, serves a call', { timeout: 3 * minute }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const npm = async (args: readonly string[], cwd: string): Promise<string> => {
    const ended = await runToEnd({ command: ['npm', ...args], cwd, within: 2 * minute });
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  const packed = await npm(['pack', '--json', '--pack-destination', folder], join(root, 'gateway'));
  const [{ filename, files }] = JSON.parse(packed.slice(packed.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  assert.deepEqual(
    files.filter(({ path }) => path.endsWith('.ts') || path.includes('.test.')),
    [],
    'neither sources nor tests are published',
  );
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  await npm(['install', '--no-audit', '--no-fund', join(folder, filename)], folder);

  const config = join(folder, 'sallyport.yaml');
  const everything = join(root, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      listen: { mcp: { port: 0 }, admin: { port: 0 } },
      authentication: { anonymous: { agent: 'laptop' } },
      callers: { agents: { laptop: {} } },
      servers: { everything: { command: [process.execPath, everything, 'stdio'] } },
      connections: [{ name: 'all', from: { agent: 'laptop' }, to: 'everything', tools: [{ allow: 'echo' }] }],
    }),
  );
  const program = join(folder, 'node_modules', '.bin', 'sallyport');
  await using gateway = await startAnnounced(
    { command: [program, 'serve', '--config', config, '--json'], cwd: folder, within: patienceMs },
    (line) => {
      const { mcp, admin } = (line ?? {}) as { readonly mcp?: string; readonly admin?: string };
      return mcp === undefined || admin === undefined ? undefined : { mcp, admin };
    },
  );
  const { mcp, admin } = gateway.said;
  await using session = await openSession('sdk2-modern', { url: `${mcp}/servers/everything/mcp` });
  const { text } = await session.call('echo', { message: 'packed' });
  assert.match(text, /Echo: packed/);
  // Loaded when it is asked for, as are the libraries of the pages.
  const page = await fetch(new URL('/approvals', admin));
  assert.match(`${page.status} ${await page.text()}`, /^200 <!doctype html>/i);
});
