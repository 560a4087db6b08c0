/** The audit commands on a log that has as many subjects as it takes. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callOf, endOf, factsOf, master } from '../../../test/support/audit-log.ts';
import { runCommand } from '../../../test/support/command.ts';
import { temporaryFolder } from '../../../test/support/folder.ts';
import type { ExchangeFacts } from '../../pipeline/contracts/audit.ts';
import { maxSubjects } from '../../stages/record/keys/subjects.ts';
import { keyPlaces, logFolder } from '../../stages/record/open.ts';
import { intentMessage, type Message, outcomeMessage } from '../../stages/record/record/message.ts';
import { openWriter } from '../../stages/record/writer/open.ts';

test('a subject that came when the log had as many as it takes is not told as one that was never there', async (context) => {
  const folder = temporaryFolder('audit-shared-key');
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  mkdirSync(join(data, 'keys'), { recursive: true, mode: 0o700 });
  writeFileSync(join(data, 'keys', 'master'), `${master.toString('hex')}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'sallyport.yaml'), JSON.stringify({ version: 1, data }));
  const keys = keyPlaces(data, 'log');
  const write = async (messages: readonly Message[]): Promise<void> => {
    const opened = await openWriter({ folder: logFolder(data, 'log'), keys, master });
    assert.ok(opened.ok);
    opened.value.writer.accept(messages);
    opened.value.writer.drain();
    await opened.value.writer.close();
    opened.value.release();
  };
  const run = (...args: readonly string[]) => runCommand(folder, 'audit', ...args);
  await write(callOf('a', 'dana'));
  // Slots of subjects that were never used, which the file system need not keep.
  truncateSync(keys.subjects, maxSubjects * 128);
  const bot = { ...factsOf('d', 'replaced') };
  const byBot = { ...bot, caller: { ...bot.caller, user: undefined, agent: 'bot' } } as unknown as ExchangeFacts;
  await write([...callOf('b', 'eve'), ...callOf('c', 'dana'), intentMessage(byBot), outcomeMessage(byBot, endOf())]);

  for (const caller of ['user:eve', 'agent:bot']) {
    const shared = new RegExp(
      `log: 1 records with ${caller} cannot be erased: the log had its 1,048,576 subjects [^]*audit search --caller ${caller}`,
    );
    const erased = await run('erase', '--subject', caller);
    assert.equal(erased.code, 1);
    assert.match(erased.stderr, shared);
    const { ok, logs, recordsOfOthers } = JSON.parse((await run('erase', '--subject', caller, '--json')).stdout) as {
      readonly ok: boolean;
      readonly logs: readonly { readonly problem: string }[];
      readonly recordsOfOthers: number;
    };
    assert.deepEqual([ok, logs.length, recordsOfOthers], [false, 1, 0]);
    for (const command of ['search', 'export'])
      assert.match(
        (await run(command, '--subject', caller)).stderr,
        new RegExp(`1 records with ${caller} are not among these: .* with --caller ${caller}$`, 'm'),
      );
  }
  assert.match((await run('search', '--caller', 'user:eve')).stdout, /user:eve/);
  assert.match((await run('subjects')).stdout, /^[0-9a-f]{32} {2}overflow {2}\d+ records/m);
  assert.match((await run('erase', '--subject', 'user:nobody')).stderr, /holds nothing about user:nobody/);
  const own = await run('erase', '--subject', 'user:dana');
  assert.equal(own.code, 0, own.stderr);
  assert.equal(own.stderr, '');
});
