/** Every way to tamper with a log, and what the verifier says to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signerOf } from '../src/audit/keys/signing-key.ts';
import { realDisk } from '../src/audit/log/disk.ts';
import { LogFiles } from '../src/audit/log/log-files.ts';
import { canonical, type PlainObject } from '../src/audit/record/canonical.ts';
import { callOf, closeTestLog, openTestLog, temporaryData } from './support/audit-log.ts';

const program = join(import.meta.dirname, '..', 'bin', 'sallyport-verify.js');
const made: string[] = [];
let data: string;
/** Checkpoints as somebody else may have kept them. */
let early: string;
let other: string;

function verify(path: string, ...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, path, ...args], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

function folder(prefix: string): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  made.push(path);
  return path;
}

/** 400 calls: three full tiles and a partial one. */
async function makeLog(calls = 400, user = 'dana'): Promise<string> {
  const path = temporaryData();
  made.push(path);
  const log = await openTestLog(path);
  for (let call = 0; call < calls; call++) {
    log.writer.accept(callOf(`call-${call}`, user));
    if (call % 50 === 49) log.writer.drain();
    if (call === 199) {
      log.writer.publish();
      writeFileSync(join(path, 'early'), readFileSync(join(log.folder, 'checkpoint')));
    }
  }
  log.writer.drain();
  await closeTestLog(log);
  return path;
}

before(async () => {
  data = await makeLog();
  other = await makeLog(10);
  early = join(data, 'early');
});

after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

function tampered(change: (log: string) => void): string {
  const path = join(folder('sallyport-tampered-'), 'log');
  cpSync(join(data, 'log'), path, { recursive: true });
  change(path);
  return path;
}

function edit(path: string, change: (bytes: Buffer) => Buffer | void): void {
  const bytes = readFileSync(path);
  writeFileSync(path, change(bytes) ?? bytes);
}

function flip(path: string, at: number): void {
  edit(path, (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  });
}

function entries(bytes: Buffer): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    list.push(bytes.subarray(at, end));
    at = end;
  }
  return list;
}

const segment = (log: string): string => join(log, 'segments', readdirSync(join(log, 'segments'))[0] ?? '');
const partial = (log: string, kind: string): string => {
  const name = readdirSync(join(log, 'tile', kind), { recursive: true, encoding: 'utf8' }).find((each) =>
    each.includes('.p/'),
  );
  return join(log, 'tile', kind, name ?? '');
};

test('the log as it was written verifies, with the checkpoint that somebody kept', () => {
  const { code, text } = verify(join(data, 'log'), '--checkpoint', early);
  assert.equal(code, 0, text);
  assert.match(text, /verified: 801 records/);
  assert.match(text, /intent 400, log-key 1, outcome 400/);
  assert.match(text, /private parts: 800 intact/);
});

