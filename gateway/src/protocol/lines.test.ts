import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Lines } from './lines.ts';

function read(limit: number, chunks: Iterable<Buffer>): string[] {
  const heard: string[] = [];
  const lines = new Lines(limit, {
    onLine: (line) => heard.push(line.toString()),
    onTooLong: (first, last) => heard.push(`${first.toString()}…${last.toString()}`),
  });
  for (const chunk of chunks) lines.feed(chunk);
  return heard;
}

function* singleBytes(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
}

test('however the bytes are cut, the same lines come out', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 12 })), (parts) => {
      const expected = parts
        .join('')
        .split('\n')
        .slice(0, -1)
        .map((line) => (line.length > 8 ? `too long …${line}` : line));
      const chunks = parts.map((part) => Buffer.from(part));
      // Of so short a line the first end is what was there when the limit was passed.
      const heard = read(8, chunks).map((line) => line.replace(/^.*…/, 'too long …'));
      assert.deepEqual(heard, expected);
    }),
  );
});

test('what stands after the last newline comes out at the end, once', () => {
  const heard: string[] = [];
  const lines = new Lines(8, {
    onLine: (line) => heard.push(line.toString()),
    onTooLong: (first) => heard.push(`too long ${first.toString()}`),
  });
  lines.end();
  lines.feed(Buffer.from('one\ntwo'));
  lines.end();
  lines.end();
  lines.feed(Buffer.from('three and four'));
  lines.end();
  assert.deepEqual(heard, ['one', 'two', 'too long three and four']);
});

test('a line as long as allowed is whole; of one byte more the two ends are there, even in single bytes', () => {
  const line = (length: number): string => `${'<'.repeat(1_000)}${'>'.repeat(length - 1_000)}`;
  const bytes = Buffer.from(`${line(2_000)}\n${line(2_001)}\n${line(50_000)}\nnext\n`);
  const ends = `${'<'.repeat(512)}…${'>'.repeat(512)}`;
  for (const chunks of [[bytes], singleBytes(bytes)])
    assert.deepEqual(read(2_000, chunks), [line(2_000), ends, ends, 'next']);
});

test('a line in single bytes costs no object for each of them, nor does what follows one that is too long', () => {
  for (const limit of [4_000_000, 1_000]) {
    let length = 0;
    const lines = new Lines(limit, {
      onLine: (line) => (length = line.length),
      onTooLong: (first, last) => (length = first.length + last.length),
    });
    const bytes = Buffer.alloc(2_000_000, 97);
    const before = process.memoryUsage().heapUsed;
    for (const byte of singleBytes(bytes)) lines.feed(byte);
    const each = (process.memoryUsage().heapUsed - before) / bytes.length;
    lines.feed(Buffer.from('\n'));
    assert.equal(length, limit > bytes.length ? bytes.length : 1_024);
    // A view of a byte takes more than a hundred.
    assert.ok(each < 40, `${each} bytes of memory for a byte`);
  }
});
