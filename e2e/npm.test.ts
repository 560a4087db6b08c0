/** Third-party servers and clients, through the gateway. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clientKinds, openSession } from './clients.ts';
import { fixtureCommand, openSettings, packageFile, startGateway } from './harness.ts';
import { npmServers } from './npm-servers.ts';
import { runToEnd } from './process.ts';

const inspector = packageFile('@modelcontextprotocol', 'inspector', 'clients', 'launcher', 'build', 'index.js');
const mcpRemote = packageFile('mcp-remote', 'dist', 'proxy.js');

async function temporaryFolder(resources: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-npm-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('real servers do their errand for every client', async (t) => {
  await using resources = new AsyncDisposableStack();
  const servers = await npmServers(await temporaryFolder(resources), resources);
  const entries = Object.fromEntries(servers.map(({ name, entry }) => [name, entry]));
  const gateway = resources.use(await startGateway(openSettings('e2e', entries)));
  for (const { name, errand } of servers)
    for (const kind of clientKinds)
      await t.test(`${kind} to ${name}`, async () => {
        await using session = await openSession(kind, { url: gateway.endpoint(name) });
        assert.ok((await session.tools()).includes(errand.tool), `${errand.tool} is listed`);
        const { text, isError } = await session.call(errand.tool, errand.args);
        assert.equal(isError, false, text);
        assert.match(text, errand.says);
      });
});

test('real clients reach a server', async (t) => {
  await using resources = new AsyncDisposableStack();
  const home = await temporaryFolder(resources);
  const settings = openSettings('e2e', { everything: { command: fixtureCommand('dual') } });
  const gateway = resources.use(await startGateway(settings));
  const url = gateway.endpoint('everything');

  for (const era of ['legacy', 'modern'])
    await t.test(`mcp-inspector --cli, ${era}`, async () => {
      const where = ['--cli', '--server-url', url, '--transport', 'http', '--protocol-era', era];
      const what = ['--method', 'tools/call', '--tool-name', 'test_simple_text', '--format', 'json', '-q'];
      const run = await runToEnd({
        command: [process.execPath, inspector, ...where, ...what],
        env: { HOME: home },
        within: 30_000,
      });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, /This is a simple text response for testing\./);
    });

  for (const protocol of ['legacy', 'auto'])
    await t.test(`mcp-remote, ${protocol}`, async () => {
      const flags = [
        '--allow-http',
        '--transport',
        'http-only',
        ...(protocol === 'auto' ? ['--protocol', 'auto'] : []),
      ];
      const command = ['env', `HOME=${home}`, process.execPath, mcpRemote, url, ...flags] as const;
      await using session = await openSession('sdk2-legacy', { command });
      const { text } = await session.call('test_simple_text', {});
      assert.equal(text, 'This is a simple text response for testing.');
    });
});
