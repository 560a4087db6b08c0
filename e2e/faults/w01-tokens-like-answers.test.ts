/** A server that chooses its own token makes the search for it in answers no slower than the search for any other token. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exchanging, saying, startExchanging, type User } from './exchanging.ts';
import { cpuMsOf, waitsDuring } from './stall.ts';

const bytes = 1024 * 1024;
const length = 12_000;
const filled = (piece: string): string => piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes);
const half = 'B'.repeat(length / 2);

/** Tokens, each of one user, and answers in which nearly all of the token stands at every place. */
const cases: Readonly<Record<Exclude<User, 'dana'>, { readonly token: string; readonly answer: string }>> = {
  finn: { token: `${half}A${half}B`, answer: filled('B') },
  gail: { token: `${'answer'.repeat(length / 6)}.`, answer: filled('answer') },
  // The last one: its token stands in the answers before, and is hidden from every caller.
  eve: { token: 'B'.repeat(length), answer: filled(`${'B'.repeat(length - 1)} `) },
};

async function costOf(world: Exchanging, user: User): Promise<{ cpuMs: number; worstMs: number }> {
  const before = await cpuMsOf(world.gateway.pid);
  const { result, worstMs } = await waitsDuring(world.gateway.admin, () => world.call(user));
  assert.match(result.body, /"content"/, result.body.slice(0, 500));
  return { cpuMs: (await cpuMsOf(world.gateway.pid)) - before, worstMs };
}

test('W1: a token that is chosen to be like the answers makes neither its calls nor those of others wait', async () => {
  await using world = await startExchanging((user) => (user === 'dana' ? 'ordinary-token' : cases[user].token));
  for (const [user, { token, answer }] of Object.entries(cases) as [keyof typeof cases, (typeof cases)['eve']][]) {
    world.witness.answer('open', saying(answer));
    await costOf(world, 'dana');
    const ordinary = await costOf(world, 'dana');
    await costOf(world, user);
    assert.equal(world.given(), token, 'the first call of a user fetches the token');
    const hostile = await costOf(world, user);
    // The product of both lengths takes more than two seconds.
    const allowedMs = Math.max(600, 8 * ordinary.cpuMs);
    assert.ok(hostile.cpuMs <= allowedMs, `${user}: ${hostile.cpuMs} ms of CPU, ordinary ${ordinary.cpuMs} ms`);
    // Left to the clock on the wall, which is slow where the machine is busy.
    assert.ok(hostile.worstMs < 5_000, `${user}: another request waited ${hostile.worstMs} ms`);
    world.witness.answer('open', saying(`${answer} ${token}`));
    const [content] = ((await world.call(user)).json?.result?.content ?? []) as { text: string }[];
    assert.ok(content?.text === `${answer} (hidden)`, `${user}: the token is hidden, and nothing else`);
  }
});
