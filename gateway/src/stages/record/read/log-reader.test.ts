/** What a reader holds of a log, and lets go of. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { callOf, closeTestLog, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { LogReader } from './log-reader.ts';

test('a reader that has let go of what it read goes on, and reads again what came before', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const log = await openTestLog(data);
  const write = (id: string): void => {
    log.writer.accept(callOf(id, 'dana'));
    log.writer.drain();
    log.writer.publish();
  };
  write('one');
  const reader = new LogReader(log.folder);
  reader.checkpoint();
  const intent = reader.sealed(1);
  assert.ok(intent.length > 0);
  reader.release();
  write('two');
  reader.checkpoint();
  assert.ok(reader.sealed(3).length > 0);
  reader.release();
  assert.deepEqual(reader.sealed(1), intent);
  assert.ok(reader.sealed(3).length > 0);
  await closeTestLog(log);
});
