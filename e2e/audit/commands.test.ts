/** The audit commands beside a running gateway, where what they say must not be more, nor less, than what is so. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../gateway/test/support/folder.ts';
import { startGateway } from '../harness.ts';
import { startWorld, type World } from './world.ts';

interface Subject {
  readonly log: string;
  readonly pseudonym: string;
  readonly subject?: string;
  readonly state: string;
}

async function subjectsOf(world: World): Promise<readonly Subject[]> {
  return (JSON.parse((await world.sallyport('audit', 'subjects', '--json')).stdout) as { subjects: Subject[] })
    .subjects;
}

const slotSize = 128;

test('a key that is gone without a record of an erasure is missing, not erased', async (context) => {
  const folder = temporaryFolder('audit-keys');
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using world = await startWorld({}, { folder });
  await world.call(world.keys.dana, 'take', { note: 'of dana' });
  await world.call(world.keys.eve, 'take', { note: 'of eve' });
  assert.equal((await world.sallyport('audit', 'erase', '--subject', 'user:eve')).code, 0);
  assert.equal((await world.sallyport('audit', 'verify')).code, 0);
  const dana = (await subjectsOf(world)).find(({ subject }) => subject === 'user:dana');
  const path = join(world.gateway.folder, 'data', 'keys', 'log-subjects');
  const bytes = readFileSync(path);
  const slot = Math.floor(bytes.indexOf(Buffer.from(dana?.pseudonym ?? '', 'hex')) / slotSize);

  const whole = Buffer.from(bytes);
  for (const [from, to] of [
    // The wrapped key alone, and the slot as a whole.
    [slot * slotSize + 44, slot * slotSize + 104],
    [slot * slotSize, (slot + 1) * slotSize],
  ] as const) {
    writeFileSync(path, Buffer.from(bytes.fill(0, from, to)));
    const found = await world.sallyport('audit', 'search', '--subject', dana?.pseudonym ?? '');
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /\(key-missing\)/);
    assert.match(found.stderr, /its key is missing and no record says that it was erased: restore log-subjects/);
    const [seq = ''] = found.stdout.trim().split(' ');
    const shown = await world.sallyport('audit', 'show', seq);
    assert.match(shown.stdout, /private part: its key is missing and no record says that it was erased/);
    const exported = await world.sallyport('audit', 'export', '--subject', dana?.pseudonym ?? '');
    assert.match(exported.stdout, /"privacy":"key-missing"/);
    assert.match(exported.stderr, /its key is missing/);
    const states = (await subjectsOf(world)).map(({ state }) => state);
    assert.deepEqual(
      states.filter((state) => state !== 'held').toSorted((a, b) => a.localeCompare(b)),
      ['erased', 'key-missing'],
    );
    const verified = await world.sallyport('audit', 'verify');
    assert.equal(verified.code, 1);
    assert.match(verified.stderr, /1 subject lacks its key and no record says that they were erased/);
    const json = await world.sallyport('audit', 'verify', '--json');
    assert.deepEqual([json.code, (JSON.parse(json.stdout) as { ok: boolean }).ok], [1, false]);
  }
  await world.gateway.stop();
  await using again = await startGateway({}, { folder });
  await again.until(() => again.errors().includes('1 subject lacks its key and no record says'));

  writeFileSync(path, whole);
  const verified = await world.sallyport('audit', 'verify');
  assert.equal(verified.code, 0, verified.stderr);
});
