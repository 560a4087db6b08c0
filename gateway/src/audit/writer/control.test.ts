/** Requests of the command line to the writer of a log, as files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { callOf, closeTestLog, openTestLog, type TestLog, temporaryData } from '../../../test/support/audit-log.ts';
import { failingDisk } from '../../../test/support/failing-disk.ts';
import { keyPlaces } from '../open.ts';
import { type Answer, type Asked, answerRequests, requestsFolder } from './control.ts';

function askedOf(log: TestLog, retain: Asked['retain']): Asked {
  return { folder: log.folder, keys: keyPlaces(log.data, 'log'), origin: log.origin, writer: log.writer, retain };
}

/** Lays these requests down and has them answered once. */
async function ask(asked: Asked, requests: Readonly<Record<string, unknown>>): Promise<unknown[]> {
  const folder = requestsFolder(asked.folder);
  mkdirSync(folder, { recursive: true });
  for (const [name, request] of Object.entries(requests))
    writeFileSync(join(folder, `${name}.json`), typeof request === 'string' ? request : JSON.stringify(request));
  const failures: unknown[] = [];
  answerRequests(asked, (error) => failures.push(error));
  for (let turns = 0; turns < 10; turns++) await turn();
  return failures;
}

function answerTo(name: string, { folder }: Asked): Answer | undefined {
  const path = join(requestsFolder(folder), `${name}.answer`);
  if (!existsSync(path)) return undefined;
  const answer = JSON.parse(readFileSync(path, 'utf8')) as Answer;
  rmSync(path);
  return answer;
}

const nothing = async (): Promise<never> => {
  throw new Error('not asked for');
};

test('whoever asks is told when the disk fails meanwhile, and what was begun is finished', async () => {
  const disk = failingDisk();
  const log = await openTestLog(temporaryData(), { disk });
  const asked = askedOf(log, nothing);
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  disk.fail('sync', 0);
  const failures = await ask(asked, { one: { do: 'erase', subject: 'user:dana' }, other: { do: 'publish' } });
  assert.match(String(failures[0]), /EIO/);
  for (const name of ['one', 'other']) {
    const failed = answerTo(name, asked);
    assert.equal(failed?.ok, false);
    assert.match(failed.problem, /^the gateway cannot write its log: EIO/);
  }
  disk.fail(undefined);
  log.writer.drain();
  assert.deepEqual(await ask(asked, { again: { do: 'erase', subject: 'user:dana' } }), []);
  const again = answerTo('again', asked);
  assert.equal(again?.ok, false);
  assert.match(again.problem, /holds nothing about user:dana/);
  await closeTestLog(log);
});

test('what takes long is answered when it is done, and holds up nothing else', async () => {
  const log = await openTestLog(temporaryData());
  const { promise, resolve } = Promise.withResolvers<{ tiers: { read: number }; entries: number }>();
  const asked = askedOf(log, () => promise);
  log.writer.drain();
  assert.deepEqual(await ask(asked, { long: { do: 'retain', ages: { read: 1 } }, short: { do: 'publish' } }), []);
  assert.deepEqual(answerTo('short', asked), { ok: true, result: { size: 1 } });
  assert.equal(answerTo('long', asked), undefined);
  resolve({ tiers: { read: 7 }, entries: 0 });
  await ask(asked, {});
  assert.deepEqual(answerTo('long', asked), { ok: true, result: { read: 7, records: 0 } });
  await closeTestLog(log);
});

test('old files that cannot be changed are no failure of the log', async () => {
  const log = await openTestLog(temporaryData());
  const asked = askedOf(log, async () => {
    throw new Error('EROFS: made up');
  });
  assert.deepEqual(await ask(asked, { one: { do: 'retain', ages: { read: 1 } } }), []);
  const answer = answerTo('one', asked);
  assert.equal(answer?.ok, false);
  assert.match(answer.problem, /^what is too old cannot be dropped: EROFS/);
  await closeTestLog(log);
});

test('what is no request is answered as such', async () => {
  const log = await openTestLog(temporaryData());
  const asked = askedOf(log, nothing);
  const requests = {
    text: 'not JSON',
    unknown: { do: 'forget-everything' },
    erase: { do: 'erase' },
    rewrap: { do: 'note-rewrap', from: 'x', to: 'y' },
  };
  assert.deepEqual(await ask(asked, requests), []);
  for (const name of Object.keys(requests)) {
    const answer = answerTo(name, asked);
    assert.equal(answer?.ok, false);
    assert.equal(answer.problem, `${name}.json is not a request`);
  }
  await closeTestLog(log);
});