const cases: Readonly<Record<string, { change: (log: string) => void; says: RegExp }>> = {
  'a byte of a record flipped in its bundle': {
    change: (log) => flip(join(log, 'tile/entries/001'), 5_000),
    says: /record 2\d\d \(tile\/entries\/001\) .* tile\/entries\/001 was changed/,
  },
  'a byte of a record flipped in its segment': {
    change: (log) => flip(segment(log), 70_000),
    says: /segments\/0{16}\.seg: a byte of records \d+ to \d+ is not what was written/,
  },
  'a byte of a hash flipped': {
    change: (log) => flip(join(log, 'tile/0/001'), 40),
    says: /record 257 .* tile\/0\/001 was changed/,
  },
  'a record removed': {
    change: (log) => edit(join(log, 'tile/entries/001'), (bytes) => Buffer.concat(entries(bytes).toSpliced(10, 1))),
    says: /record 266 /,
  },
  'two records swapped': {
    change: (log) =>
      edit(join(log, 'tile/entries/001'), (bytes) => {
        const list = entries(bytes);
        const [a, b] = [list[20] as Buffer, list[21] as Buffer];
        return Buffer.concat([...list.slice(0, 20), b, a, ...list.slice(22)]);
      }),
    says: /record 276 /,
  },
  'the tail cut in its segment': {
    change: (log) => truncateSync(segment(log), readFileSync(segment(log)).length - 100),
    says: /the private part of record \d+ is missing and no seal says that it was dropped \(segments\/.* damaged at byte \d+\)/,
  },
  'the tail cut in its bundle': {
    change: (log) => edit(partial(log, 'entries'), (bytes) => bytes.subarray(0, -10)),
    says: /tile\/entries\/003\.p\/33 ends within record 800/,
  },
  'a bundle removed': {
    change: (log) => rmSync(join(log, 'tile/entries/001')),
    says: /tile\/entries\/001 is missing: records 256 to 511/,
  },
  'the first bundle removed': {
    change: (log) => rmSync(join(log, 'tile/entries/000')),
    says: /records 0 to 255 are missing and no seal says that they were dropped/,
  },
  'a tile removed': { change: (log) => rmSync(join(log, 'tile/0/002')), says: /tile\/0\/002 is missing/ },
  'a tile replaced by another one of the same log': {
    change: (log) => cpSync(join(log, 'tile/0/000'), join(log, 'tile/0/001')),
    says: /record 256 .* tile\/0\/001 was changed/,
  },
  'a tile of the second level replaced': {
    change: (log) => flip(partial(log, '1'), 3),
    says: /tile\/1\/000\.p\/3 is not what the tiles below it give/,
  },
  'segments removed': {
    change: (log) => rmSync(segment(log)),
    says: /the private part of record 1 is missing and no seal says/,
  },
  'a checkpoint of another log': {
    change: (log) => cpSync(join(other, 'log', 'checkpoint'), join(log, 'checkpoint')),
    says: /checkpoint is of another log: sallyport\.log\/[0-9a-f]{16}, not sallyport\.log\/[0-9a-f]{16}/,
  },
  'the root of the checkpoint changed': {
    change: (log) =>
      edit(join(log, 'checkpoint'), (bytes) => {
        const lines = bytes.toString().split('\n');
        lines[2] = Buffer.alloc(32, 3).toString('base64');
        return Buffer.from(lines.join('\n'));
      }),
    says: /the 801 records do not lead to the root that the checkpoint signs/,
  },
  'the signature of the checkpoint changed': {
    change: (log) =>
      edit(join(log, 'checkpoint'), (bytes) =>
        Buffer.from(
          bytes
            .toString()
            .replace(/.(.)==\n$/, 'A$1==\n')
            .replace(/(\S{20})\n$/, 'AAAAAAAAAAAAAAAAAAAA\n'),
        ),
      ),
    says: /checkpoint is not signed by the key of the log/,
  },
};

for (const [name, { change, says }] of Object.entries(cases))
  test(`found and named: ${name}`, () => {
    const { code, text } = verify(tampered(change));
    assert.equal(code, 1, text);
    assert.match(text, says);
  });

test('found and named: the whole tail cut, checkpoint included, by whoever holds the key', async () => {
  // What the operator could make: the same log, ended earlier, signed properly.
  const path = temporaryData();
  made.push(path);
  cpSync(join(data, 'keys'), join(path, 'keys'), { recursive: true });
  const kept = join(data, 'log', 'checkpoint');
  const shorter = tampered((log) => cpSync(early, join(log, 'checkpoint')));
  const { code, text } = verify(shorter, '--checkpoint', kept);
  assert.equal(code, 1);
  assert.match(text, /covers 801 records and the log ends after \d+: its tail was cut/);
});

