import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openOperatorStore } from '../../operators/store.ts';
import type { AuditEvent } from '../../pipeline/contracts/audit.ts';
import { Recording } from '../recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-unrecorded-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const event = (n: number) => ({ kind: 'operator-token', at: n, detail: { n } }) as const;

function stores(name: string) {
  const data = join(folder, name);
  const [one, other] = [openOperatorStore(data, Buffer.alloc(32)), openOperatorStore(data, Buffer.alloc(32))];
  return {
    one,
    other,
    [Symbol.dispose]() {
      one.close();
      other.close();
    },
  };
}

const numbers = (items: readonly { readonly at: number }[]): readonly number[] => items.map(({ at }) => at);

test('a change is taken by one process, again when that has had it for too long, and never once it is recorded', () => {
  using opened = stores('taken');
  const { one, other } = opened;
  for (const n of [1, 2, 3]) one.tell(event(n));
  const now = 1_000_000;
  const taken = one.unrecorded.take('late', now);
  assert.deepEqual(numbers(taken), [1, 2, 3]);
  assert.deepEqual(other.unrecorded.take('new', now), []);
  assert.deepEqual(other.unrecorded.take('late', now + 4_999), []);
  one.unrecorded.recorded(taken.slice(0, 1));
  assert.deepEqual(numbers(other.unrecorded.take('late', now + 5_000)), [2, 3]);
  // The clock is set back by more than the time for which changes are taken.
  const again = other.unrecorded.take('late', now - 1);
  assert.deepEqual(numbers(again), [2, 3]);
  // What was taken by others since is not this process's to mark, nor to give away.
  one.unrecorded.recorded(taken);
  one.unrecorded.release(taken);
  assert.deepEqual(one.unrecorded.take('late', now), []);
  other.unrecorded.recorded(again);
  assert.deepEqual(one.unrecorded.take('late', now + 100_000), []);
});

test("a change without a record is any process's again, before those that came later", () => {
  using opened = stores('released');
  const { one, other } = opened;
  for (const n of [1, 2]) one.tell(event(n));
  one.unrecorded.release(one.unrecorded.take('new', 0));
  one.tell(event(3));
  assert.deepEqual(numbers(other.unrecorded.take('new', 1)), [1, 2, 3]);
});

test('one change is taken by its key, also from another process', () => {
  using opened = stores('of');
  const { one, other } = opened;
  for (const n of [1, 2]) one.tell(event(n));
  const taken = one.unrecorded.take('new', 0);
  const second = other.unrecorded.take({ of: '2' }, 0);
  assert.deepEqual(numbers(second), [2]);
  other.unrecorded.recorded(second);
  one.unrecorded.recorded(taken);
  assert.deepEqual(one.unrecorded.take({ of: '2' }, 0), []);
});

test('a recording marks what is durable, and leaves the rest for later', async () => {
  using opened = stores('recording');
  const { one, other } = opened;
  for (const n of [1, 2, 3]) one.tell(event(n));
  const waiting: { readonly event: AuditEvent; readonly end: PromiseWithResolvers<void> }[] = [];
  const audit = {
    record(told: AuditEvent): Promise<void> {
      const end = Promise.withResolvers<void>();
      waiting.push({ event: told, end });
      return end.promise;
    },
  };
  const recording = new Recording(one.unrecorded, audit);
  recording.record(recording.take(1_000), (item) => item);
  assert.deepEqual(numbers(waiting.map((each) => each.event)), [1, 2, 3]);
  // It waits for these, whatever the time is.
  assert.deepEqual(recording.take(100_000), []);
  waiting[0]?.end.resolve();
  waiting[1]?.end.reject(new Error('the log takes no more'));
  waiting[2]?.end.resolve();
  await recording.settled();
  assert.deepEqual(numbers(other.unrecorded.take('new', 100_000)), [2]);
  assert.deepEqual(recording.take(100_000), []);
});

test('what a log is slow to write stays with the process that waits for it', async () => {
  using opened = stores('slow');
  const { one, other } = opened;
  one.tell(event(1));
  const { promise, resolve } = Promise.withResolvers<void>();
  const recording = new Recording(one.unrecorded, { record: () => promise });
  recording.record(recording.take(0), (item) => item);
  // A look each second, as gateways have.
  for (let now = 1_000; now <= 90_000; now += 1_000) {
    assert.deepEqual(recording.take(now), []);
    assert.deepEqual(other.unrecorded.take('late', now), [], `${now}`);
  }
  resolve();
  await recording.settled();
  assert.deepEqual(other.unrecorded.take('late', 200_000), []);
});

test("what waits for a slow disk before it is recorded is no other process's", async (context) => {
  using opened = stores('slow disk');
  const { one, other } = opened;
  context.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  const written: number[] = [];
  const recording = new Recording<AuditEvent, AuditEvent>(one.unrecorded, {
    record: ({ at }) => Promise.resolve(void written.push(at)),
  });
  for (const n of [1, 2]) one.tell(event(n));
  const taken = recording.take(Date.now());
  const disk = Promise.withResolvers<void>();
  const kept = recording.keepDuring(taken, disk.promise);
  for (let second = 0; second < 10; second++) {
    context.mock.timers.tick(1_000);
    assert.deepEqual(other.unrecorded.take('late', Date.now()), [], `${second + 1} s`);
  }
  disk.resolve();
  await kept;
  recording.record(taken, (each) => each);
  assert.equal(await recording.settled(), true);
  assert.deepEqual(written, [1, 2]);
  // Its end is the end of that.
  context.mock.timers.tick(100_000);
  assert.deepEqual(other.unrecorded.take('late', Date.now()), []);
});
