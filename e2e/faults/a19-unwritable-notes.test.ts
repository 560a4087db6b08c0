/** A reload while something under the data folder cannot be used: the gateway goes on, and what was good is still there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { modernCallWith, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { fill, smallDisk } from '../audit/small-disk.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { sallyportWith } from './commands.ts';
import { reload, settled } from './reload.ts';

function settingsOf(witness: Witness): object {
  return {
    callers: { agents: { bot: {} } },
    servers: { notes: { url: witness.url, credential: { bearer: '${secret:token}' } } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
}

interface Live {
  readonly gateway: Gateway;
  readonly data: string;
  readonly config: string;
  readonly call: () => Promise<RawAnswer>;
  /** Changes the configuration and waits until it was taken over or refused. */
  readonly reload: () => Promise<void>;
}

async function live(context: TestContext, folder: string): Promise<Live> {
  const witness = await startWitness([{ name: 'open' }]);
  context.after(() => witness[Symbol.asyncDispose]());
  const settings = { data: join(folder, 'data'), ...settingsOf(witness) };
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, ...settings }));
  assert.equal((await sallyportWith('good', 'secret', 'put', 'token', '--config', config)).code, 0);
  const gateway = await startGateway({ ...settings }, { folder });
  context.after(() => gateway.stop());
  const key = gateway.key('bot');
  let count = 0;
  return {
    gateway,
    data: join(folder, 'data'),
    config,
    call: () => sendRaw(modernCallWith({ url: gateway.endpoint('notes'), key, tool: 'open' })),
    reload: () =>
      reload(
        gateway,
        (file) => {
          file['callers'] = { agents: { bot: {}, [`bot-${++count}`]: {} } };
        },
        settled,
      ),
  };
}

/** What can stand where a file or folder of the gateway was. */
const instead: Readonly<Record<string, (path: string, isFolder: boolean, turn: number) => void>> = {
  'another kind': (path, isFolder) => (isFolder ? writeFileSync(path, '') : mkdirSync(path)),
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
  'a link to nowhere, or nothing,': (path, _, turn) => {
    if (turn % 2 === 0) symlinkSync('/nowhere/at/all', path);
  },
};

/** The running gateway may make again what was moved away, at any moment. */
function moveOver(from: string, place: string): void {
  if (lstatSync(from, { throwIfNoEntry: false }) === undefined) return;
  for (let tries = 0; ; tries++)
    try {
      rmSync(place, { recursive: true, force: true });
      return renameSync(from, place);
    } catch (error) {
      if (tries === 100) throw error;
    }
}

for (const [what, put] of Object.entries(instead))
  test(`A19: with ${what} in place of each path under the data folder, one by one, a reload ends no gateway`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-a19-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const { gateway, data, call, reload } = await live(context, folder);
    assert.equal((await call()).status, 200);
    // What SQLite holds open is about its database; the log's own requests come and go.
    const paths = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
      (path) => !/\.db-(?:wal|shm)$|requests|drafts|\.new$|tile/.test(path),
    );
    assert.ok(paths.includes('sallyport.db') && paths.length > 12, paths.join(' '));
    for (const path of paths) {
      const place = join(data, path);
      const info = lstatSync(place, { throwIfNoEntry: false });
      // Renamed by the running gateway meanwhile.
      if (info === undefined) continue;
      const aside = join(folder, 'aside');
      const made = join(folder, 'made');
      put(made, info.isDirectory(), paths.indexOf(path));
      renameSync(place, aside);
      moveOver(made, place);
      await reload();
      const answer = await call();
      assert.equal(gateway.child.exitCode, null, `${path}: ${gateway.errors().slice(-2_000)}`);
      assert.ok(answer.status < 600, path);
      moveOver(aside, place);
    }
    await reload();
    const deadline = Date.now() + patienceMs;
    for (let answer = await call(); answer.body.includes('recorded') || answer.status !== 200; answer = await call()) {
      assert.ok(Date.now() < deadline, `${answer.body}\n${gateway.errors().slice(-2_000)}`);
      await pause(50);
    }
  });

test('A19: on a full disk a reload takes effect, and says that what is in use cannot be noted', async (context) => {
  const folder = await smallDisk(context);
  if (folder === undefined) return context.skip('no file system can be mounted here');
  const { gateway, data, config } = await live(context, folder);
  // What is noted already is not written again, so a second secret comes into use.
  assert.equal((await sallyportWith('good', 'secret', 'put', 'second', '--config', config)).code, 0);
  fill(join(data, 'filler'));
  await reload(
    gateway,
    (file) => {
      file['servers'] = { notes: { url: 'http://127.0.0.1:9', credential: { bearer: '${secret:second}' } } };
    },
    settled,
  );
  await gateway.until(() => /"level":40.*which secrets are in use cannot be noted/.test(gateway.errors()));
  assert.equal(gateway.child.exitCode, null);
  rmSync(join(data, 'filler'));
});

test('A19: gateways of stdio that share a data folder note what they use beside each other', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a19-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = { ...settingsOf(witness), authentication: { anonymous: { agent: 'bot' } } };
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, data: join(folder, 'data'), ...settings }));
  assert.equal((await sallyportWith('good', 'secret', 'put', 'token', '--config', config)).code, 0);
  // Each answers one message and ends when its stdin does.
  const ask = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`;
  const ended = await Promise.all(Array.from({ length: 4 }, () => sallyportWith(ask, 'stdio', '--config', config)));
  assert.deepEqual(
    ended.map(({ code, stderr }) => `${code} ${stderr}`),
    ended.map(() => '0 '),
  );
  assert.deepEqual(
    readdirSync(join(folder, 'data', 'secrets')).filter((name) => name !== 'token.json'),
    [],
  );
});
