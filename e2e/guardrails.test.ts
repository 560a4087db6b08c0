/** Guardrails through a running gateway: real servers, every kind of client, both transports, the record and the disk. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { filesWith } from './audit/world.ts';
import { type ClientKind, clientKinds, openSession } from './clients.ts';
import { sallyportWith } from './faults/commands.ts';
import { reload } from './faults/reload.ts';
import { type Gateway, gatewayFile, packageFile, startGateway } from './harness.ts';

const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');
const signs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Of the format of an access key, and never a real one. */
function madeUpKey(): string {
  return `AKIA${Array.from({ length: 16 }, () => signs[randomInt(signs.length)]).join('')}`;
}

interface Guarded {
  readonly gateway: Gateway;
  readonly server: string;
  readonly folder: string;
  readonly secret: string;
  readonly key: string;
}

/** A server of files for each test, with a secret in one of them, and the guardrails of the connection to it. */
const guardrailsOf: Readonly<Record<string, unknown>> = {
  shipped: 'recommended',
  restored: { response: 'hidden' },
  path: undefined,
  reloaded: undefined,
};
const stack = new AsyncDisposableStack();
const guarded = new Map<string, Guarded>();
const guardedAt = (server: string): Guarded => guarded.get(server) ?? assert.fail(server);

before(async () => {
  const places = new Map<string, { readonly folder: string; readonly secret: string }>();
  for (const server of Object.keys(guardrailsOf)) {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-guardrails-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const secret = madeUpKey();
    await writeFile(join(folder, 'deploy.env'), `region=eu-west-1\naws_access_key_id=${secret}\nretries=3\n`);
    places.set(server, { folder, secret });
  }
  const commands = [...places].map(([name, { folder }]) => [name, { command: [process.execPath, filesystem, folder] }]);
  const gateway = stack.use(
    await startGateway({
      callers: { agents: { writer: {} } },
      servers: Object.fromEntries(commands),
      connections: Object.entries(guardrailsOf).map(([to, guardrails]) => ({
        name: to,
        from: { anyone: true },
        to,
        guardrails,
        tools: [{ allow: '*' }],
      })),
      guardrails: { hidden: { secrets: 'replace', restore: 'restored' } },
    }),
  );
  const key = gateway.key('writer');
  for (const [server, place] of places) guarded.set(server, { gateway, server, key, ...place });
});
after(() => stack.disposeAsync());

function open(kind: ClientKind, { gateway, server, key }: Guarded) {
  return openSession(kind, { url: gateway.endpoint(server), headers: { Authorization: `Bearer ${key}` } });
}

