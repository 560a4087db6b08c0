/** What every registry, every table of counters and every table of holds must do. One body for all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Changes } from '../../src/state/contract/changes.ts';
import type { CounterBounds, Counters, HoldBounds, Holds } from '../../src/state/contract/counters.ts';
import type { Mailbox } from '../../src/state/contract/mailbox.ts';
import type { Registry, RegistryBounds } from '../../src/state/contract/registry.ts';

export interface Note {
  readonly text: string;
}

const note = (text: string): Note => ({ text });
const refusing: RegistryBounds = { maxEntries: 4, maxOfOwner: 2, lifetimeMs: 1_000, whenFull: 'refuse' };
const evicting: RegistryBounds = { ...refusing, whenFull: 'evict' };

/** `open` makes a new registry each time. */
export function registryContract(name: string, open: (bounds: RegistryBounds) => Registry<Note>): void {
  const keys = async (registry: Registry<Note>, owner: string, now: number) =>
    (await registry.list(owner, now)).map(({ key }) => key);

  test(`${name}: an entry is found until it ends, and taken once`, async () => {
    const registry = open(refusing);
    assert.equal(await registry.get('a', 0), undefined);
    const put = await registry.put({ key: 'a', owner: 'dana', value: note('one') }, 100);
    assert.ok(put.ok);
    const entry = { key: 'a', owner: 'dana', value: note('one'), expiresAt: 1_100, version: put.version };
    assert.deepEqual(plain(await registry.get('a', 1_099)), entry);
    assert.deepEqual((await registry.list('dana', 1_099)).map(plain), [entry]);
    assert.equal(await registry.get('a', 1_100), undefined);
    assert.deepEqual(await registry.list('dana', 1_100), []);
    assert.equal(await registry.take('a', 1_100), undefined, 'what has ended cannot be taken');
    assert.ok((await registry.put({ key: 'b', owner: 'dana', value: note('two'), expiresAt: 2_050 }, 2_000)).ok);
    assert.deepEqual((await registry.take('b', 2_049))?.value, note('two'));
    assert.equal(await registry.take('b', 2_049), undefined);
    assert.equal(await registry.size(2_049), 0);
  });

  test(`${name}: an entry does not outlive the lifetime of its registry`, async () => {
    const registry = open(refusing);
    await registry.put({ key: 'a', owner: 'dana', value: note(''), expiresAt: 1_000_000 }, 0);
    assert.equal((await registry.get('a', 999))?.expiresAt, 1_000);
    assert.equal(await registry.get('a', 1_000), undefined);
  });

  test(`${name}: an entry is put only where there is none, or over the version that was read`, async () => {
    const registry = open(refusing);
    const entry = { key: 'a', owner: 'dana', value: note('one') };
    const first = await registry.put(entry, 0, 'absent');
    assert.ok(first.ok);
    assert.deepEqual(await registry.put({ ...entry, value: note('two') }, 1, 'absent'), {
      ok: false,
      reason: 'exists',
    });
    const second = await registry.put({ ...entry, value: note('three') }, 2, first.version);
    assert.ok(second.ok);
    const late = await registry.put({ ...entry, value: note('four') }, 3, first.version);
    assert.deepEqual(late, { ok: false, reason: 'changed' });
    assert.deepEqual((await registry.take('a', 4))?.value, note('three'));
    assert.deepEqual(await registry.put(entry, 5, second.version), { ok: false, reason: 'changed' }, 'it is gone');
    const anew = await registry.put(entry, 6, 'absent');
    assert.ok(anew.ok && anew.version !== first.version && anew.version !== second.version);
    assert.ok((await registry.put(entry, 1_006, 'absent')).ok, 'one that has ended is absent');
  });

  test(`${name}: an entry that is put again changes its owner, and takes no more room`, async () => {
    const registry = open(refusing);
    for (const owner of ['dana', 'eve', 'dana', 'eve', 'eve'])
      assert.ok((await registry.put({ key: 'a', owner, value: note(owner) }, 0)).ok);
    assert.deepEqual(await keys(registry, 'dana', 1), []);
    assert.deepEqual(await keys(registry, 'eve', 1), ['a']);
    assert.equal(await registry.size(1), 1);
  });

  test(`${name}: one that refuses when full keeps what is there, and has room again when that has ended`, async () => {
    const registry = open(refusing);
    const put = async (key: string, owner: string, now: number) =>
      (await registry.put({ key, owner, value: note(key) }, now)).ok;
    assert.deepEqual([await put('a', 'dana', 0), await put('b', 'dana', 1)], [true, true]);
    const third = await registry.put({ key: 'c', owner: 'dana', value: note('c') }, 2);
    assert.deepEqual(third, { ok: false, reason: 'full' }, 'beyond the share');
    assert.ok(await put('b', 'dana', 3), 'a key that is there needs no room');
    assert.deepEqual([await put('c', 'eve', 4), await put('d', 'fred', 5)], [true, true], 'the others have theirs');
    assert.ok(!(await put('e', 'gina', 6)), 'all of it is full');
    assert.ok(!(await put('c', 'dana', 7)), 'the share holds for an entry of another owner as well');
    assert.deepEqual(await keys(registry, 'eve', 8), ['c'], 'and it stays where it was');
    assert.equal(await registry.size(8), 4);
    assert.ok(await put('e', 'dana', 1_000), 'the first has ended');
    assert.ok(!(await put('f', 'gina', 1_001)));
    assert.ok(await put('f', 'gina', 1_003));
  });

  test(`${name}: one that evicts when full lets the oldest go: of the owner first, then of all`, async () => {
    const registry = open(evicting);
    const put = (key: string, owner: string) => registry.put({ key, owner, value: note(key) }, 0);
    for (const [key, owner] of [
      ['a', 'eve'],
      ['b', 'dana'],
      ['c', 'dana'],
      ['d', 'dana'],
    ] as const)
      assert.ok((await put(key, owner)).ok);
    assert.deepEqual([await keys(registry, 'dana', 1), await keys(registry, 'eve', 1)], [['c', 'd'], ['a']]);
    await put('c', 'dana');
    assert.deepEqual(await keys(registry, 'dana', 1), ['d', 'c'], 'what is put again is the newest');
    await put('e', 'fred');
    await put('f', 'gina');
    assert.deepEqual(await keys(registry, 'eve', 1), [], 'the oldest of all went');
    assert.equal(await registry.size(1), 4);
  });

  test(`${name}: at the bound, a million puts later, it holds no more and answers as fast`, async () => {
    const bounds: RegistryBounds = { maxEntries: 2_000, maxOfOwner: 100, lifetimeMs: 1_000, whenFull: 'evict' };
    const registry = open(bounds);
    const rounds = await fillFor(async (index) => {
      await registry.put({ key: `k${index}`, owner: `o${index % 40}`, value: note('') }, Math.floor(index / 10));
    });
    assert.equal(await registry.size(Math.floor(rounds / 10)), Math.min(rounds, bounds.maxEntries));
    assert.ok((await registry.list('o1', Math.floor(rounds / 10))).length <= bounds.maxOfOwner);
    await likeAtFirst(async (index) => {
      await registry.put({ key: `l${index}`, owner: `o${index % 40}`, value: note('') }, Math.floor(rounds / 10));
    }, open(bounds));
  });

  /** Operations at the bound beside those of an empty registry, in the same run. The fastest of some batches: the machine may pause. */
  async function likeAtFirst(work: (index: number) => Promise<void>, empty: Registry<Note>): Promise<void> {
    const measure = async (once: (index: number) => Promise<void>) => {
      let fastestMs = Number.POSITIVE_INFINITY;
      for (let batch = 0; batch < 10; batch++) {
        const began = performance.now();
        for (let index = 0; index < 100; index++) await once(100 * batch + index);
        fastestMs = Math.min(fastestMs, performance.now() - began);
      }
      return fastestMs;
    };
    const first = await measure(async (index) => {
      await empty.put({ key: `e${index}`, owner: `o${index % 40}`, value: note('') }, 0);
    });
    const atTheBound = await measure(work);
    assert.ok(atTheBound < 20 * first + 10, `${atTheBound.toFixed(1)} ms against ${first.toFixed(1)} ms`);
  }
}

