/** The audit commands beside a running gateway, where what they say must not be more, nor less, than what is so. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../gateway/test/support/folder.ts';
import { openSession } from '../clients.ts';
import { startGateway } from '../harness.ts';
import { filesWith, startWorld, type World } from './world.ts';

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

const program = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
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

test('erasing covers the logs of stdio gateways, also of one that runs', async () => {
  await using world = await startWorld();
  const { gateway, keys, sallyport } = world;
  await world.call(keys.dana, 'take', { note: 'over http' });
  await using session = await openSession('sdk2-modern', {
    command: [process.execPath, program, 'stdio', '--config', gateway.config, '--key', keys.dana],
  });
  assert.match((await session.call('notes__take', { note: 'over stdio' })).text, /witness was called/);
  const access = await sallyport('audit', 'export', '--disclose', 'arguments', '--subject', 'user:dana');
  for (const note of ['over http', 'over stdio']) assert.ok(access.stdout.includes(note), access.stdout);
  const erased = await sallyport('audit', 'erase', '--subject', 'user:dana', '--json');
  assert.equal(erased.code, 0, erased.stderr + erased.stdout);
  const { logs } = JSON.parse(erased.stdout) as { logs: { log: string; certificate: string }[] };
  assert.deepEqual(
    logs.map(({ log }) => log),
    ['log', 'log-stdio-1'],
  );
  for (const { certificate } of logs) assert.match(certificate, /^sallyport erasure certificate v1\n/);
  assert.deepEqual(filesWith(join(gateway.folder, 'data'), 'over stdio'), []);
  for (const log of ['log', 'log-stdio-1']) {
    const verified = await sallyport('audit', 'verify', '--log', log);
    assert.equal(verified.code, 0, verified.stderr);
    assert.match((await sallyport('audit', 'search', '--log', log, '--method', 'tools/call')).stdout, /\(erased\)/);
  }
});
