/** The desk that asks the log for approvers, with a log that cannot be opened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, closeTestLog, master, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { indexPath, keyPlaces, logFolder } from '../open.ts';
import { historyDesk } from './history.ts';

test('a log that cannot be opened is told with each question, ends no thread, and is read once it can be', async () => {
  const data = temporaryData();
  const problems: string[] = [];
  let threads = 0;
  const count = (): void => void threads++;
  process.on('worker', count);
  const start = { folder: logFolder(data, 'log'), keys: keyPlaces(data, 'log'), master, path: indexPath(data, 'log') };
  const desk = historyDesk(start, (problem) => void problems.push(problem));
  const question = {
    asker: 'op_1',
    approval: 'ap_1',
    caller: { user: 'dana' },
    owner: 'user:dana',
    server: 'notes',
    name: 'take',
  };
  try {
    for (let asked = 1; asked <= 2; asked++) {
      assert.equal(await desk.ask(question), undefined);
      assert.equal(problems.length, asked);
    }
    const log = await openTestLog(data);
    log.writer.accept(callOf('one', 'dana'));
    log.writer.drain();
    await closeTestLog(log);
    assert.deepEqual(
      (await desk.ask(question))?.recent.map(({ name }) => name),
      ['take'],
    );
    assert.deepEqual([threads, problems.length], [1, 2]);
  } finally {
    process.off('worker', count);
    await desk.close();
  }
});
