import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { signerOf } from '../keys/signing-key.ts';
import { openCheckpoint, parseCheckpoint, parseNote, parseVerifierKey, signCheckpoint } from './note.ts';

/** The example of golang.org/x/mod/sumdb/note, which c2sp.org/signed-note describes. */
const published = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  note: `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`,
};

test('the published note verifies with the published key, and not when a letter changes', () => {
  const key = parseVerifierKey(published.key);
  const note = parseNote(published.note);
  assert.ok(key !== undefined && note !== undefined);
  const [signature] = note.signatures;
  assert.ok(signature !== undefined && signature.id.equals(key.id) && signature.name === key.name);
  const holds = (body: string): boolean => verify(null, Buffer.from(body), key.publicKey, signature.signature);
  assert.equal(holds(note.body), true);
  assert.equal(holds(note.body.replace('answer', 'Answer')), false);
});

test('a key whose id is that of another key is not taken', () => {
  assert.equal(parseVerifierKey(published.key.replace('c74f20a3', 'c74f20a4')), undefined);
  assert.equal(parseVerifierKey(published.key.replace('+ARpc', '+BRpc')), undefined);
  assert.equal(parseVerifierKey('nonsense'), undefined);
});

test('a checkpoint opens with the key that signed it and with no other', () => {
  const signer = signerOf('example.test/log', generateKeyPairSync('ed25519').privateKey);
  const stranger = signerOf('example.test/log', generateKeyPairSync('ed25519').privateKey);
  const checkpoint = { origin: 'example.test/log', size: 20_852_163, root: Buffer.alloc(32, 9) };
  const text = signCheckpoint(checkpoint, signer);
  const keyOf = (key: string) => [parseVerifierKey(key)].filter((each) => each !== undefined);
  assert.deepEqual(openCheckpoint(text, keyOf(signer.verifierKey)), checkpoint);
  assert.equal(openCheckpoint(text, keyOf(stranger.verifierKey)), undefined);
  assert.equal(openCheckpoint(text.replace('20852163', '20852164'), keyOf(signer.verifierKey)), undefined);
});

test('what is not a checkpoint is not read as one', () => {
  const root = Buffer.alloc(32).toString('base64');
  for (const body of ['', 'o\n', `o\n01\n${root}\n`, `o\n-1\n${root}\n`, `o\n1\n${root.slice(4)}\n`, `\n1\n${root}\n`])
    assert.equal(parseCheckpoint(body), undefined, JSON.stringify(body));
  assert.deepEqual(parseCheckpoint(`o\n0\n${root}\n`), { origin: 'o', size: 0, root: Buffer.alloc(32) });
});
