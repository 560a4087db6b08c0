/** Timestamps of an authority made by `openssl ts`: asked for, kept, verified, and tampered with. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  callOf,
  closeTestLog,
  openTestLog,
  type TestLog,
  temporaryData,
} from '../../../../../test/support/audit-log.ts';
import { makeTsa, quickKey, serveTsa, type Tsa, type TsaOptions } from '../../../../../test/support/tsa.ts';
import { sha256 } from '../../hash.ts';
import { LogReader, type SignedCheckpoint } from '../../read/log-reader.ts';
import { timestampAnchor } from './anchor.ts';
import { makeNonce, readTimestamp, timestampQuery } from './timestamp.ts';

const program = join(import.meta.dirname, '..', '..', '..', '..', '..', 'bin', 'sallyport-verify.js');

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tsa-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const tsaFor = (context: TestContext, options?: TsaOptions): Tsa => makeTsa(temporary(context), options);

async function logFor(context: TestContext): Promise<TestLog> {
  const data = temporaryData();
  const log = await openTestLog(data);
  context.after(async () => {
    await closeTestLog(log);
    rmSync(data, { recursive: true, force: true });
  });
  return log;
}

function grow(log: TestLog, calls: number): SignedCheckpoint {
  for (let call = 0; call < calls; call++) log.writer.accept(callOf(`${log.writer.size}-${call}`, 'dana'));
  log.writer.drain();
  log.writer.publish();
  const checkpoint = new LogReader(log.folder).checkpoint();
  assert.ok(checkpoint !== undefined);
  return checkpoint;
}

function verify(path: string, ...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, path, ...args], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

/** A stamped log, and the path of its one token without the ending. */
async function stamped(context: TestContext, tsa: Tsa) {
  const log = await logFor(context);
  const served = await serveTsa(context, tsa);
  await timestampAnchor({ url: served.url }).anchor(grow(log, 3), log.folder);
  const [name = ''] = readdirSync(join(log.folder, 'anchors')).filter((each) => each.endsWith('.tst'));
  return { log, served, base: join(log.folder, 'anchors', name.replace(/\.tst$/, '')) };
}

