/** What every store of meters must do, and the naive model that it is compared with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Demand, Held, Meters, Rate, Sum } from '../../src/state/contract/meters.ts';

const demand = (table: string, meter: Rate | Sum | Held, more: Partial<Demand> = {}): Demand => ({
  table,
  key: 'dana',
  meter,
  amount: 1,
  enforced: true,
  ...more,
});
export const rateOf = (everyMs: number, burst: number): Rate => ({
  kind: 'rate',
  everyMicros: everyMs * 1_000,
  burst,
});
/** A window of `slots` slots that slides. */
export function sumAt(now: number, limit: number, { slotMs, slots }: { slotMs: number; slots: number }): Sum {
  const lastsMs = slotMs * (slots + 1);
  return { kind: 'sum', limit, slot: Math.floor(now / slotMs) * slotMs, since: now - lastsMs + 1, lastsMs };
}

const window = { slotMs: 100, slots: 10 };

export function metersContract(name: string, open: (maxKeys: number) => Meters): void {
  test(`${name}: a rate lets its burst through, and then one every interval`, async () => {
    const meters = open(10);
    const one = demand('r', rateOf(100, 3));
    for (let at = 0; at < 3; at++) assert.equal((await meters.take([one], 1_000)).ok, true);
    assert.deepEqual(await meters.take([one], 1_000), { ok: false, short: [{ index: 0, retryAt: 1_100 }] });
    assert.equal((await meters.take([one], 1_099)).ok, false);
    assert.equal((await meters.take([one], 1_100)).ok, true);
    assert.equal((await meters.take([one], 1_101)).ok, false);
    assert.equal((await meters.take([{ ...one, key: 'eve' }], 1_101)).ok, true);
  });

  test(`${name}: a rate whose amount was raised has room when the new one says`, async () => {
    const meters = open(10);
    const rare = demand('r', rateOf(1_000_000, 2));
    for (let at = 0; at < 2; at++) assert.equal((await meters.take([rare], 1_000)).ok, true);
    const often = demand('r', rateOf(100, 3));
    assert.deepEqual(await meters.take([often], 1_000), { ok: false, short: [{ index: 0, retryAt: 1_100 }] });
    assert.equal((await meters.read(often, 1_000)).used, 3);
    assert.equal((await meters.take([often], 1_100)).ok, true);
    assert.equal((await meters.take([often], 1_199)).ok, false);
  });

  test(`${name}: what one meter refuses takes nothing from the others`, async () => {
    const meters = open(10);
    const [wide, narrow, sum, held] = [
      demand('wide', rateOf(1_000, 5)),
      demand('narrow', rateOf(1_000, 1)),
      demand('sum', sumAt(1_000, 5, window)),
      demand('held', { kind: 'held', limit: 5 }),
    ];
    assert.equal((await meters.take([wide, sum, held, narrow], 1_000)).ok, true);
    for (let at = 0; at < 20; at++) {
      const { ok, short } = await meters.take([wide, sum, held, narrow], 1_000);
      assert.deepEqual([ok, short.map(({ index }) => index)], [false, [3]]);
    }
    for (const each of [wide, sum, held]) assert.equal((await meters.read(each, 1_000)).used, 1, each.table);
  });

  test(`${name}: a meter that only observes says so, and refuses and takes nothing`, async () => {
    const meters = open(10);
    const [seen, other] = [demand('seen', rateOf(1_000, 1), { enforced: false }), demand('other', rateOf(1_000, 9))];
    assert.deepEqual(await meters.take([seen, other], 1_000), { ok: true, short: [] });
    const { ok, short } = await meters.take([seen, other], 1_000);
    assert.deepEqual([ok, short], [true, [{ index: 0, retryAt: 2_000 }]]);
    assert.deepEqual([(await meters.read(seen, 1_000)).used, (await meters.read(other, 1_000)).used], [1, 2]);
  });

  test(`${name}: a sum has room again when its oldest slot counts no more`, async () => {
    const meters = open(10);
    const at = (now: number, amount: number): Demand => demand('s', sumAt(now, 10, window), { amount });
    assert.equal((await meters.take([at(1_000, 6)], 1_000)).ok, true);
    assert.equal((await meters.take([at(1_500, 4)], 1_500)).ok, true);
    assert.deepEqual(await meters.take([at(1_500, 1)], 1_500), { ok: false, short: [{ index: 0, retryAt: 2_100 }] });
    assert.deepEqual(await meters.take([at(1_600, 7)], 1_600), { ok: false, short: [{ index: 0, retryAt: 2_600 }] });
    assert.equal((await meters.take([at(1_600, 11)], 1_600)).short[0]?.retryAt, undefined, 'never');
    assert.equal((await meters.take([at(2_099, 1)], 2_099)).ok, false);
    assert.equal((await meters.take([at(2_100, 6)], 2_100)).ok, true);
    assert.equal((await meters.read(at(2_100, 0), 2_100)).used, 10);
  });

  test(`${name}: what was taken beforehand is corrected afterwards, over the limit as well`, async () => {
    const meters = open(10);
    const sum = demand('s', sumAt(1_000, 10, window), { amount: 5 });
    await meters.take([sum], 1_000);
    await meters.adjust([{ demand: sum, by: -3 }], 1_050);
    assert.equal((await meters.read(sum, 1_050)).used, 2);
    await meters.adjust([{ demand: sum, by: 20 }], 1_060);
    assert.equal((await meters.read(sum, 1_060)).used, 22);
    assert.equal((await meters.take([{ ...sum, amount: 1 }], 1_070)).ok, false);
    const held = demand('h', { kind: 'held', limit: 1 });
    assert.equal((await meters.take([held], 1_000)).ok, true);
    assert.deepEqual(await meters.take([held], 1_000), { ok: false, short: [{ index: 0, retryAt: undefined }] });
    await meters.adjust([{ demand: held, by: -1 }], 1_001);
    assert.equal((await meters.take([held], 1_001)).ok, true);
  });

  test(`${name}: of many at the same time as many get through as there is room for`, async () => {
    const meters = open(10);
    const [rate, held] = [demand('r', rateOf(6_000, 10)), demand('h', { kind: 'held', limit: 40 })];
    const all = await Promise.all(Array.from({ length: 64 }, async () => meters.take([rate, held], 1_000)));
    assert.equal(all.filter(({ ok }) => ok).length, 10);
    assert.equal((await meters.read(held, 1_000)).used, 10);
  });

  test(`${name}: keys that are as good as new make room; without room those that come share one, and none begins anew`, async () => {
    const meters = open(50);
    const of = (key: number): Demand => demand('r', rateOf(1_000, 1), { key: `k${key}` });
    for (let key = 0; key < 500; key++) await meters.take([of(key)], 1_000 + key * 2_000);
    assert.ok((await meters.size()) <= 51);
    const now = 2_000_000;
    for (let key = 0; key < 500; key++) await meters.take([of(key)], now);
    assert.ok((await meters.size()) <= 52, String(await meters.size()));
    for (let key = 0; key < 500; key++) assert.equal((await meters.take([of(key)], now + 1)).ok, false, `k${key}`);
  });

  test(`${name}: a limit with very many keys forgets none of them early`, async () => {
    const meters = open(60_000);
    const of = (key: number): Demand => demand('r', rateOf(1_000, 1), { key: `user:person-${key} agent:a s/tool` });
    for (let key = 0; key < 50_000; key++) assert.equal((await meters.take([of(key)], 1_000 + key / 100)).ok, true);
    assert.equal(await meters.size(), 50_000);
    for (let key = 0; key < 50_000; key += 7)
      assert.equal((await meters.take([of(key)], 1_500)).ok, false, String(key));
    assert.equal((await meters.keys('r', 'person-49999 ', 10)).length, 1);
    for (let key = 0; key < 50_000; key++) await meters.take([of(key)], 10_000);
    assert.equal(await meters.size(), 50_000);
  });

  test(`${name}: an owner of very many keys has the last of them together, and takes no other one its room`, async () => {
    const meters = open(1_000_000);
    const of = (key: number, owner: string): Demand =>
      demand('r', rateOf(1_000_000, 1), { key: `${owner} session-${key}`, owner });
    for (let key = 0; key < 10_001; key++)
      assert.equal((await meters.take([of(key, 'eve')], 1_000)).ok, true, `${key}`);
    for (let key = 10_001; key < 12_000; key++) assert.equal((await meters.take([of(key, 'eve')], 1_000)).ok, false);
    assert.ok((await meters.size()) <= 10_001, String(await meters.size()));
    for (let key = 0; key < 100; key++) assert.equal((await meters.take([of(key, 'dana')], 1_000)).ok, true);
    assert.equal((await meters.take([of(5, 'eve')], 1_000)).ok, false, 'what it had apart stays apart');
    assert.equal((await meters.take([of(20_000, 'eve')], 1_001_001)).ok, true, 'and is as good as new after its time');
  });

  test(`${name}: a rate is what a naive model of it says, whatever the times`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 80 }),
        async (everyMs, burst, gaps) => {
          const meters = open(10);
          const one = demand('r', rateOf(everyMs, burst));
          let now = 1_700_000_000_000;
          // A bucket of tokens, in parts of a token.
          let [tokens, filledAt] = [burst * everyMs, now];
          for (const gap of gaps) {
            now += gap;
            tokens = Math.min(burst * everyMs, tokens + now - filledAt);
            filledAt = now;
            const wanted = tokens >= everyMs;
            const { ok, short } = await meters.take([one], now);
            assert.equal(ok, wanted);
            if (wanted) tokens -= everyMs;
            else assert.equal(short[0]?.retryAt, now + everyMs - tokens);
          }
        },
      ),
    );
  });

  test(`${name}: a sum is never over its limit in any window, and refuses nothing that all of its slots have room for`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 1, max: 8 })), { maxLength: 80 }),
        async (limit, calls) => {
          const meters = open(10);
          const lengthMs = window.slotMs * window.slots;
          let now = 1_700_000_000_000;
          const taken: { at: number; amount: number }[] = [];
          const since = (from: number) => taken.reduce((sum, { at, amount }) => (at > from ? sum + amount : sum), 0);
          for (const [gap, amount] of calls) {
            now += gap;
            const { ok, short } = await meters.take([demand('s', sumAt(now, limit, window), { amount })], now);
            if (ok) {
              taken.push({ at: now, amount });
              assert.ok(since(now - lengthMs) <= limit, 'over in the last window');
            } else {
              // All of the last window and the slot before it.
              assert.ok(since(now - lengthMs - window.slotMs) + amount > limit, 'there was room');
              const retryAt = short[0]?.retryAt;
              assert.equal(retryAt === undefined, amount > limit);
              if (retryAt !== undefined) assert.ok(retryAt > now && retryAt <= now + lengthMs + window.slotMs);
            }
          }
        },
      ),
    );
  });
}