/** Half a second, or a million times. How often it was. */
async function fillFor(work: (index: number) => Promise<void>): Promise<number> {
  const until = performance.now() + 500;
  let index = 0;
  for (; index < 1_000_000 && performance.now() < until; index++) await work(index);
  return index;
}

/** What a contract speaks of, whatever else a store keeps beside it. */
function plain<Value>(
  entry: { key: string; owner: string; value: Value; expiresAt: number; version: number } | undefined,
) {
  if (entry === undefined) return undefined;
  const { key, owner, value, expiresAt, version } = entry;
  return { key, owner, value, expiresAt, version };
}

export function countersContract(name: string, open: (bounds: CounterBounds) => Counters): void {
  const source = (key: string) => ({ owner: 'source', key });

  test(`${name}: several counters are added to at once, and start anew when they were idle`, async () => {
    const counters = open({ maxOfOwner: 10, idleMs: 1_000 });
    assert.equal(await counters.read(source('a'), 0), undefined);
    const names = [source('a'), { owner: 'identity', key: 'a' }];
    assert.deepEqual((await counters.add(names, 100)).map(countOf), [1, 1]);
    assert.deepEqual((await counters.add([source('a')], 200)).map(countOf), [2]);
    assert.deepEqual({ ...(await counters.read(source('a'), 1_200)) }, { value: 2, changedAt: 200 });
    assert.equal((await counters.read({ owner: 'identity', key: 'a' }, 1_200))?.value, undefined, 'idle for too long');
    assert.deepEqual((await counters.add(names, 1_201)).map(countOf), [1, 1]);
  });

  test(`${name}: of an owner that needs another counter, the one that changed longest ago goes`, async () => {
    const counters = open({ maxOfOwner: 3, idleMs: 1_000 });
    await counters.add([{ owner: 'identity', key: 'x' }], 0);
    for (const [index, key] of ['a', 'b', 'c', 'a', 'd'].entries()) await counters.add([source(key)], index);
    const values = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (key) => countOf(await counters.read(source(key), 9))),
    );
    assert.deepEqual(values, [2, undefined, 1, 1]);
    assert.equal((await counters.read({ owner: 'identity', key: 'x' }, 9))?.value, 1, 'no other owner loses one');
    assert.equal(await counters.size(9), 4);
  });
}

