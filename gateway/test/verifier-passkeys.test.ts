/** Approvals that passkeys confirmed, in a log and in a proof: a passkey counts from its registration on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { keyPlaces } from '../src/stages/record/open.ts';
import { Archive } from '../src/stages/record/read/archive.ts';
import { prove } from '../src/stages/record/read/prove.ts';
import { closeTestLog, master, openTestLog, temporaryData } from './support/audit-log.ts';

const program = join(import.meta.dirname, '..', 'bin', 'sallyport-verify.js');
const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
const credential = 'passkey-of-dana';
const id = 'ap_x7k2m9p4r8t3';
const digest = 'd'.repeat(64);

/** WebAuthn Level 3, 7.2: a person was there and was verified. */
function assertion() {
  const challenge = sha256(`sallyport approval v1\napprove\n${id}\n${digest}\n`).toString('base64url');
  const clientData = Buffer.from(
    JSON.stringify({ type: 'webauthn.get', challenge, origin: 'https://admin.corp-mail.io' }),
  );
  const data = Buffer.concat([sha256('admin.corp-mail.io'), Buffer.from([0x05, 0, 0, 0, 1])]);
  const signature = sign(null, Buffer.concat([data, sha256(clientData)]), privateKey);
  return {
    credential,
    publicKey: spki,
    clientData: clientData.toString('base64url'),
    authenticatorData: data.toString('base64url'),
    signature: signature.toString('base64url'),
  };
}

const registration = {
  kind: 'operator-passkey',
  detail: { operator: 'dana', passkey: credential, publicKey: spki },
} as const;
const approval = {
  kind: 'approval-approved',
  detail: { id, digest, votes: [{ by: 'operator:dana', proof: assertion() }] },
} as const;

async function verified(context: TestContext, notes: readonly (typeof registration | typeof approval)[]) {
  const data = temporaryData();
  const log = await openTestLog(data);
  context.after(async () => {
    await closeTestLog(log);
    rmSync(data, { recursive: true, force: true });
  });
  for (const note of notes) log.writer.note({ ...note, at: Date.now() });
  log.writer.drain();
  log.writer.publish();
  const archive = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
  const checkpoint = archive.reader.checkpoint();
  assert.ok(checkpoint !== undefined);
  const seqs = notes.map((_, at) => checkpoint.size - notes.length + at);
  const proof = join(data, 'case.json');
  writeFileSync(proof, JSON.stringify(prove({ archive, checkpoint, seqs, keySeqs: [0], disclose: [] })));
  return [log.folder, proof].map((path) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, path], { encoding: 'utf8' });
    return { code: status, text: stdout + stderr };
  });
}

test('an approval that a registered passkey confirmed verifies, in the log and in a proof', async (context) => {
  for (const { code, text } of await verified(context, [registration, approval])) assert.equal(code, 0, text);
});

test('a passkey that is registered after it was used refutes the approval, in the log and in a proof', async (context) => {
  for (const { code, text } of await verified(context, [approval, registration])) {
    assert.equal(code, 1, text);
    assert.match(text, /the passkey (?:of "operator:dana" was never registered|was registered later)/);
  }
});
