/** Proofs that carry what others have signed, checked by the verifier without the log. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callOf, closeTestLog, master, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { makeTsa, serveTsa } from '../../../../test/support/tsa.ts';
import { timestampAnchor } from '../anchors/rfc3161/anchor.ts';
import { keyPlaces } from '../open.ts';
import { Archive } from './archive.ts';
import { LogReader } from './log-reader.ts';
import { type Proof, prove } from './prove.ts';

const program = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'sallyport-verify.js');

/** A log of 300 calls that is stamped after 100, 200 and 300 of them; a proof of calls of the first hundred. */
async function setUp(context: TestContext) {
  const data = temporaryData();
  const log = await openTestLog(data);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-proof-'));
  context.after(async () => {
    await closeTestLog(log);
    for (const path of [data, folder]) rmSync(path, { recursive: true, force: true });
  });
  const tsa = makeTsa(mkdtempSync(join(folder, 'tsa-')));
  const served = await serveTsa(context, tsa);
  for (let call = 0; call < 300; call++) {
    log.writer.accept(callOf(`call-${call}`, 'dana'));
    if (call % 100 !== 99) continue;
    log.writer.drain();
    log.writer.publish();
    const checkpoint = new LogReader(log.folder).checkpoint();
    assert.ok(checkpoint !== undefined);
    await timestampAnchor({ url: served.url }).anchor(checkpoint, log.folder);
  }
  const archive = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
  const checkpoint = archive.reader.checkpoint();
  assert.ok(checkpoint !== undefined);
  const proofOf = (...seqs: number[]): Proof => prove({ archive, checkpoint, seqs, keySeqs: [0], disclose: [] });
  const verify = (proof: unknown, ...args: string[]): { code: number | null; text: string } => {
    const path = join(folder, 'case.json');
    writeFileSync(path, JSON.stringify(proof));
    const run = spawnSync(process.execPath, [program, path, ...args], { encoding: 'utf8' });
    return { code: run.status, text: run.stdout + run.stderr };
  };
  return { proofOf, verify, tsa, notes: readFileSync(join(log.folder, 'checkpoint'), 'utf8') };
}

test('a proof carries the earliest timestamp over its records, and the verifier checks it offline', async (context) => {
  const { proofOf, verify, tsa } = await setUp(context);
  const proof = proofOf(5, 17);
  const trusted = verify(proof, '--tsa-ca', tsa.ca);
  assert.equal(trusted.code, 0, trusted.text);
  assert.match(trusted.text, /verified: record 5 .*within 601 signed records/);
  assert.match(trusted.text, /anchored: timestamped by Test TSA at \S+Z over 201 records\n/);
  const alone = verify(proof);
  assert.equal(alone.code, 0, alone.text);
  assert.match(alone.text, /not checked against a CA/);
  assert.match(alone.text, /unanchored/, 'a token without a trusted authority is reported and not counted');
  assert.match(verify(proofOf(250), '--tsa-ca', tsa.ca).text, /over 401 records/);
});

test('anchors of a proof that were tampered with are found and named', async (context) => {
  const { proofOf, verify, tsa } = await setUp(context);
  const proof = proofOf(5);
  const later = proofOf(450);
  const [anchor] = proof.anchors ?? [];
  const [other] = later.anchors ?? [];
  assert.ok(anchor !== undefined && other !== undefined);
  const flipped = Buffer.from(anchor.timestamp ?? '', 'base64');
  flipped[flipped.length - 9] = (flipped.at(-9) ?? 0) ^ 1;
  for (const [anchors, says] of [
    [[{ ...anchor, paths: [] }], /anchor 1 of the proof does not say how record 5 is in it/],
    [
      [{ ...anchor, paths: [anchor.paths[0]?.slice(1)] }],
      /record 5 is not in the log that anchor 1 of the proof signs/,
    ],
    [[{ ...anchor, checkpoint: other.checkpoint }], /record 5 is not in the log that anchor 1 of the proof signs/],
    [[{ ...anchor, checkpoint: anchor.checkpoint.replace('\n201\n', '\n200\n') }], /not signed by the key of the log/],
    [[{ ...anchor, timestamp: other.timestamp }], /the timestamp of anchor 1 of the proof is not about/],
    [[{ ...anchor, timestamp: flipped.toString('base64') }], /the timestamp of anchor 1 of the proof/],
    [[{ checkpoint: 1 }], /anchor 1 of the proof is not a signed note/],
    ['none', /no proper anchors/],
    [[], /no timestamp of this log is here/],
  ] as const) {
    const { code, text } = verify({ ...proof, anchors }, '--tsa-ca', tsa.ca);
    assert.equal(code, 1, text);
    assert.match(text, says);
  }
});