test('found and named: a forked history, signed with the real key', async () => {
  const path = temporaryData();
  made.push(path);
  cpSync(join(data, 'keys'), join(path, 'keys'), { recursive: true });
  const log = join(path, 'log');
  cpSync(join(data, 'log', 'log.json'), join(log, 'log.json'));
  const forged = await openTestLog(path);
  for (let call = 0; call < 450; call++) forged.writer.accept(callOf(`other-${call}`, 'dana'));
  forged.writer.drain();
  await closeTestLog(forged);
  // Alone it looks like any log. Somebody who kept a checkpoint sees it.
  assert.equal(verify(log).code, 0);
  const { code, text } = verify(log, '--checkpoint', early);
  assert.equal(code, 1);
  assert.match(text, /the first \d+ records are not those that it signs: the history was rewritten/);
});

test('found and named: a clock that went back without a record of it', () => {
  const path = temporaryData();
  made.push(path);
  const origin = 'example.test/log';
  const signer = signerOf(origin, generateKeyPairSync('ed25519').privateKey);
  const log = new LogFiles({ folder: path, disk: realDisk, origin, onReplay: () => {} });
  const record = (fields: PlainObject) => ({
    entry: Buffer.from(canonical({ v: 1, ...fields })),
    sealed: Buffer.alloc(0),
  });
  log.append([
    record({ seq: 0, written: 5_000, kind: 'log-key', detail: { event: 'created', key: signer.verifierKey } }),
    record({ seq: 1, written: 4_000, kind: 'heartbeat' }),
  ]);
  log.publish(signer, 0);
  const { code, text } = verify(path);
  assert.equal(code, 1);
  assert.match(text, /record 1: the clock went back from 1970-01-01T00:00:05.000Z to 1970-01-01T00:00:04.000Z/);
});

test('a clock that went back is admitted by the log itself', async () => {
  const path = temporaryData();
  made.push(path);
  let time = Date.now();
  const log = await openTestLog(path, { now: () => time });
  log.writer.accept(callOf('before', 'dana'));
  log.writer.drain();
  time -= 3_600_000;
  log.writer.accept(callOf('after', 'dana'));
  log.writer.drain();
  await closeTestLog(log);
  const { code, text } = verify(log.folder);
  assert.equal(code, 0, text);
  assert.match(text, /clock went back: 1/);
});

test('a log that grows while it is read verifies: what is not full may have been replaced by something wider', async () => {
  const path = temporaryData();
  made.push(path);
  const log = await openTestLog(path);
  const grow = (calls: number) => {
    for (let call = 0; call < calls; call++) log.writer.accept(callOf(`${log.writer.size}-${call}`, 'dana'));
    log.writer.drain();
    log.writer.publish();
  };
  grow(3);
  const before = readFileSync(join(log.folder, 'checkpoint'));
  for (let round = 0; round < 3; round++) grow(4);
  const copy = join(folder('sallyport-growing-'), 'log');
  cpSync(log.folder, copy, { recursive: true });
  await closeTestLog(log);
  rmSync(join(copy, 'checkpoints'), { recursive: true, force: true });
  writeFileSync(join(copy, 'checkpoint'), before);
  assert.deepEqual(readdirSync(join(copy, 'tile/0/000.p')).includes('7'), false);
  const { code, text } = verify(copy);
  assert.equal(code, 0, text);
  assert.match(text, /verified: 7 records.*[^]*24 further records are written and not signed yet/);
});

test('a checkpoint of another log is refused when it is given', () => {
  const { code, text } = verify(join(data, 'log'), '--checkpoint', join(other, 'log', 'checkpoint'));
  assert.equal(code, 1);
  assert.match(text, /is of another log/);
});

test('a key that never was the key of this log is refused', () => {
  const key = /key: (\S+)/.exec(verify(join(other, 'log')).text)?.[1] ?? '';
  const { code, text } = verify(join(data, 'log'), '--key', key);
  assert.equal(code, 1);
  assert.match(text, /never was the key of this log/);
});

test('what is not a log is not verified, and wrong usage is told apart', () => {
  assert.equal(verify(join(data, 'nothing')).code, 1);
  assert.equal(verify(data).code, 1);
  assert.equal(verify(early).code, 1);
  assert.equal(verify(data, '--unknown').code, 2);
});