function countOf(count: { readonly value: number } | undefined): number | undefined {
  return count?.value;
}

export function holdsContract(name: string, open: (bounds: HoldBounds) => Holds): void {
  test(`${name}: a key holds up to its limit, and again what was given back`, async () => {
    const holds = open({ maxKeys: 10, lifetimeMs: 1_000 });
    const [first, second] = [await holds.hold('dana', 2, 0), await holds.hold('dana', 2, 1)];
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(await holds.hold('dana', 2, 2), undefined);
    assert.equal(await holds.held('dana', 3), 2);
    assert.ok(await holds.hold('eve', 2, 3), 'another key has its own');
    first.settle();
    assert.equal(await holds.held('dana', 4), 1);
    assert.ok(await holds.hold('dana', 2, 5));
    assert.equal(await holds.hold('dana', 0, 6), undefined);
    assert.equal(await holds.hold('fred', 0, 7), undefined);
    assert.equal(await holds.held('fred', 8), 0);
  });

  test(`${name}: keys without holds make room for others, and those with holds do not`, async () => {
    const holds = open({ maxKeys: 3, lifetimeMs: 1_000_000 });
    const held = [await holds.hold('a', 1, 0), await holds.hold('b', 1, 0), await holds.hold('c', 1, 0)];
    assert.ok(held.every((hold) => hold !== undefined));
    assert.equal(await holds.hold('d', 1, 0), undefined);
    held[1]?.settle();
    assert.ok(await holds.hold('d', 1, 1_000));
    assert.equal(await holds.hold('b', 1, 2_000), undefined);
    assert.deepEqual([await holds.held('a', 2_000), await holds.held('d', 2_000)], [1, 1]);
  });

  test(`${name}: of many that want the last ones at the same time, as many get one as there are`, async () => {
    const holds = open({ maxKeys: 10, lifetimeMs: 1_000 });
    const all = await Promise.all(Array.from({ length: 64 }, async () => holds.hold('dana', 10, 0)));
    assert.equal(all.filter((hold) => hold !== undefined).length, 10);
  });
}

