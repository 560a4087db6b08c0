/** What a reader holds of a log, and lets go of. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callOf, closeTestLog, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { tilePath } from '../log/tiles.ts';
import { LogReader } from './log-reader.ts';

/** A log that is published after each call. */
async function openedLog(context: TestContext) {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const log = await openTestLog(data);
  const write = (id: string): void => {
    log.writer.accept(callOf(id, 'dana'));
    log.writer.drain();
    log.writer.publish();
  };
  return { log, write };
}

test('a reader that has let go of what it read goes on, and reads again what came before', async (context) => {
  const { log, write } = await openedLog(context);
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

test('a reader of the last bundle finds its records although the log is published between all that it does', async (context) => {
  const { log, write } = await openedLog(context);
  for (let at = 0; at < 20; at++) write(`before ${at}`);
  const reader = new LogReader(log.folder);
  const look = reader.checkpoint.bind(reader);
  let looks = 0;
  reader.checkpoint = () => {
    const seen = look();
    if (looks++ < 6) write(`meanwhile ${looks}`);
    return seen;
  };
  const size = reader.checkpoint()?.size ?? 0;
  assert.equal([...reader.entries(0, size, size)].length, size);
  assert.ok(looks > 6);
  // Faster than it reads for good: an error, and no records that seem to be dropped.
  looks = -1_000;
  const now = reader.checkpoint()?.size ?? 0;
  assert.throws(() => [...reader.entries(0, now, now)], /changes faster than it can be read/);
  // It is gone, and the log is as it was.
  looks = 6;
  const last = reader.checkpoint()?.size ?? 0;
  rmSync(join(log.folder, tilePath('entries', 0, last)));
  reader.release();
  assert.throws(() => [...reader.entries(0, last, last)], /is missing/);
  await closeTestLog(log);
});
