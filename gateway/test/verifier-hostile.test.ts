/** Logs that were made to hold up their verifier: a small file costs little time and memory, whatever it claims. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { brotliCompressSync, crc32 } from 'node:zlib';
import { readGroup } from '../src/stages/record/log/segment.ts';
import { callOf, closeTestLog, openTestLog, temporaryData } from './support/audit-log.ts';

const program = join(import.meta.dirname, '..', 'bin', 'sallyport-verify.js');
const made: string[] = [];
after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

async function makeLog(): Promise<string> {
  const path = temporaryData();
  made.push(path);
  const log = await openTestLog(path);
  for (let call = 0; call < 10; call++) log.writer.accept(callOf(`call-${call}`, 'dana'));
  log.writer.drain();
  log.writer.publish();
  await closeTestLog(log);
  return log.folder;
}

/** With little memory, so that what takes gigabytes ends the program. */
function verify(path: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--max-old-space-size=200', program, path], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: status, text: stdout + stderr };
}

/** A group as a segment has it. `public`: compressed, of that length. */
function group(first: number, count: number, { length, sealed }: { length: number; sealed: Buffer }): Buffer {
  const whole = Buffer.alloc(length);
  // One part as long as all of it, or as many empty ones as there is room for.
  if (count === 1) whole.writeUInt32LE(length - 4, 0);
  const packed = brotliCompressSync(whole);
  const body = Buffer.alloc(8 + packed.length + sealed.length);
  body.writeUInt32LE(length, 0);
  body.writeUInt32LE(packed.length, 4);
  body.set(packed, 8);
  body.set(sealed, 8 + packed.length);
  return withHead({ first, count, magic: 0x53504732 }, body);
}

function withHead({ first, count, magic }: { first: number; count: number; magic: number }, body: Buffer): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(magic, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(count, 8);
  head.writeBigUInt64LE(BigInt(first), 12);
  head.writeUInt32LE(crc32(body), 20);
  head.writeUInt32LE(crc32(head.subarray(0, 24)), 24);
  return Buffer.concat([head, body]);
}

const size = 64 * 1024 * 1024;

/** The last segment, without the zeros behind its groups. */
function lastSegment(log: string): string {
  const [name = ''] = readdirSync(join(log, 'segments'))
    .filter((each) => /^\d{16}\.seg$/.test(each))
    .toSorted()
    .toReversed();
  const path = join(log, 'segments', name);
  const bytes = readFileSync(path);
  let at = 0;
  for (;;) {
    const next = readGroup((offset, length) => bytes.subarray(offset, offset + length), at);
    if (next === 'end' || next === 'torn') break;
    at = next.end;
  }
  truncateSync(path, at);
  return path;
}

test('a group of a few bytes that unpacks to millions of empty records is refuted, and takes no memory', async () => {
  const log = await makeLog();
  for (const bytes of [
    group(0, 8_000, { length: size, sealed: Buffer.alloc(32_000) }),
    withHead({ first: 0, count: 8_000, magic: 0x53504731 }, Buffer.alloc(size / 2)),
  ]) {
    writeFileSync(lastSegment(log), bytes);
    const { code, text } = verify(log);
    assert.equal(code, 1, text.slice(0, 500));
    assert.match(text, /^NOT verified: /);
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    assert.equal(readGroup(read, 0), 'torn');
    assert.equal(readGroup(read, 0, 'sealed') === 'torn', bytes.readUInt32BE(0) === 0x53504731);
  }
});

test('groups that claim records which were read are passed over, not unpacked', async () => {
  const log = await makeLog();
  const path = lastSegment(log);
  const bomb = group(0, 1, { length: size, sealed: Buffer.alloc(4) });
  appendFileSync(path, Buffer.concat(Array.from({ length: 400 }, () => bomb)));
  const began = performance.now();
  const { code, text } = verify(log);
  assert.equal(code, 0, text);
  assert.match(text, /verified/);
  // Unpacking them takes half a minute.
  assert.ok(performance.now() - began < 10_000);
});

test('a checkpoint with more signatures than there are witnesses is refuted before they are checked', async () => {
  const log = await makeLog();
  const path = join(log, 'checkpoint');
  const note = readFileSync(path, 'utf8');
  const [body, signature = ''] = note.split('\n\n');
  const [, name = '', encoded = ''] = /^— (\S+) (\S+)\n$/.exec(signature) ?? [];
  const wrong = Buffer.from(encoded, 'base64');
  wrong[40] = (wrong[40] ?? 0) ^ 1;
  writeFileSync(path, `${body}\n\n${`— ${name} ${wrong.toString('base64')}\n`.repeat(5_000)}${signature}`);
  const { code, text } = verify(log);
  assert.equal(code, 1, text);
  assert.match(text, /more signatures/);
});

const places = [
  'checkpoint',
  'log.json',
  'tile/entries/000.p/',
  'tile/0/000.p/',
  'segments/',
  'checkpoints/',
  'anchors/1.txt',
];

for (const place of places)
  test(`what is no file, or one without an end, is refuted at ${place}`, async () => {
    const log = await makeLog();
    mkdirSync(join(log, 'anchors'), { recursive: true });
    const [name = ''] = place.endsWith('/') ? readdirSync(join(log, place)) : [''];
    const path = join(log, place, name);
    for (const put of [
      () => symlinkSync('/dev/zero', path),
      () => assert.equal(spawnSync('mkfifo', [path]).status, 0),
      () => (writeFileSync(path, ''), truncateSync(path, 2 ** 32)),
    ]) {
      rmSync(path, { force: true });
      put();
      const { code, text } = verify(log);
      assert.equal(code, 1, `${place}: ${String(code)} ${text.slice(0, 300)}`);
    }
  });
