/** What a search finds is what is there, wherever it lies: compared with a look at every record. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  callerNamed,
  closeTestLog,
  endOf,
  factsOf,
  master,
  openTestLog,
  temporaryData,
} from '../../../../test/support/audit-log.ts';
import { openPlain } from '../../../stores/sqlite/driver.ts';
import { keyPlaces } from '../open.ts';
import { Archive } from '../read/archive.ts';
import { intentMessage, type Message, outcomeMessage } from '../record/message.ts';
import { IndexFile, type Search } from './index-file.ts';
import { stretchLength } from './stretches.ts';

const begin = Date.UTC(2030, 0, 1);

interface Made {
  readonly seq: number;
  readonly user: string;
  readonly server: string;
  readonly at: number;
  readonly isRefused: boolean;
}

/** Calls of two users and a rare third one, whose clock goes back half way; every outcome comes a few calls later. */
async function made(data: string, calls: number): Promise<readonly Made[]> {
  const log = await openTestLog(data);
  const all: Made[] = [];
  const waiting: Message[] = [];
  let last: Message | undefined;
  let seq = log.writer.size;
  log.writer.drain();
  seq = log.writer.size;
  for (let call = 0; call < calls; call++) {
    const user = call % 701 === 700 ? 'rare' : call % 2 === 0 ? 'dana' : 'frank';
    const server = `server-${call % 7}`;
    const at = begin + (call < calls / 2 ? call : call - 200) * 1_000;
    const isRefused = call % 11 === 1;
    const facts = { ...factsOf(`call-${call}`, user, at), server, caller: callerNamed(user) };
    all.push({ seq: seq++, user, server, at, isRefused });
    log.writer.accept([intentMessage(facts)]);
    // The first one ends last, when its row has long been there, and as no other does.
    if (call === 0) last = outcomeMessage(facts, { ...endOf(at), outcome: 'unknown' });
    else waiting.push(outcomeMessage(facts, { ...endOf(at), ...(isRefused && { outcome: 'refused' }) }));
    if (waiting.length < 50) continue;
    log.writer.accept(waiting.splice(0));
    seq += 50;
  }
  log.writer.accept(last === undefined ? waiting : [...waiting, last]);
  log.writer.drain();
  await closeTestLog(log);
  return all;
}

test('a search finds what a look at every record finds, and what is erased by no name', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const all = await made(data, 2_000);
  const folder = join(data, 'log');
  const archive = await Archive.open(folder, keyPlaces(data, 'log'), master);
  const path = join(data, 'index.db');
  const index = IndexFile.open(path, archive);
  while (index.catchUp(archive));
  const youngest = (matches: (one: Made) => boolean) =>
    all
      .filter(matches)
      .map(({ seq }) => seq)
      .toReversed();
  const same = (search: Omit<Search, 'limit'>, matches: (one: Made) => boolean): void => {
    const expected = youngest(matches);
    for (const limit of [1, 30, 10_000])
      assert.deepEqual(
        index.search({ ...search, limit }).map(({ seq }) => seq),
        expected.slice(0, limit),
        JSON.stringify({ ...search, limit }),
      );
    assert.equal(index.count(search), expected.length);
  };
  assert.ok((youngest(() => true)[0] ?? 0) > 3 * stretchLength);
  same({ words: { kind: 'intent' } }, () => true);
  same({ words: { user: 'rare' } }, ({ user }) => user === 'rare');
  same({ words: { user: 'dana', server: 'server-3' } }, ({ user, server }) => user === 'dana' && server === 'server-3');
  same({ words: { outcome: 'refused', user: 'rare' } }, ({ user, isRefused }) => user === 'rare' && isRefused);
  same({ words: { outcome: 'unknown' } }, ({ seq }) => seq === all[0]?.seq);
  same({ words: { user: 'nobody' } }, () => false);
  for (const before of [1, stretchLength, stretchLength + 1, 2_500])
    same({ words: { user: 'frank' }, before }, ({ user, seq }) => user === 'frank' && seq < before);
  // Around the step of the clock, where the time of a record says little of its place.
  for (const second of [0, 850, 900, 1_000, 1_799, 5_000]) {
    const since = begin + second * 1_000;
    const until = since + 60_000;
    same({ words: { user: 'dana' }, since }, ({ user, at }) => user === 'dana' && at >= since);
    same({ words: { kind: 'intent' }, since, until }, ({ at }) => at >= since && at < until);
  }
  for (const call of [0, 1, 700, 1_234, 1_999])
    assert.deepEqual(
      index.search({ words: {}, id: `call-${call}`, limit: 5 }).map(({ seq }) => seq),
      [all[call]?.seq],
      `call-${call}`,
    );
  assert.deepEqual(index.search({ words: {}, id: 'call-2000', limit: 5 }), []);
  assert.deepEqual(index.search({ words: { user: 'frank' }, id: 'call-0', limit: 5 }), []);
  assert.equal(index.count({ words: { user: 'dana' }, id: 'call-0' }), 1);

  const { pseudonym } = archive.subjects.find('user:rare') ?? assert.fail();
  index.forget(pseudonym);
  assert.equal(index.knows('user', 'rare'), false);
  same({ words: { user: 'rare' } }, () => false);
  same({ words: { subject: pseudonym } }, ({ user }) => user === 'rare');
  same({ words: { user: 'frank' } }, ({ user }) => user === 'frank');
  index.close();
  const database = openPlain(path);
  const stray = database
    .prepare('SELECT count(*) AS n FROM occurrences WHERE word NOT IN (SELECT id FROM words)')
    .get();
  database.close();
  assert.equal(stray?.['n'], 0);
});
