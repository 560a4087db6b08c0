/** The thread of the index on a log that cannot be read for a while. */
import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../../../../e2e/until.ts';
import { callOf, closeTestLog, master, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { tilePath } from '../log/tiles.ts';
import { keyPlaces } from '../open.ts';
import { Archive } from '../read/archive.ts';
import { IndexFile } from './index-file.ts';
import { startIndex } from './start.ts';

test('the index says that the log cannot be read, and goes on where it can be', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const log = await openTestLog(data);
  for (let at = 0; at < 20; at++) log.writer.accept(callOf(`call ${at}`, 'dana'));
  log.writer.drain();
  log.writer.publish();
  const keys = keyPlaces(data, 'log');
  const path = join(data, 'index.db');
  const archive = await Archive.open(log.folder, keys, master);
  const size = archive.reader.checkpoint()?.size ?? 0;
  const bundle = join(log.folder, tilePath('entries', 0, size));
  renameSync(bundle, `${bundle}.away`);
  const problem = Promise.withResolvers<string>();
  const running = startIndex({ folder: log.folder, keys, master, path }, problem.resolve);
  assert.match(await problem.promise, /not kept up to date: .* is missing/);
  renameSync(`${bundle}.away`, bundle);
  const index = IndexFile.openToRead(path, archive);
  // Looked at once a second by the thread.
  await until(() => index.next >= size, 'the rows of the records');
  assert.equal(index.count({ words: { user: 'dana' } }), 20);
  index.close();
  await running.close();
  await closeTestLog(log);
});
