/** The audit commands on logs without a running writer. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callOf, endOf, factsOf, master } from '../../../test/support/audit-log.ts';
import { type Ended, runCommand, runCommandAs } from '../../../test/support/command.ts';
import { temporaryFolder } from '../../../test/support/folder.ts';
import type { ExchangeFacts } from '../../pipeline/contracts/audit.ts';
import { keyPlaces, logFolder } from '../../stages/record/open.ts';
import { intentMessage, type Message, noteMessage, outcomeMessage } from '../../stages/record/record/message.ts';
import { openWriter } from '../../stages/record/writer/open.ts';

const bin = join(import.meta.dirname, '..', '..', '..', 'bin');

interface World {
  readonly folder: string;
  readonly data: string;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
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
    run: (...args) => runCommand(folder, 'audit', ...args),
    write: async (log, messages) => {
      const place = { folder: logFolder(data, log), keys: keyPlaces(data, log), master };
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
  const facts = factsOf(id, 'replaced');
  const named = { ...facts, caller: { ...facts.caller, user: undefined, ...caller } } as unknown as ExchangeFacts;
  return [intentMessage(named), outcomeMessage(named, endOf())];
}

test('erase, subjects and export --subject cover every log of the data folder', async (context) => {
  const { folder, data, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'eve')]);
  await write('log-stdio-1', callOf('c', 'dana'));
  await write('log-stdio-2', callOf('d', 'eve'));
  await write('log-stdio-3', callOf('e', 'dana'));
  const subjects = JSON.parse((await run('subjects', '--json')).stdout) as {
    subjects: { log: string; subject: string }[];
  };
  const logsAbout = (user: string) =>
    subjects.subjects.filter(({ subject }) => subject === `user:${user}`).map(({ log }) => log);
  assert.deepEqual(logsAbout('dana'), ['log', 'log-stdio-1', 'log-stdio-3']);
  const exported = await run('export', '--disclose', 'arguments,result', '--subject', 'user:dana');
  for (const id of ['a', 'c', 'e']) assert.match(exported.stdout, new RegExp(`${id} of dana`));
  assert.doesNotMatch(exported.stdout, /of eve/);
  assert.doesNotMatch(
    (await run('export', '--disclose', 'arguments,result', '--subject', 'user:dana', '--log', 'log')).stdout,
    /c of dana/,
  );

  // One of them cannot be read: the others are done, and it is said which is not.
  const damaged = join(data, 'log-stdio-1', 'log.json');
  const right = readFileSync(damaged);
  writeFileSync(damaged, '{}');
  const certificate = join(folder, 'dana.txt');
  const partly = await run('erase', '--subject', 'user:dana', '--certificate', certificate);
  assert.notEqual(partly.code, 0);
  assert.match(partly.stderr, /log-stdio-1: .*cannot be read/);
  assert.match(partly.stdout, /^log: user:dana \([0-9a-f]{32}\) is erased; the tombstone is record \d+\.$/m);
  assert.match(partly.stdout, /^log-stdio-2: nothing is held about user:dana\.$/m);
  assert.match(partly.stdout, /^log-stdio-3: user:dana .* is erased/m);
  for (const path of [certificate, join(folder, 'dana.log-stdio-3.txt')])
    assert.match(readFileSync(path, 'utf8'), /^sallyport erasure certificate v1\nsallyport\.log\//);

  writeFileSync(damaged, right);
  assert.match((await run('export', '--disclose', 'arguments,result', '--subject', 'user:dana')).stdout, /c of dana/);
  const rest = await run('erase', '--subject', 'user:dana', '--json');
  assert.equal(rest.code, 0, rest.stderr);
  const { logs } = JSON.parse(rest.stdout) as { logs: { log: string; certificate: string }[] };
  assert.deepEqual(
    logs.map(({ log }) => log),
    ['log-stdio-1'],
  );
  assert.equal((await run('export', '--disclose', 'arguments,result', '--subject', 'user:dana')).stdout, '');
  const none = await run('erase', '--subject', 'user:dana');
  assert.deepEqual([none.code, /holds nothing about user:dana/.test(none.stderr)], [1, true]);
  assert.match((await run('export', '--disclose', 'arguments,result', '--subject', 'user:eve')).stdout, /d of eve/);

  const one = await run('erase', '--subject', 'user:eve', '--log', 'log-stdio-2');
  assert.equal(one.code, 0, one.stderr);
  assert.match((await run('export', '--disclose', 'arguments,result', '--subject', 'user:eve')).stdout, /b of eve/);
  assert.equal((await run('erase', '--subject', 'gateway')).code, 2);
});

test('erase says whose the records of an agent are, when they are others’', async (context) => {
  const { run, write } = worldOf(context);
  await write('log', [...callBy('a', { user: 'dana', agent: 'bot' }), ...callBy('b', { user: 'eve', agent: 'bot' })]);
  const exported = (await run('export', '--format', 'ocsf', '--caller', 'user:dana')).stdout;
  assert.match(
    exported,
    /"user":\{"name":"dana",.*"app_name":"bot"\},"unmapped":\{"caller":\{"user":"dana","agent":"bot"/,
  );
  const none = await run('erase', '--subject', 'agent:bot');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /2 records with agent:bot belong to other subjects.*audit search --caller agent:bot/);
  await write('log', callBy('c', { agent: 'bot' }));
  const some = await run('erase', '--subject', 'agent:bot');
  assert.equal(some.code, 0, some.stderr);
  assert.match(some.stdout, /^log: agent:bot .* is erased[^]*^2 records with agent:bot belong to other subjects/m);
  assert.doesNotMatch((await run('erase', '--subject', 'user:dana')).stdout, /belong to other/);
});

test('a proof bundle holds what was asked for, shows what it was told to show, and is never cut silently', async (context) => {
  const { folder, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'dana'), ...callOf('c', 'eve')]);
  const path = join(folder, 'bundle.json');
  const make = (...args: readonly string[]) => run('export', '--format', 'proof', '--out', path, ...args);
  const verified = () => spawnSync(process.execPath, [join(bin, 'sallyport-verify.js'), path]).status;
  const disclosed = () => readFileSync(path, 'utf8').includes('of dana');
  assert.equal((await make('--caller', 'user:dana')).code, 0);
  assert.deepEqual([verified(), disclosed()], [0, false]);
  assert.equal((await make('--caller', 'user:dana', '--disclose', 'arguments')).code, 0);
  assert.deepEqual([verified(), disclosed()], [0, true]);
  assert.equal((await make('--disclose', 'everything')).code, 2);
  assert.equal((await run('export', '--disclose', 'nonsense')).code, 2);
  assert.match((await make('--caller', 'user:dana', '--limit', '1')).stdout, /: 2 records/);
  assert.equal(verified(), 0);
  assert.equal((await run('export', '--limit', '2')).stdout.trim().split('\n').length, 2);

  rmSync(path);
  const nothing = await make('--caller', 'user:mallory');
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /No record matches/);
  await write('log-stdio-1', callOf('d', 'dana'));
  const several = await make('--subject', 'user:dana');
  assert.equal(several.code, 1);
  assert.match(several.stderr, /records of several logs match \(log, log-stdio-1\)/);
  const many = Array.from({ length: 5_001 }, (_, n) => callOf(`many-${n}`, 'many')).flat();
  await write('log', many);
  const cut = await make('--caller', 'user:many');
  assert.equal(cut.code, 1);
  assert.match(cut.stderr, /10002 records match, and a bundle holds 10000 at most\n.*--since.*--limit/);
  assert.ok(!existsSync(path));
});

/** What reads must work on a copy that cannot be written, whatever is left of the index. */
async function readAll(read: (...args: readonly string[]) => Promise<Ended>): Promise<void> {
  for (const args of [
    ['search', '--caller', 'user:dana'],
    ['show', '1'],
    ['export'],
    ['tail'],
    ['subjects'],
    ['verify'],
  ]) {
    const { code, stdout, stderr } = await read(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    assert.match(stdout, args[0] === 'verify' ? /verified/ : /dana/);
  }
  assert.equal((await read('prove', '1', '--disclose', 'arguments')).code, 0);
  const refused = await read('erase', '--subject', 'user:dana');
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /log: .*(read-only|EROFS|EACCES|permission denied|unable to open)/i);
  assert.doesNotMatch(refused.stderr, /sallyport-verify|bug/);
}

