/** The thread beside the data plane: turns, deadlines, bounds, and what becomes of a job that fails. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createInspectionThread, type Done, threadBounds } from './inspection-thread.ts';

const problems: string[] = [];
const thread = createInspectionThread((problem) => problems.push(problem));
after(() => thread.close());

const bounds = { maxChars: 1 << 24, maxFindings: 10, timeMs: 10_000 };
const spec = { ids: ['secrets'], wordLists: [] };
const url = 'postgres://falcon:kR7vQ2xLw9Zt@db.lovelace.dev/projects';

function scanOf(
  text: string,
  { owner = 'a', maxMs = 20_000 } = {},
): Promise<Done<{ readonly findings: readonly object[] }>> {
  return thread.run(
    { kind: 'scan', spec, parts: [text], key: Buffer.alloc(32), bounds },
    { owner, maxMs, chars: text.length },
  );
}

const long = 'word and more '.repeat(200_000);

test('a job is done beside, and gets the answer that the data plane would get', async () => {
  const done = await scanOf(`${long}${url}`);
  assert.ok(done.ok);
  assert.equal(done.answer.findings.length, 1);
});

test('callers take turns, however much one of them sends', async () => {
  const order: string[] = [];
  const note = (owner: string) => scanOf(long, { owner }).then(() => order.push(owner));
  const many = Array.from({ length: 6 }, () => note('greedy'));
  await Promise.all([...many, note('modest')]);
  assert.ok(order.indexOf('modest') <= 2, order.join(' '));
});

test('a job that is late ends, and the next one is done', async () => {
  const late = scanOf('password='.repeat(400_000), { maxMs: 1 });
  const next = scanOf(url);
  assert.deepEqual(await late, { ok: false, reason: 'time' });
  assert.ok((await next).ok);
});

test('a job that fails is a problem for the log, and the thread goes on', async () => {
  const bad = { kind: 'scan', spec: { ids: null, wordLists: [] }, parts: [], key: Buffer.alloc(32), bounds } as never;
  assert.deepEqual(await thread.run(bad, { owner: 'a', maxMs: 20_000, chars: 1 }), { ok: false, reason: 'failed' });
  assert.equal(problems.length, 1);
  assert.ok((await scanOf(url)).ok);
});

test('one caller fills its share and not that of others', async () => {
  const all = Array.from({ length: threadBounds.jobsOfOne + 5 }, () => scanOf(url));
  const other = scanOf(url, { owner: 'b' });
  const refused = (await Promise.all(all)).filter((done) => !done.ok);
  // One was taken up at once.
  assert.equal(refused.length, 4);
  assert.deepEqual(refused[0], { ok: false, reason: 'busy' });
  assert.ok((await other).ok);
});

test('what waits when the thread is closed is told so', async () => {
  const closing = createInspectionThread();
  const job = { kind: 'scan', spec, parts: [long], key: Buffer.alloc(32), bounds } as const;
  const waiting = [1, 2].map(() => closing.run(job, { owner: 'a', maxMs: 20_000, chars: long.length }));
  closing.close();
  assert.deepEqual(await Promise.all(waiting), [late, late]);
  assert.deepEqual(await closing.run(job, { owner: 'a', maxMs: 1, chars: 1 }), { ok: false, reason: 'busy' });
});

const late = { ok: false, reason: 'time' };
