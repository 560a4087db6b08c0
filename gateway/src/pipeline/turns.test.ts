import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTurn, turnsOf } from './turns.ts';

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

test('works that begin in one turn of the loop have the time of one piece together', async () => {
  const first = turnsOf();
  while (!first.isOver());
  assert.ok([turnsOf(), turnsOf()].every((each) => each.isOver()));
  await new Promise(setImmediate);
  assert.ok(!turnsOf().isOver());
});
