/** Logs that were begun with records of version 1 and 2 and go on with those of version 3. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callOf, closeTestLog, master, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { keyPlaces } from '../open.ts';
import { IndexFile } from '../search-index/index-file.ts';
import { Archive } from './archive.ts';
import { prove } from './prove.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const program = join(root, 'bin', 'sallyport-verify.js');
const current = 3;

function verify(...args: string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

for (const version of [1, 2])
  test(`a log of version ${version} goes on with version 3: it verifies, and both are searched, read and proved`, async (context) => {
    const data = temporaryData();
    context.after(() => rmSync(data, { recursive: true, force: true }));
    cpSync(join(root, 'test', 'fixtures', `log-of-version-${version}`), data, { recursive: true });
    for (const name of readdirSync(join(data, 'keys'))) chmodSync(join(data, 'keys', name), 0o600);
    assert.equal(verify(join(data, 'log')).status, 0);
    const log = await openTestLog(data);
    log.writer.accept([...callOf('new-1', 'dana'), ...callOf('new-2', 'frank')]);
    log.writer.drain();
    await closeTestLog(log);
    assert.deepEqual(verify(join(data, 'log')).status, 0, verify(join(data, 'log')).text);

    const archive = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
    const index = IndexFile.open(join(data, 'index.db'), archive);
    context.after(() => index.close());
    while (index.catchUp(archive));
    const checkpoint = archive.reader.checkpoint() ?? assert.fail();
    const found = index.search({ words: { user: 'dana' }, limit: 10 });
    const records = found.map(({ seq }) => archive.record(seq, checkpoint.size) ?? assert.fail());
    assert.deepEqual(
      records.map(({ fields, parts }) => [fields.v, fields.id, parts?.arguments]),
      [
        [current, 'new-1', '{"note":"new-1 of dana"}'],
        [version, 'old-1', '{"note":"old-1 of dana"}'],
      ],
    );
    const seqs = records.map(({ seq }) => seq);
    const proof = prove({ archive, checkpoint, seqs, keySeqs: [0], disclose: ['about', 'arguments'] });
    const path = join(data, 'case.json');
    writeFileSync(path, JSON.stringify(proof));
    assert.equal(verify(path).status, 0, verify(path).text);
    // A key that takes a part of the text in is not the key of the commitment.
    const [first = assert.fail()] = proof.records;
    const { text, key } = first.disclosed?.arguments ?? assert.fail();
    const moved = { arguments: { text: text.slice(1), key: `${key}${Buffer.from(text.slice(0, 1)).toString('hex')}` } };
    writeFileSync(path, JSON.stringify({ ...proof, records: [{ ...first, disclosed: moved }] }));
    assert.equal(verify(path).status, 1);
    // Erasing reaches the records of both versions, and everything still verifies.
    const again = await openTestLog(data);
    again.writer.erase('user:dana');
    await closeTestLog(again);
    const after = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
    const size = after.reader.checkpoint()?.size ?? 0;
    for (const seq of seqs) assert.equal(after.record(seq, size)?.privacy, 'key-missing');
    assert.equal(verify(join(data, 'log')).status, 0);
  });

test('a record whose version is changed is found', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const log = await openTestLog(data);
  log.writer.accept(callOf('one', 'dana'));
  await closeTestLog(log);
  const archive = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
  const checkpoint = archive.reader.checkpoint() ?? assert.fail();
  const proof = prove({ archive, checkpoint, seqs: [1], keySeqs: [0], disclose: ['arguments'] });
  const path = join(data, 'case.json');
  for (const version of [1, 2, 4]) {
    const [record = assert.fail()] = proof.records;
    const entry = record.entry.replace('"v":3', `"v":${version}`);
    assert.notEqual(entry, record.entry);
    writeFileSync(path, JSON.stringify({ ...proof, records: [{ ...record, entry }] }));
    assert.equal(verify(path).status, 1);
  }
});
