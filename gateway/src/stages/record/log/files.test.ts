/** Tiles, bundles and segments: names and bytes. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { encodeGroup, readGroup, segmentFirst, segmentName } from './segment.ts';
import { Bundle, decodeBundle, longestEntry, tilePath, widthIn } from './tiles.ts';

function bundled(entries: readonly Buffer[]): Buffer {
  const bundle = new Bundle();
  for (const entry of entries) bundle.add(entry);
  return bundle.bytes;
}

test('names of tiles are those of c2sp.org/tlog-tiles', () => {
  assert.equal(tilePath(0, 1_234_067), 'tile/0/x001/x234/067');
  assert.equal(tilePath(0, 0), 'tile/0/000');
  assert.equal(tilePath(1, 0, 1), 'tile/1/000.p/1');
  assert.equal(tilePath('entries', 273, 112), 'tile/entries/273.p/112');
  // The example of the specification: a log of 70,000 entries.
  assert.deepEqual([widthIn(0, 273, 70_000), widthIn(1, 1, 70_000), widthIn(2, 0, 70_000)], [112, 17, 1]);
});

test('entries come back from a bundle, and a cut one is noticed', () => {
  const entry = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      const bytes = bundled(entries);
      assert.deepEqual(decodeBundle(bytes, entries.length), entries);
      if (entries.length > 0) assert.equal(decodeBundle(bytes.subarray(0, -1), entries.length), undefined);
      assert.equal(decodeBundle(bytes, entries.length + 1), undefined);
    }),
  );
  assert.throws(() => bundled([Buffer.alloc(longestEntry + 1)]), RangeError);
  assert.equal(decodeBundle(bundled([Buffer.alloc(longestEntry)]), 1)?.[0]?.length, longestEntry);
});

test('a group is read whole or not at all, whatever byte is missing or changed', () => {
  const records = [
    { entry: Buffer.from('first'), sealed: Buffer.from('sealed') },
    { entry: Buffer.from('second'), sealed: Buffer.alloc(0) },
  ];
  const bytes = encodeGroup(41, records);
  const from = (file: Buffer) => (offset: number, length: number) => file.subarray(offset, offset + length);
  assert.deepEqual(readGroup(from(bytes), 0), { first: 41, records, end: bytes.length });
  assert.equal(readGroup(from(bytes), bytes.length), 'end');
  const zeros = Buffer.alloc(bytes.length);
  assert.equal(readGroup(from(Buffer.concat([bytes, zeros])), bytes.length), 'end');
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.equal(readGroup(from(bytes.subarray(0, cut)), 0), 'torn');
    // In a segment that was prepared, what is not written is zeros; the last four bytes of the group are zeros, too.
    const expected = cut < bytes.length - 4 ? 'torn' : readGroup(from(bytes), 0);
    assert.deepEqual(readGroup(from(Buffer.concat([bytes.subarray(0, cut), zeros])), 0), expected);
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(readGroup(from(changed), 0), 'torn', `byte ${at}`);
  }
});

test('segments are named by their first record', () => {
  assert.equal(segmentFirst(segmentName(123_456)), 123_456);
  assert.equal(segmentFirst('0000000000000001.seg.new'), undefined);
});

test('public parts of a larger group stand together, compressed, and are read whole or not at all', () => {
  const records = Array.from({ length: 40 }, (_, index) => ({
    entry: Buffer.from(JSON.stringify({ id: `call-${index}`, kind: 'intent', server: 'notes', text: 'a'.repeat(150) })),
    sealed: Buffer.alloc(index % 3, index),
  }));
  const bytes = encodeGroup(41, records);
  const from = (file: Buffer) => (offset: number, length: number) => file.subarray(offset, offset + length);
  assert.ok(bytes.length < 2_000, String(bytes.length));
  assert.deepEqual(readGroup(from(bytes), 0), { first: 41, records, end: bytes.length });
  const sealed = records.map((each) => ({ entry: Buffer.alloc(0), sealed: each.sealed }));
  assert.deepEqual(readGroup(from(bytes), 0, 'sealed'), { first: 41, records: sealed, end: bytes.length });
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(readGroup(from(changed), 0), 'torn', `byte ${at}`);
  }
  // What is no text is not made longer by it.
  const noise = Array.from({ length: 40 }, () => ({ entry: randomBytes(200), sealed: Buffer.alloc(0) }));
  assert.deepEqual(readGroup(from(encodeGroup(0, noise)), 0), { first: 0, records: noise, end: 28 + 40 * 208 });
});

test('a group that says more than it holds is torn, even where its sums are right', () => {
  const records = Array.from({ length: 40 }, (_, index) => ({
    entry: Buffer.from(`${index} ${'b'.repeat(150)}`),
    sealed: Buffer.alloc(0),
  }));
  const bytes = encodeGroup(0, records);
  const from = (file: Buffer) => (offset: number, length: number) => file.subarray(offset, offset + length);
  const with32 = (place: number, value: number): Buffer => {
    const changed = Buffer.from(bytes);
    changed.writeUInt32LE(value, place);
    changed.writeUInt32LE(crc32(changed.subarray(28)), 20);
    changed.writeUInt32LE(crc32(changed.subarray(0, 24)), 24);
    return changed;
  };
  assert.notEqual(readGroup(from(with32(28, bytes.readUInt32LE(28))), 0), 'torn');
  for (const [place, value] of [
    [28, 1],
    [28, 2 ** 32 - 1],
    [32, 0],
    [32, 1],
    [32, 2 ** 31],
    [8, 39],
    [8, 41],
  ] as const)
    assert.equal(readGroup(from(with32(place, value)), 0), 'torn', `${value} at ${place}`);
});
