/** Every way to tamper with a log, and what the verifier says to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { signerOf } from '../src/stages/record/keys/signing-key.ts';
import { realDisk } from '../src/stages/record/log/disk.ts';
import { LogFiles } from '../src/stages/record/log/log-files.ts';
import { keyPlaces } from '../src/stages/record/open.ts';
import { canonical, type PlainObject } from '../src/stages/record/record/canonical.ts';
import { perform } from '../src/stages/record/writer/control.ts';
import { callOf, closeTestLog, openTestLog, temporaryData } from './support/audit-log.ts';

const program = join(import.meta.dirname, '..', 'bin', 'sallyport-verify.js');
const made: string[] = [];
let data: string;
/** Checkpoints as another party may have kept them. */
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

test('the log as it was written verifies, with a checkpoint that was kept elsewhere', () => {
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

test('found and named: the whole tail cut, checkpoint included, by the holder of the key', async () => {
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
  // Alone it looks like any log. A checkpoint that was kept elsewhere shows it.
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

test('found and named: a private part that is missing, whatever its tier is called', async () => {
  for (const tier of ['read', '__proto__']) {
    const path = join(folder('sallyport-tier-'), 'log');
    const origin = 'sallyport.log/test';
    const signer = signerOf(origin, generateKeyPairSync('ed25519').privateKey);
    const log = new LogFiles({ folder: path, disk: realDisk, origin, onReplay: () => {} });
    const record = (fields: PlainObject) => ({
      entry: Buffer.from(canonical({ v: 1, written: 5_000, ...fields })),
      sealed: Buffer.alloc(0),
    });
    log.append([
      record({ seq: 0, kind: 'log-key', detail: { event: 'created', key: signer.verifierKey } }),
      record({ seq: 1, kind: 'heartbeat', tier, private: 'a'.repeat(64) }),
    ]);
    log.publish(signer, 0);
    await log.close(() => ({}));
    const { code, text } = verify(path);
    assert.equal(code, 1, text);
    assert.match(text, /the private part of record 1 is missing and no seal says that it was dropped/);
  }
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

/** A log that was made with nothing of the real one but its public key: its first records "were dropped". */
async function forged(keys: readonly PlainObject[], mine: KeyObject): Promise<string> {
  const path = join(folder('sallyport-forged-'), 'log');
  const signer = signerOf(originOf(), mine);
  const log = new LogFiles({ folder: path, disk: realDisk, origin: originOf(), onReplay: () => {} });
  const record = (seq: number, rest: PlainObject) => {
    const fields = { v: 1, seq, written: Date.UTC(2030, 0, 1), time: 1, subject: 'a'.repeat(32), ...rest };
    return { entry: Buffer.from(canonical(fields)), sealed: Buffer.alloc(0) };
  };
  log.append(Array.from({ length: 256 }, (_, seq) => record(seq, { kind: 'heartbeat' })));
  const detail = { tiers: { read: 256, write: 256, destructive: 256 }, entries: 256, keys };
  log.append([record(256, { kind: 'retention', detail }), record(257, { kind: 'start' })]);
  log.publish(signer, Date.now());
  await log.close(() => ({}));
  rmSync(join(path, 'tile/entries/000'));
  rmSync(join(path, 'segments'), { recursive: true });
  return path;
}

function originOf(): string {
  return (JSON.parse(readFileSync(join(data, 'log', 'log.json'), 'utf8')) as { origin: string }).origin;
}

function realKey(): string {
  return (JSON.parse(verify(join(data, 'log'), '--json').text) as { key: string }).key;
}

test('found and named: a log of invented records whose retention claims the real key', async () => {
  const real = realKey();
  const { privateKey: mine } = generateKeyPairSync('ed25519');
  const key = signerOf(originOf(), mine).verifierKey;
  const created = { seq: 0, event: 'created', key: real };
  const statement = Buffer.from(`sallyport log key rotation v1\n${originOf()}\n10\n${real}\n${key}\n`);
  const signature = sign(null, statement, mine).toString('base64');
  const rotated = { seq: 10, event: 'rotated', from: real, key };
  const cases: [readonly PlainObject[], RegExp][] = [
    [[{ from: 0, key: real }], /the log names no key/],
    [[{ seq: 0, key: real }], /does not say what it says about a key/],
    [[created], /checkpoint is not signed by the key of the log/],
    [[created, { ...created, seq: 10, key }], /a second first key/],
    [[created, rotated], /the old key did not sign the rotation/],
    [[created, { ...rotated, signatures: [signature, signature] }], /the old key did not sign the rotation/],
    [[{ ...rotated, signatures: [signature, signature] }], /the old key did not sign the rotation/],
    [[{ ...created, key }], /the key you gave never was the key of this log/],
    [[], /the log names no key/],
  ];
  for (const [keys, says] of cases) {
    const { code, text } = verify(await forged(keys, mine), '--key', real);
    assert.equal(code, 1, text);
    assert.match(text, says);
  }
});

test('a file of many checkpoints anchors a log, and one of its own folder does not', () => {
  const log = join(data, 'log');
  const many = join(folder('sallyport-kept-'), 'anchor.txt');
  const last = readFileSync(join(log, 'checkpoint'), 'utf8');
  // As the file anchor writes them: an empty line after each.
  writeFileSync(many, `${readFileSync(early, 'utf8')}\n${last}\n`);
  const { code, text } = verify(log, '--checkpoint', many);
  assert.equal(code, 0, text);
  assert.match(text, /anchored: contains the 2 checkpoints of .*anchor\.txt/);
  const [history = ''] = readdirSync(join(log, 'checkpoints'));
  for (const own of ['checkpoint', join('checkpoints', history)])
    assert.match(verify(log, '--checkpoint', join(log, own)).text, /unanchored/);
  writeFileSync(many, `${readFileSync(early, 'utf8')}\n${last.replace(/— .*\n$/, '')}`);
  assert.match(verify(log, '--checkpoint', many).text, /does not end with the signature of a checkpoint/);
  writeFileSync(many, '');
  assert.equal(verify(log, '--checkpoint', many).code, 1);
});

test('found and named: an older checkpoint put back before records that were signed long ago', async () => {
  const path = temporaryData();
  made.push(path);
  let time = Date.UTC(2030, 0, 1);
  const log = await openTestLog(path, { now: () => time });
  log.writer.accept(callOf('first', 'dana'));
  log.writer.drain();
  log.writer.publish();
  const older = readFileSync(join(log.folder, 'checkpoint'));
  const history = readdirSync(join(log.folder, 'checkpoints')).map((name) => join(log.folder, 'checkpoints', name));
  const kept = history.map((each) => readFileSync(each));
  time += 3_600_000;
  for (let call = 0; call < 20; call++) log.writer.accept(callOf(`later-${call}`, 'dana'));
  log.writer.drain();
  await closeTestLog(log);
  assert.equal(verify(log.folder).code, 0);
  writeFileSync(join(log.folder, 'checkpoint'), older);
  for (const [index, each] of history.entries()) writeFileSync(each, kept[index] ?? '');
  const { code, text } = verify(log.folder);
  assert.equal(code, 1, text);
  assert.match(text, /covers 3 records until 2030-01-01T00:00:00.000Z, and 40 more were written until 2030-01-01T01/);
});

test('the certificate of an erasure verifies with the key of the log, and nothing else does', async () => {
  const path = temporaryData();
  made.push(path);
  const log = await openTestLog(path);
  log.writer.accept(callOf('one', 'dana'));
  const { origin, writer } = log;
  const asked = { folder: log.folder, keys: keyPlaces(path, 'log'), origin, writer, retain: () => Promise.reject() };
  const answer = await perform({ do: 'erase', subject: 'user:dana' }, asked);
  assert.ok(answer.ok);
  const file = join(path, 'dana.txt');
  const certificate = String(answer.result['certificate']);
  writeFileSync(file, certificate);
  const key = writer.signer.verifierKey;
  const verified = verify(file, '--key', key);
  assert.equal(verified.code, 0, verified.text);
  assert.match(verified.text, new RegExp(`erased its subject ${answer.result['pseudonym']}, says record 3`));
  assert.match(verify(file).text, /checked with --key/);
  assert.match(verify(file, '--key', realKey()).text, /of another log/);
  const other = signerOf(origin, generateKeyPairSync('ed25519').privateKey).verifierKey;
  assert.match(verify(file, '--key', other).text, /not signed by the key you gave/);
  writeFileSync(file, certificate.replace('tombstone 3', 'tombstone 4'));
  assert.match(verify(file, '--key', key).text, /not signed by the key you gave/);
  await closeTestLog(log);
});

test('a proof of nothing proves nothing', () => {
  const file = join(data, 'nothing.json');
  const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
  writeFileSync(file, JSON.stringify({ format: 'sallyport-proof/1', keys: [], records: [], note }));
  const { code, text } = verify(file);
  assert.equal(code, 1, text);
  assert.match(text, /the proof has no records/);
});

test('whatever a file holds, the answer is a sentence and 1', () => {
  const file = join(data, 'odd.json');
  const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
  const proof = { format: 'sallyport-proof/1', keys: [], records: [{ entry: '{}', proof: `x\n\n${note}` }] };
  const odd: readonly unknown[] = [
    null,
    [],
    7,
    'text',
    {},
    { format: proof.format },
    { ...proof, records: null },
    { ...proof, records: [null] },
    { ...proof, records: [{}] },
    { ...proof, records: [{ entry: 7, proof: 7 }] },
    { ...proof, keys: { length: 1 } },
    { ...proof, anchors: [null] },
    proof,
  ];
  for (const value of odd) {
    writeFileSync(file, JSON.stringify(value));
    const { code, text } = verify(file);
    assert.equal(code, 1, text);
    assert.match(text, /^NOT verified: [^\n]+\n$/);
  }
  for (const text of ['', '{', 'sallyport erasure certificate v1\n', 'sallyport erasure certificate v1\n\n\n']) {
    writeFileSync(file, text);
    assert.match(verify(file, '--key', realKey()).text, /^NOT verified: [^\n]+\n$/);
  }
});

test('earlier checkpoints that end within one, as a crash or a copy leaves them, are no lie', () => {
  const log = tampered(() => {});
  const [name = ''] = readdirSync(join(log, 'checkpoints'));
  const path = join(log, 'checkpoints', name);
  const whole = readFileSync(path);
  const note = readFileSync(join(log, 'checkpoint'));
  for (const cut of [0, 1, note.indexOf('\n') + 5, note.length - 20, note.length - 1, note.length]) {
    writeFileSync(path, Buffer.concat([whole, note.subarray(0, cut)]));
    const { code, text } = verify(log);
    assert.equal(code, 0, `${cut}: ${text}`);
  }
  writeFileSync(path, '');
  assert.equal(verify(log).code, 0);
});