test('a log that this user may not write can be read, with an index and without one', async (context) => {
  const { folder, data, run, write } = worldOf(context);
  await write('log', callOf('a', 'dana'));
  assert.equal((await run('search')).code, 0);
  // Permissions do not bind the administrator, so another user reads then.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  const close = (): void => {
    for (const path of [
      folder,
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    ]) {
      if (uid !== undefined) chownSync(path, uid, uid);
      chmodSync(path, statSync(path).isDirectory() ? 0o500 : 0o400);
    }
  };
  const open = (): void => {
    chmodSync(folder, 0o700);
    chmodSync(data, 0o700);
    for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
      const path = join(data, name);
      chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
    }
  };
  const as = (...args: readonly string[]) =>
    uid === undefined ? run(...args) : runCommandAs(uid, folder, 'audit', ...args);
  try {
    close();
    await readAll(as);
    open();
    await write('log', callOf('b', 'dana'));
    close();
    assert.match((await as('search')).stdout, / {2}b$/m, 'an index that is not current is not used');
    open();
    rmSync(join(data, 'index'), { recursive: true });
    close();
    await readAll(as);
  } finally {
    open();
  }
});

test('a log on a read-only mount can be read', async (context) => {
  const { data, run, write } = worldOf(context);
  await write('log', callOf('a', 'dana'));
  const mount = (...args: readonly string[]): boolean => spawnSync('mount', args).status === 0;
  if (!mount('--bind', data, data)) return context.skip('mounting is not allowed here');
  try {
    assert.ok(mount('-o', 'remount,bind,ro', data));
    await readAll(run);
  } finally {
    spawnSync('umount', [data]);
  }
});

