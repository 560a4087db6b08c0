import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inTurns, nextTurn, turnsOf } from './turns.ts';

test('of several long works one has its turn between two turns of the loop, and each gets as many', async () => {
  let ticks = 0;
  let isOver = false;
  const tick = (): void => {
    ticks++;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  const seen: { readonly work: number; readonly tick: number }[] = [];
  const work = async (number: number): Promise<void> => {
    const turns = turnsOf();
    for (let piece = 0; piece < 6; piece++) {
      await turns.next();
      seen.push({ work: number, tick: ticks });
    }
  };
  await Promise.all([0, 1, 2, 3, 4].map(work));
  isOver = true;
  assert.deepEqual(
    seen.map((each) => each.work),
    Array.from({ length: 30 }, (_, index) => index % 5),
  );
  assert.equal(new Set(seen.map((each) => each.tick)).size, 30, 'never two in one turn of the loop');
});

test('a turn that begins another wait loses none', async () => {
  const order: string[] = [];
  await Promise.all([
    nextTurn().then(async () => {
      order.push('a');
      await nextTurn();
      order.push('c');
    }),
    nextTurn().then(() => order.push('b')),
  ]);
  assert.deepEqual(order, ['a', 'b', 'c']);
});

/** A clock that stands still until the test moves it, so that a machine with other work does not end a piece. */
function stoppedClock(t: TestContext): { ms: number } {
  const clock = { ms: 1000 };
  t.mock.method(performance, 'now', () => clock.ms);
  return clock;
}

test('works that begin in one turn of the loop have the time of one piece together', async (t) => {
  await new Promise(setImmediate);
  const clock = stoppedClock(t);
  const first = turnsOf();
  clock.ms += 4;
  assert.ok(!first.isOver());
  clock.ms += 0.1;
  assert.ok([first, turnsOf(), turnsOf()].every((each) => each.isOver()));
  await new Promise(setImmediate);
  assert.ok(!turnsOf().isOver());
});

test('steps come to the same in one turn and in many, and give others theirs in between', async (t) => {
  await new Promise(setImmediate);
  const clock = stoppedClock(t);
  function* counting(steps: number): Generator<undefined, number> {
    let sum = 0;
    for (let step = 1; step <= steps; step++) {
      sum += step;
      if (steps > 3) clock.ms++;
      yield;
    }
    return sum;
  }
  assert.equal(inTurns(counting(0)), 0);
  assert.equal(inTurns(counting(3)), 6);
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const later = inTurns(counting(20));
  const sum = await later;
  isOver = true;
  assert.ok(later instanceof Promise);
  assert.equal(sum, 210);
  assert.ok(turns >= 3, `${turns} turns`);
});