/** `open` opens the same changes each time within one test, as another process does. */
export function changesContract(name: string, open: (folder: string) => Changes, makeFolder: () => string): void {
  test(`${name}: what was announced is seen once by every other process, and not by the one that announced it`, async () => {
    const folder = makeFolder();
    const [one, two, three] = [open(folder), open(folder), open(folder)];
    assert.deepEqual(await two.look(), []);
    await one.announce('accounts');
    await one.announce('accounts');
    await one.announce('secrets');
    assert.deepEqual(await two.look(), ['accounts', 'secrets']);
    assert.deepEqual(await two.look(), []);
    assert.deepEqual(await one.look(), []);
    await two.announce('issuers');
    assert.deepEqual(await three.look(), ['accounts', 'issuers', 'secrets']);
    assert.deepEqual(await one.look(), ['issuers']);
    assert.deepEqual(await two.look(), []);
  });

  test(`${name}: two that announce the same at the same time hear of each other`, async () => {
    const folder = makeFolder();
    const [one, two] = [open(folder), open(folder)];
    await one.announce('accounts');
    await two.announce('accounts');
    assert.deepEqual([await one.look(), await two.look()], [['accounts'], ['accounts']]);
  });

  test(`${name}: what was announced before it was opened is no change`, async () => {
    const folder = makeFolder();
    await open(folder).announce('accounts');
    assert.deepEqual(await open(folder).look(), []);
  });
}

/** `open` opens the same mailbox each time within one test, as another process does. */
export function mailboxContract(name: string, open: (folder: string) => Mailbox, makeFolder: () => string): void {
  test(`${name}: a letter is handed out once, and so is its answer`, async () => {
    const folder = makeFolder();
    const [command, gateway, other] = [open(folder), open(folder), open(folder)];
    const id = (await command.send('log', { text: 'erase', until: 100 }, 0)) ?? '';
    assert.equal(await command.answerTo(id, 1), undefined);
    assert.deepEqual(await gateway.receive('another log', 1), []);
    assert.deepEqual(await gateway.receive('log', 1), [{ id, text: 'erase' }]);
    assert.deepEqual(await other.receive('log', 1), []);
    await gateway.answer({ to: 'log', id, text: 'done' }, 2);
    assert.equal(await command.answerTo('another id', 3), undefined);
    assert.equal(await command.answerTo(id, 3), 'done');
    assert.equal(await command.answerTo(id, 3), undefined);
  });

  test(`${name}: a letter that was given up is not handed out`, async () => {
    const folder = makeFolder();
    const [command, gateway] = [open(folder), open(folder)];
    const id = (await command.send('log', { text: 'erase', until: 100 }, 0)) ?? '';
    await command.withdraw(id, 1);
    await command.send('log', { text: 'rotate', until: 100 }, 1);
    assert.deepEqual(await gateway.receive('log', 100), [], 'its sender waits no longer');
  });

  test(`${name}: letters to one address are bounded, and handed out in their order, some at a time`, async () => {
    const folder = makeFolder();
    const [command, gateway] = [open(folder), open(folder)];
    const sent: (string | undefined)[] = [];
    for (let index = 0; index < 101; index++) sent.push(await command.send('log', { text: `${index}`, until: 100 }, 0));
    assert.equal(sent.indexOf(undefined), 100);
    assert.ok((await command.send('another log', { text: '', until: 100 }, 0)) !== undefined);
    const read: string[] = [];
    for (let letters = await gateway.receive('log', 1); letters.length > 0; letters = await gateway.receive('log', 1)) {
      assert.ok(letters.length <= 16);
      read.push(...letters.map(({ text }) => text));
    }
    assert.deepEqual(
      read,
      Array.from({ length: 100 }, (_, index) => `${index}`),
    );
  });
}
