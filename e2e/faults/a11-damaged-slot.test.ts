/** A damaged key of a subject costs what it had encrypted, and stops no caller and no log. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startWorld, verify } from '../audit/world.ts';

const slotSize = 128;

/** What the disk may do to the file, from a bit of one slot to all of them. */
const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'a bit of every slot': (bytes) => {
    for (let at = 50; at < bytes.length; at += slotSize) flipped(bytes, at);
    return bytes;
  },
  'the end is cut off': (bytes) => bytes.subarray(0, bytes.length - slotSize / 2),
  'nothing is left': () => Buffer.alloc(0),
};

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

for (const [name, damage] of Object.entries(damages))
  test(`A11: ${name}: all callers are served, and what is recorded verifies`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-a11-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'data', 'keys', 'log-subjects');
    let old: string;
    {
      await using world = await startWorld({}, { folder });
      for (const key of [world.keys.eve, world.keys.dana])
        assert.equal((await world.call(key, 'write', { note: 'first' })).status, 200);
      old = /^\S+ {2}user:dana/m.exec((await world.sallyport('audit', 'subjects')).stdout)?.[0].split(' ')[0] ?? '';
    }
    writeFileSync(path, damage(readFileSync(path)));
    await using world = await startWorld({}, { folder });
    for (const key of [world.keys.dana, world.keys.eve])
      assert.equal((await world.call(key, 'write', { note: 'second' })).status, 200);
    const found = await world.sallyport('audit', 'search', '--kind', 'intent', '--json');
    assert.equal((JSON.parse(found.stdout) as { records: readonly object[] }).records.length, 4, found.stderr);
    if (name === 'a bit of every slot') {
      const replaced = await world.sallyport('audit', 'search', '--kind', 'subject-key-replaced', '--json');
      assert.ok(replaced.stdout.includes(old), replaced.stdout);
      await world.gateway.until(() => /slot \d+ of the keys of subjects was damaged/.test(world.gateway.errors()));
    }
    const erased = await world.sallyport('audit', 'erase', '--subject', 'user:dana');
    assert.equal(erased.code, 0, erased.stderr);
    assert.equal((await world.call(world.keys.dana, 'write', { note: 'third' })).status, 200);
    const { code, stderr } = await verify(await world.copyLog());
    assert.equal(code, 0, stderr);
  });
