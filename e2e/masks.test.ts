/** Fields that a rule masks, through a running gateway: real servers, every kind of client, both transports, the record. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ClientKind, clientKinds, openSession, type Target } from './clients.ts';
import { sallyportWith } from './faults/commands.ts';
import { type Gateway, gatewayFile, packageFile, startGateway } from './harness.ts';

const everything = packageFile('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');
const unless = 'caller.trust == "trusted"';

interface Masked extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly file: string;
}

async function startMasked(): Promise<Masked> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-masks-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'project.json');
  await writeFile(file, JSON.stringify({ name: 'falcon', budget: 77_123, tasks: [{ id: 1, notes: 'note-77123' }] }));
  const gateway = resources.use(
    await startGateway({
      callers: { agents: { visitor: {}, insider: { trust: 'trusted' } } },
      servers: {
        weather: { command: [process.execPath, everything, 'stdio'] },
        files: { command: [process.execPath, filesystem, folder] },
      },
      connections: [
        {
          name: 'weather',
          from: { anyone: true },
          to: 'weather',
          tools: [{ allow: 'get-structured-content', mask: '/temperature', unless }],
        },
        {
          name: 'files',
          from: { anyone: true },
          to: 'files',
          tools: [{ allow: 'read_text_file', mask: ['/budget', '/tasks/*/notes'], unless }],
        },
      ],
    }),
  );
  const kept = resources.move();
  return { gateway, file, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What one caller gets of both servers. Its client checks results against the output schema, where the list has one. */
async function seen(kind: ClientKind, target: (server: string) => Target, file: string): Promise<string> {
  await using weather = await openSession(kind, target('weather'));
  await weather.tools();
  const measured = await weather.call('get-structured-content', { location: 'Chicago' });
  assert.match(measured.text, /humidity/);
  assert.match(JSON.stringify(measured.structured), /humidity/);
  await using files = await openSession(kind, target('files'));
  await files.tools();
  const read = await files.call('read_text_file', { path: file });
  assert.match(read.text, /falcon/);
  return JSON.stringify([measured, read]);
}

test('a caller without the trust sees no masked field, in text and structure, and one with it sees all', async (t) => {
  await using masked = await startMasked();
  const { gateway, file } = masked;
  const keys = { visitor: gateway.key('visitor'), insider: gateway.key('insider') };
  for (const kind of clientKinds)
    await t.test(kind, async () => {
      const seenBy = (agent: keyof typeof keys): Promise<string> =>
        seen(
          kind,
          (server) => ({ url: gateway.endpoint(server), headers: { Authorization: `Bearer ${keys[agent]}` } }),
          file,
        );
      assert.doesNotMatch(await seenBy('visitor'), /temperature|77123/);
      const all = await seenBy('insider');
      assert.match(all, /temperature/);
      assert.match(all, /77123/);
    });
  await t.test('over stdio', async () => {
    const command = [process.execPath, gatewayFile, 'stdio', '--config', gateway.config, '--key'] as const;
    for (const [agent, isMasked] of [
      ['visitor', true],
      ['insider', false],
    ] as const) {
      await using session = await openSession('sdk2-auto', { command: [...command, keys[agent]] });
      const { text, structured } = await session.call('files__read_text_file', { path: file });
      assert.match(text, /falcon/);
      assert.equal(/77123/.test(JSON.stringify([text, structured])), !isMasked);
    }
  });
  await t.test('the record holds what crossed, and that it was masked', async () => {
    const found = await sallyportWith(
      '',
      'audit',
      'search',
      '--config',
      gateway.config,
      '--capability',
      'read_text_file',
      '--json',
    );
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /"checks": \[\s*\{\s*"name": "masks",\s*"part": "result",\s*"verdict": "masked"/);
  });
});