for (const [kind, key] of [
  ['RSA', ['rsa:2048']],
  ['ECDSA', quickKey],
] as const)
  test(`checkpoints are stamped (${kind}), and the verifier names authority and time`, async (context) => {
    const tsa = tsaFor(context, { key });
    const { log, served, base } = await stamped(context, tsa);
    assert.equal(served.seen[0]?.headers['content-type'], 'application/timestamp-query');
    const alone = verify(log.folder);
    assert.equal(alone.code, 0, alone.text);
    assert.match(alone.text, /timestamped by Test TSA at \S+Z over 7 records: not checked against a CA/);
    assert.match(alone.text, /unanchored/);
    const json = verify(log.folder, '--json').text;
    assert.deepEqual((JSON.parse(json) as { anchors: unknown[] }).anchors, []);
    const trusted = verify(log.folder, '--tsa-ca', tsa.ca);
    assert.equal(trusted.code, 0, trusted.text);
    assert.match(trusted.text, /anchored: timestamped by Test TSA at \S+Z over 7 records/);
    assert.doesNotMatch(trusted.text, /unanchored|not checked/);
    // OpenSSL accepts the token as well.
    const other = execFileSync(
      'openssl',
      ['ts', '-verify', '-token_in', '-in', `${base}.tst`, '-data', `${base}.txt`, '-CAfile', tsa.ca],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    assert.match(other, /Verification: OK/);
    // The same checkpoint is stamped once, a later one again, and both stay.
    const again = timestampAnchor({ url: served.url });
    const checkpoint = new LogReader(log.folder).checkpoint() as SignedCheckpoint;
    await again.anchor(checkpoint, log.folder);
    assert.equal(served.seen.length, 1);
    await again.anchor(grow(log, 2), log.folder);
    assert.match(
      verify(log.folder, '--tsa-ca', tsa.ca).text,
      /over 11 records \(the last of 2, the first at \S+ over 7\)/,
    );
  });

test('a token kept elsewhere vouches for a checkpoint kept elsewhere', async (context) => {
  const tsa = tsaFor(context);
  const { log, base } = await stamped(context, tsa);
  const kept = temporary(context);
  for (const kind of ['txt', 'tst']) cpSync(`${base}.${kind}`, join(kept, `mine.${kind}`));
  rmSync(join(log.folder, 'anchors'), { recursive: true });
  const refused = verify(log.folder, '--tsa-ca', tsa.ca);
  assert.equal(refused.code, 1);
  assert.match(refused.text, /no timestamp of this log is here/);
  const found = verify(log.folder, '--tsa-ca', tsa.ca, '--checkpoint', join(kept, 'mine.txt'));
  assert.equal(found.code, 0, found.text);
  assert.match(found.text, /timestamped by Test TSA/);
});

test('tampered tokens are found and named', async (context) => {
  const tsa = tsaFor(context);
  const { log, base, served } = await stamped(context, tsa);
  const stranger = tsaFor(context, { name: 'Stranger' });
  const original = readFileSync(`${base}.tst`);
  const note = readFileSync(`${base}.txt`);
  const where = /anchors\/rfc3161-\S+\.tst/;
  const expect = (token: Buffer, says: RegExp, ...args: string[]) => {
    writeFileSync(`${base}.tst`, token);
    const { code, text } = verify(log.folder, ...args);
    assert.equal(code, 1, `${String(says)} ${text}`);
    assert.match(text, where);
    assert.match(text, says);
  };
  const changed = (needle: Buffer | string, offset: number) => {
    const at = original.indexOf(needle);
    assert.notEqual(at, -1);
    const copy = Buffer.from(original);
    copy[at + offset] = (copy[at + offset] ?? 0) ^ 1;
    return copy;
  };
  // An OCTET STRING of 32 bytes: the imprint of the checkpoint.
  expect(changed(sha256(note), 5), /its content is not what the authority signed/);
  expect(
    changed(/(20\d{12}Z)/.exec(original.toString('latin1'))?.[1] ?? '', 3),
    /its content is not what the authority signed/,
  );
  const flippedSignature = Buffer.from(original);
  flippedSignature[original.length - 9] = (original.at(-9) ?? 0) ^ 1;
  expect(flippedSignature, /the signature of the authority is not valid/);
  expect(changed(Buffer.from('2a864886f70d010904', 'hex'), 15), /not what the authority signed/);
  expect(changed(Buffer.from('2a864886f70d010903', 'hex'), 14), /is signed as something else/);
  expect(original.subarray(0, -1), /is damaged/);
  expect(Buffer.concat([original, Buffer.from([0])]), /is damaged/);
  expect(Buffer.alloc(0), /is damaged/);
  expect(Buffer.alloc(70_000, 0x30), /is longer than anything that belongs there/);
  expect(Buffer.from('nothing of the kind'), /is damaged/);
  // A real token, of the right authority, about something else.
  const about = (digest: Buffer, from: Tsa) => {
    const question = { digest, nonce: makeNonce() };
    return readTimestamp(from.reply(timestampQuery(question)), question).token;
  };
  expect(about(sha256(Buffer.from('other')), tsa), /is not about the checkpoint/);
  // About the right checkpoint, of an authority that is not among the trusted ones.
  const foreign = about(sha256(note), stranger);
  expect(foreign, /the certificate Stranger does not lead to an authority that you gave/, '--tsa-ca', tsa.ca);
  assert.equal(verify(log.folder, '--tsa-ca', tsa.ca, '--tsa-ca', stranger.ca).code, 0);
  // Each single flipped bit ends in a verification error or changes nothing that was signed; the program never crashes.
  for (let at = 0; at < original.length; at += 97) {
    const copy = Buffer.from(original);
    copy[at] = (copy[at] ?? 0) ^ 4;
    writeFileSync(`${base}.tst`, copy);
    const { code, text } = verify(log.folder, '--tsa-ca', tsa.ca);
    assert.ok(code === 0 || where.test(text), `byte ${at}: ${text}`);
    assert.doesNotMatch(text, /cannot be read:|of another format/, `byte ${at}`);
  }
  writeFileSync(`${base}.tst`, original);
  rmSync(`${base}.txt`);
  assert.match(verify(log.folder).text, /is about a checkpoint that is missing/);
  assert.equal(served.seen.length, 1);
});

test('certificates that are not for timestamps, or not valid then, do not count', async (context) => {
  const tsa = tsaFor(context);
  /** An authority of the same name with another key. */
  const twin = tsaFor(context);
  const { log, base } = await stamped(context, tsa);
  const content = tsa.content(readFileSync(`${base}.tst`));
  const edited = (from: string, to: string) =>
    Buffer.from(
      content.toString('latin1').replace(from, () => to),
      'latin1',
    );
  const say = (token: Buffer, ...args: string[]) => {
    writeFileSync(`${base}.tst`, token);
    return verify(log.folder, ...args);
  };
  // Signed anew by the same authority it counts, so what is refused below is refused for what it is.
  assert.equal(say(tsa.sign(content), '--tsa-ca', tsa.ca).code, 0);
  for (const usage of ['timeStamping', 'critical,timeStamping,serverAuth', 'critical,serverAuth']) {
    const other = tsaFor(context, { name: 'Web', usage });
    const { code, text } = say(other.sign(content), '--tsa-ca', other.ca);
    assert.deepEqual([code, /: the certificate Web is not one for timestamps/.test(text)], [1, true], text);
  }
  const year = new Date().getUTCFullYear();
  for (const wrong of [year + 20, year - 20]) {
    const { code, text } = say(tsa.sign(edited(String(year), String(wrong))), '--tsa-ca', tsa.ca);
    assert.equal(code, 1);
    assert.match(text, new RegExp(`the certificate Test TSA was not valid at ${wrong}-`));
  }
  const digest = sha256(readFileSync(`${base}.txt`)).toString('latin1');
  const about = say(tsa.sign(edited(digest, digest.slice(1) + digest.slice(0, 1))), '--tsa-ca', tsa.ca);
  assert.match(about.text, /is not about the checkpoint/);
  assert.match(say(twin.sign(content), '--tsa-ca', tsa.ca).text, /does not lead to an authority that you gave/);
  assert.match(verify(log.folder, '--tsa-ca', program).text, /holds no certificate in PEM/);
});

test('answers that are not to this question are refused', async (context) => {
  const tsa = tsaFor(context);
  const digest = sha256(Buffer.from('a checkpoint'));
  const nonce = makeNonce();
  const answer = tsa.reply(timestampQuery({ digest, nonce }));
  const { time } = readTimestamp(answer, { digest, nonce, policy: '1.2.3.4.1' });
  assert.ok(Math.abs(time.getTime() - Date.now()) < 60_000);
  const refuse = (bytes: Buffer, question: Parameters<typeof readTimestamp>[1], says: RegExp) =>
    assert.throws(() => readTimestamp(bytes, question), says);
  refuse(answer, { digest, nonce: makeNonce() }, /another nonce/);
  refuse(answer, { digest: sha256(Buffer.from('another')), nonce }, /about something else/);
  refuse(answer, { digest, nonce, policy: '1.2.3.4.5' }, /another policy/);
  refuse(tsa.reply(timestampQuery({ digest, nonce, policy: '1.2.3.9' })), { digest, nonce }, /refuses with status 02/);
  assert.ok(readTimestamp(tsa.reply(timestampQuery({ digest, nonce, policy: '1.2.3.4.5' })), { digest, nonce }).token);
  refuse(Buffer.concat([answer, Buffer.from([5, 0])]), { digest, nonce }, /something after the answer/);
  refuse(Buffer.alloc(0), { digest, nonce }, /the answer is not there/);
  // Every cut and a million of opening brackets end in a sentence.
  for (let end = 0; end < answer.length; end += 7)
    assert.throws(() => readTimestamp(answer.subarray(0, end), { digest, nonce }), Error);
  refuse(Buffer.alloc(60_000, Buffer.from('3080', 'hex')), { digest, nonce }, /no proper length/);
});

test('an authority that misbehaves is complained about and nothing is kept', async (context) => {
  const log = await logFor(context);
  const served = await serveTsa(context, tsaFor(context));
  const anchor = timestampAnchor({ url: served.url });
  const checkpoint = grow(log, 1);
  served.change = () => Buffer.alloc(70_000);
  await assert.rejects(anchor.anchor(checkpoint, log.folder), /the answer is too long/);
  served.change = (answer) => answer.subarray(1);
  await assert.rejects(anchor.anchor(checkpoint, log.folder), /the answer is not there/);
  served.change = (answer) => answer;
  served.type = 'text/html';
  await assert.rejects(anchor.anchor(checkpoint, log.folder), /its answer is no timestamp/);
  served.type = 'application/timestamp-reply';
  served.status = 503;
  await assert.rejects(anchor.anchor(checkpoint, log.folder), /it answered 503/);
  assert.ok(!readdirSync(log.folder).includes('anchors'));
  served.status = 200;
  await anchor.anchor(checkpoint, log.folder);
  assert.equal(readdirSync(join(log.folder, 'anchors')).length, 2);
});
