/** The audit commands on logs that nobody writes at the moment. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callOf, endOf, factsOf, fullCapture, master } from '../../../test/support/audit-log.ts';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { keyPlaces, logFolder } from '../../audit/open.ts';
import { endMessage, intentMessage, type Message } from '../../audit/record/message.ts';
import { openWriter } from '../../audit/writer/open.ts';
import type { ExchangeFacts } from '../../pipeline/record.ts';

const bin = join(import.meta.dirname, '..', '..', '..', 'bin');

interface World {
  readonly folder: string;
  readonly data: string;
  readonly run: (...args: readonly string[]) => { code: number | null; stdout: string; stderr: string };
  /** Has records written to a log, and closes it. */
  readonly write: (log: string, messages: readonly Message[]) => Promise<void>;
}

function worldOf(context: TestContext): World {
  const folder = temporaryFolder('audit-commands');
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  mkdirSync(join(data, 'keys'), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, 'keys', 'master'), `${master.toString('hex')}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'sallyport.yaml'), JSON.stringify({ version: 1, data }));
  return {
    folder,
    data,
    run: (...args) => {
      const ended = spawnSync(process.execPath, [join(bin, 'sallyport.js'), 'audit', ...args], {
        cwd: folder,
        encoding: 'utf8',
      });
      return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
    },
    write: async (log, messages) => {
      const place = { folder: logFolder(data, log), keys: keyPlaces(data, log), master, capture: fullCapture };
      const opened = await openWriter(place);
      assert.ok(opened.ok);
      opened.value.writer.accept(messages);
      opened.value.writer.drain();
      await opened.value.writer.close();
      opened.value.release();
    },
  };
}

/** A call of a user with an agent and an application. */
function callBy(id: string, caller: { user?: string; agent?: string; application?: string }): Message[] {
  const facts = factsOf(id, 'nobody');
  const named = { ...facts, caller: { ...facts.caller, user: undefined, ...caller } } as unknown as ExchangeFacts;
  return [intentMessage(named), endMessage(named, endOf(), true)];
}

test('erase, subjects and export --subject cover every log of the data folder', async (context) => {
  const { folder, data, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'eve')]);
  await write('log-stdio-1', callOf('c', 'dana'));
  await write('log-stdio-2', callOf('d', 'eve'));
  await write('log-stdio-3', callOf('e', 'dana'));
  const subjects = JSON.parse(run('subjects', '--json').stdout) as { subjects: { log: string; subject: string }[] };
  const logsAbout = (user: string) =>
    subjects.subjects.filter(({ subject }) => subject === `user:${user}`).map(({ log }) => log);
  assert.deepEqual(logsAbout('dana'), ['log', 'log-stdio-1', 'log-stdio-3']);
  const exported = run('export', '--subject', 'user:dana');
  for (const id of ['a', 'c', 'e']) assert.match(exported.stdout, new RegExp(`${id} of dana`));
  assert.doesNotMatch(exported.stdout, /of eve/);
  assert.doesNotMatch(run('export', '--subject', 'user:dana', '--log', 'log').stdout, /c of dana/);

  // One of them cannot be read: the others are done, and it is said which is not.
  const damaged = join(data, 'log-stdio-1', 'log.json');
  const right = readFileSync(damaged);
  writeFileSync(damaged, '{}');
  const certificate = join(folder, 'dana.txt');
  const partly = run('erase', '--subject', 'user:dana', '--certificate', certificate);
  assert.notEqual(partly.code, 0);
  assert.match(partly.stderr, /log-stdio-1: .*cannot be read/);
  assert.match(partly.stdout, /^log: user:dana \([0-9a-f]{32}\) is erased; the tombstone is record \d+\.$/m);
  assert.match(partly.stdout, /^log-stdio-2: nothing is held about user:dana\.$/m);
  assert.match(partly.stdout, /^log-stdio-3: user:dana .* is erased/m);
  for (const path of [certificate, join(folder, 'dana.log-stdio-3.txt')])
    assert.match(readFileSync(path, 'utf8'), /^sallyport erasure certificate v1\nsallyport\.log\//);

  writeFileSync(damaged, right);
  assert.match(run('export', '--subject', 'user:dana').stdout, /c of dana/);
  const rest = run('erase', '--subject', 'user:dana', '--json');
  assert.equal(rest.code, 0, rest.stderr);
  const { logs } = JSON.parse(rest.stdout) as { logs: { log: string; certificate: string }[] };
  assert.deepEqual(
    logs.map(({ log }) => log),
    ['log-stdio-1'],
  );
  assert.equal(run('export', '--subject', 'user:dana').stdout, '');
  const none = run('erase', '--subject', 'user:dana');
  assert.deepEqual([none.code, /holds nothing about user:dana/.test(none.stderr)], [1, true]);
  assert.match(run('export', '--subject', 'user:eve').stdout, /d of eve/);

  const one = run('erase', '--subject', 'user:eve', '--log', 'log-stdio-2');
  assert.equal(one.code, 0, one.stderr);
  assert.match(run('export', '--subject', 'user:eve').stdout, /b of eve/);
  assert.equal(run('erase', '--subject', 'gateway').code, 2);
});

test('erase says whose the records of an agent are, when they are others’', async (context) => {
  const { run, write } = worldOf(context);
  await write('log', [...callBy('a', { user: 'dana', agent: 'bot' }), ...callBy('b', { user: 'eve', agent: 'bot' })]);
  const none = run('erase', '--subject', 'agent:bot');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /2 records with agent:bot belong to other subjects.*audit search --caller agent:bot/);
  await write('log', callBy('c', { agent: 'bot' }));
  const some = run('erase', '--subject', 'agent:bot');
  assert.equal(some.code, 0, some.stderr);
  assert.match(some.stdout, /^log: agent:bot .* is erased[^]*^2 records with agent:bot belong to other subjects/m);
  assert.doesNotMatch(run('erase', '--subject', 'user:dana').stdout, /belong to other/);
});

test('a proof bundle holds what was asked for, shows what it was told to show, and is never cut silently', async (context) => {
  const { folder, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'dana'), ...callOf('c', 'eve')]);
  const path = join(folder, 'bundle.json');
  const make = (...args: readonly string[]) => run('export', '--format', 'proof', '--out', path, ...args);
  const verified = () => spawnSync(process.execPath, [join(bin, 'sallyport-verify.js'), path]).status;
  const disclosed = () => readFileSync(path, 'utf8').includes('of dana');
  assert.equal(make('--caller', 'user:dana').code, 0);
  assert.deepEqual([verified(), disclosed()], [0, false]);
  assert.equal(make('--caller', 'user:dana', '--disclose', 'arguments').code, 0);
  assert.deepEqual([verified(), disclosed()], [0, true]);
  assert.equal(make('--disclose', 'everything').code, 2);
  assert.equal(run('export', '--disclose', 'arguments').code, 2);
  assert.match(make('--caller', 'user:dana', '--limit', '1').stdout, /: 2 records/);
  assert.equal(verified(), 0);
  assert.equal(run('export', '--limit', '2').stdout.trim().split('\n').length, 2);

  rmSync(path);
  const nothing = make('--caller', 'user:mallory');
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /No record matches/);
  await write('log-stdio-1', callOf('d', 'dana'));
  const several = make('--subject', 'user:dana');
  assert.equal(several.code, 1);
  assert.match(several.stderr, /records of several logs match \(log, log-stdio-1\)/);
  const many = Array.from({ length: 5_001 }, (_, n) => callOf(`many-${n}`, 'many')).flat();
  await write('log', many);
  const cut = make('--caller', 'user:many');
  assert.equal(cut.code, 1);
  assert.match(cut.stderr, /10002 records match, and a bundle holds 10000 at most\n.*--since.*--limit/);
  assert.ok(!existsSync(path));
});