for (const command of ['search', 'export', 'tail --follow'])
  test(`audit ${command} | head ends silently`, async (context) => {
    const { folder, write } = worldOf(context);
    await write('log', Array.from({ length: 2_000 }, (_, n) => callOf(`call-${n}`, 'dana')).flat());
    const child = spawn(
      process.execPath,
      [join(bin, 'sallyport.js'), 'audit', ...command.split(' '), ...(command === 'search' ? ['--limit', '2000'] : [])],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    const ended = once(child, 'close');
    if (command.startsWith('tail')) {
      await once(child.stdout, 'close');
      await write('log', callOf('more', 'dana'));
    }
    const [code] = (await ended) as [number | null];
    assert.deepEqual([code, errors], [0, '']);
  });

test('a command that ended cleanly leaves no report of a crash', async (context) => {
  const { folder, data, run, write } = worldOf(context);
  writeFileSync(
    join(folder, 'sallyport.yaml'),
    JSON.stringify({ version: 1, data, audit: { retention: { read: '1d' } } }),
  );
  await write('log', [...callOf('a', 'dana'), noteMessage({ kind: 'stop', at: Date.now(), detail: {} })]);
  for (const args of [['rotate-key'], ['retain'], ['erase', '--subject', 'user:dana']]) {
    assert.equal((await run(...args)).code, 0);
    await write('log', callOf(`after ${args[0]}`, 'eve'));
    assert.match(
      (await run('search', '--kind', 'recovered')).stdout,
      /^No record matches among the \d+ that there are\.\n$/,
      args[0],
    );
  }
  assert.equal((await run('verify')).code, 0);

  // Nothing is closed by a writer that goes on without it.
  const opened = await openWriter({
    folder: logFolder(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
  });
  assert.ok(opened.ok);
  opened.value.writer.accept(callOf('lost', 'eve'));
  opened.value.writer.drain();
  opened.value.release();
  assert.equal((await run('rotate-key')).code, 0);
  assert.match((await run('search', '--kind', 'recovered')).stdout, / recovered /);
});

test('a value that no record can have is refused with those that one can, and a rule is found by either place', async (context) => {
  const { folder, run, write } = worldOf(context);
  const facts = (id: string, place: string): ExchangeFacts => ({
    ...factsOf(id, 'dana'),
    decision: {
      effect: 'allow',
      reason: 'rule',
      errors: [],
      rule: { connection: 'notes', place, text: 'allow take' },
    } as unknown as NonNullable<ExchangeFacts['decision']>,
  });
  await write('log', [
    intentMessage(facts('absolute', `${join(folder, 'sallyport.yaml')}:11:9`)),
    intentMessage(facts('relative', 'other.yaml:3:5')),
  ]);
  for (const [option, value, says] of [
    ['--decision', 'foo', /allow, deny, hold, observe/],
    ['--outcome', 'bogus', /answered, tool-error, error, refused, cancelled, unknown/],
    ['--kind', 'toString', /intent, exchange, client-request, start, stop, .*heartbeat/],
    ['--kind', 'outcome', /found with its intent/],
  ] as const)
    for (const command of ['search', 'export']) {
      const refused = await run(command, option, value);
      assert.equal(refused.code, 2, value);
      assert.match(refused.stderr, says);
    }
  assert.match(
    (await run('search', '--decision', 'hold')).stdout,
    /^No record matches among the \d+ that there are\.\n$/,
  );
  for (const place of ['sallyport.yaml:11:9', './sallyport.yaml:11:9', join(folder, 'sallyport.yaml:11:9')])
    assert.match((await run('search', '--rule', place)).stdout, / absolute$/m, place);
  assert.match((await run('export', '--rule', join(folder, 'other.yaml:3:5'))).stdout, /"id":"relative"/);
  assert.match(
    (await run('search', '--rule', 'sallyport.yaml:11:10')).stdout,
    /^No record matches among the \d+ that there are\.\n$/,
  );
});

test('text is found as it was said, whatever JSON makes of it', async (context) => {
  const { run, write } = worldOf(context);
  const facts = { ...factsOf('said', 'dana'), arguments: { note: 'she said "Quoted"\nand left C:\\Temp' } };
  await write('log', [intentMessage(facts)]);
  for (const text of ['"quoted"', 'Quoted"\nand', 'c:\\temp', '{"note":"she', '\\"Quoted\\"\\nand'])
    assert.match((await run('search', '--text', text)).stdout, / said$/m, text);
  assert.match(
    (await run('search', '--text', '"left"')).stdout,
    /^No record matches among the \d+ that there are\.\n$/,
  );
});

test('prove says why nothing can be disclosed, and where it cannot write', async (context) => {
  const { folder, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'eve')]);
  for (const args of [['prove', 'b'], ['export'], ['export', '--format', 'proof']]) {
    const lost = await run(...args, '--out', join(folder, 'missing', 'x.json'));
    assert.equal(lost.code, 66);
    assert.match(lost.stderr, /missing\/x\.json cannot be written: ENOENT/);
    assert.doesNotMatch(lost.stderr, /sallyport-verify/);
  }
  const certificate = join(folder, 'missing', 'dana.txt');
  const erased = await run('erase', '--subject', 'user:dana', '--certificate', certificate);
  assert.equal(erased.code, 66);
  assert.match(erased.stderr, /erased, but the certificate cannot be written to .*missing/);
  assert.match(erased.stdout, /sallyport erasure certificate v1/);
  const path = join(folder, 'case.json');
  const refused = await run('prove', 'a', '--disclose', 'arguments', '--out', path);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /arguments of record 1 cannot be disclosed: erased/);
  assert.ok(!existsSync(path));
  assert.equal((await run('prove', 'a', '--out', path)).code, 0);
  assert.equal((await run('prove', 'b', '--disclose', 'about,arguments,result', '--out', path)).code, 0);
});