test('what ships: a key in a file comes back redacted, one in an argument is blocked, and nothing on the disk has it', async (t) => {
  const guarded = guardedAt('shipped');
  const { gateway, folder, secret, key } = guarded;
  const sent = madeUpKey();
  for (const kind of clientKinds)
    await t.test(kind, async () => {
      await using session = await open(kind, guarded);
      await session.tools();
      const read = await session.call('read_text_file', { path: join(folder, 'deploy.env') });
      assert.match(read.text, /aws_access_key_id=\[redacted: secrets\/[\w-]+\]\nretries=3/);
      assert.ok(!JSON.stringify(read).includes(secret));
      const written = await session.call('write_file', { path: join(folder, 'out.txt'), content: `id ${sent}` });
      assert.equal(written.isError, true);
      assert.match(
        written.text,
        /^The guardrail "recommended" stops this call, which was not made: it contains secrets\/[\w-]+ at \/content\. Remove that/,
      );
      assert.ok(!written.text.includes(sent));
    });
  await t.test('over stdio', async () => {
    const command = [process.execPath, gatewayFile, 'stdio', '--config', gateway.config, '--key', key] as const;
    await using session = await openSession('sdk2-auto', { command });
    const read = await session.call('shipped__read_text_file', { path: join(folder, 'deploy.env') });
    assert.match(read.text, /redacted/);
    assert.ok(!JSON.stringify(read).includes(secret));
  });
  await assert.rejects(readFile(join(folder, 'out.txt')));
  await t.test('the record says which detector, where, in which version', async () => {
    const search = await sallyportWith('', 'audit', 'search', '--config', gateway.config, '--json');
    assert.equal(search.code, 0, search.stderr);
    assert.match(search.stdout, /"part": "result",\s*"verdict": "redact [\w-]+ ×\d+"/);
    assert.match(search.stdout, /"name": "secrets@\d+",\s*"part": "arguments",\s*"verdict": "block [\w-]+ ×1"/);
    assert.match(search.stdout, /"reason": "content-blocked"/);
    const [, id = ''] =
      /"id": "([\w-]+)",\s*"kind": "exchange",\s*"latency": \d+,\s*"method": "tools\/call"/.exec(search.stdout) ?? [];
    const show = await sallyportWith('', 'audit', 'show', id, '--config', gateway.config);
    assert.match(show.stdout, /^checks +secrets@\d+ arguments block/m, show.stdout + show.stderr);
    for (const each of [search.stdout, show.stdout]) assert.ok(!each.includes(sent) && !each.includes(secret));
  });
  await t.test('nothing on the disk has it', async () => {
    for (const value of [sent, secret]) assert.deepEqual(filesWith(join(gateway.folder, 'data'), value), []);
    assert.ok(!gateway.errors().includes(sent));
  });
  await t.test('metrics count it', async () => {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    assert.match(
      text,
      /sallyport_findings_total\{detector="secrets",class="[\w-]+",action="redact",direction="response"\} \d/,
    );
  });
});

test('a placeholder goes to the server that the guardrail names as the value that it stands for', async () => {
  const guarded = guardedAt('restored');
  const { folder, secret } = guarded;
  await using session = await open('sdk2-auto', guarded);
  const read = await session.call('read_text_file', { path: join(folder, 'deploy.env') });
  const [placeholder = ''] = /\[\[[\w-]+:[\w-]+\]\]/.exec(read.text) ?? [];
  assert.notEqual(placeholder, '', read.text);
  assert.ok(!JSON.stringify(read).includes(secret));
  const path = join(folder, 'copy.txt');
  const written = await session.call('write_file', { path, content: `copied: ${placeholder}` });
  assert.equal(written.isError, false, written.text);
  assert.equal(await readFile(path, 'utf8'), `copied: ${secret}`);
});

test('a path is held under its folder, and what the server gets is its one spelling', async () => {
  const guarded = guardedAt('path');
  const { gateway, folder, secret } = guarded;
  await reload(gateway, (file) => {
    const servers = file.servers as Readonly<Record<string, object>>;
    const read_text_file = { arguments: { path: { role: 'path', under: join(folder, 'open') } } };
    file.servers = { ...servers, path: { ...servers['path'], tools: { read_text_file } } };
  });
  await using session = await open('sdk2-auto', guarded);
  for (const path of [
    join(folder, 'deploy.env'),
    `${folder}/open/../deploy.env`,
    '../deploy.env',
    `${folder}/open/%2e%2e/deploy.env`,
  ]) {
    const { text, isError } = await session.call('read_text_file', { path });
    assert.equal(isError, true, path);
    assert.match(text, /^Invalid arguments: arguments\/path: must /, path);
    assert.ok(!text.includes(secret));
  }
  await mkdir(join(folder, 'open'));
  await writeFile(join(folder, 'open', 'note.txt'), 'an open note');
  assert.equal((await session.call('read_text_file', { path: './x/../note.txt' })).text, 'an open note');
});

// It sets what holds for all servers, and so stands last.
test('a guardrail that a reload adds holds from then on', async () => {
  const guarded = guardedAt('reloaded');
  const { gateway, folder, secret } = guarded;
  await using session = await open('sdk2-auto', guarded);
  const read = () => session.call('read_text_file', { path: join(folder, 'deploy.env') });
  assert.ok((await read()).text.includes(secret));
  await reload(gateway, (file) => {
    file.inspection = { guardrails: 'recommended' };
  });
  assert.match((await read()).text, /redacted/);
});