test('tail shows calls with their end, and ends with who called', async (context) => {
  const { run, write } = worldOf(context);
  await write('log', callOf('a', 'dana'));
  const lines = (await run('tail')).stdout.trim().split('\n');
  assert.match(
    lines.find((each) => / exchange /.test(each)) ?? '',
    /user:dana {2}tools\/call {2}notes\/take {2}allow {2}answered {2}a$/,
  );
  assert.match(
    lines.find((each) => / outcome /.test(each)) ?? '',
    /user:dana {2}tools\/call {2}notes\/take {2}answered {2}a$/,
  );
});

test('verify tells of an erased subject whose key was put back, which can be erased again', async (context) => {
  const { data, run, write } = worldOf(context);
  await write('log', [...callOf('a', 'dana'), ...callOf('b', 'eve')]);
  const path = join(data, 'keys', 'log-subjects');
  const before = readFileSync(path);
  assert.equal((await run('erase', '--subject', 'user:dana')).code, 0);
  const after = await run('verify');
  assert.equal(after.code, 0, after.stderr);
  // So many that the record of the erasure is not read again when the log is opened: that alone would erase it.
  await write('log', Array.from({ length: 300 }, (_, n) => callOf(`more-${n}`, 'eve')).flat());
  // The last one, of eve: its wrapped key.
  writeFileSync(path, Buffer.from(before).fill(0, before.length - 128 + 44, before.length - 128 + 104));
  const damaged = await run('export', '--disclose', 'arguments,result', '--subject', 'user:eve');
  assert.equal(damaged.code, 0);
  assert.match(damaged.stderr, /key/);
  writeFileSync(path, before);
  const told = await run('verify');
  assert.equal(told.code, 1);
  assert.match(told.stderr, /1 subject that was erased has its key again/);
  assert.equal((await run('erase', '--subject', 'user:dana')).code, 0);
  const again = await run('verify');
  assert.equal(again.code, 0, again.stderr);
});
