/** Anchors against strict fixtures, and what the verifier says to them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  callOf,
  closeTestLog,
  master,
  openTestLog,
  type TestLog,
  temporaryData,
} from '../../../../test/support/audit-log.ts';
import { sha256 } from '../hash.ts';
import { isConsistent } from '../log/merkle.ts';
import { type Checkpoint, openCheckpoint, parseVerifierKey, rawPublicKey } from '../log/note.ts';
import { keyPlaces } from '../open.ts';
import { Archive } from '../read/archive.ts';
import { LogReader, type SignedCheckpoint } from '../read/log-reader.ts';
import { prove } from '../read/prove.ts';
import { Anchoring } from './anchoring.ts';
import { fileAnchor } from './file/anchor.ts';
import { urlAnchor } from './url/anchor.ts';
import { witnessAnchor } from './witness/anchor.ts';

const program = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'sallyport-verify.js');

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

async function serve(
  context: TestContext,
  answer: (body: string, request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(body, request, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A witness that refuses everything that c2sp.org/tlog-witness says it must. */
async function startWitness(context: TestContext, logKey: string) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const name = 'witness.example/w1';
  const material = Buffer.concat([Buffer.from([4]), rawPublicKey(privateKey)]);
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`), material])).subarray(0, 4);
  const verifiers = [parseVerifierKey(logKey)].filter((each) => each !== undefined);
  let latest: Checkpoint | undefined;
  const state = { lies: false, requests: 0 };
  const url = await serve(context, (body, request, response) => {
    state.requests++;
    const [head = '', ...rest] = body.split('\n\n');
    const note = rest.join('\n\n');
    const [oldLine = '', ...lines] = head.split('\n');
    const old = /^old (0|[1-9]\d*)$/.exec(oldLine)?.[1];
    if (request.method !== 'POST' || request.url !== '/add-checkpoint' || old === undefined || lines.length > 63)
      return response.writeHead(400).end();
    const checkpoint = openCheckpoint(note, verifiers);
    if (checkpoint === undefined) return response.writeHead(403).end();
    if (Number(old) !== (latest?.size ?? 0))
      return response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${latest?.size ?? 0}\n`);
    const proof = lines.map((line) => Buffer.from(line, 'base64'));
    if (latest !== undefined && !isConsistent(latest, checkpoint, proof)) return response.writeHead(422).end();
    latest = checkpoint;
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1_900_000_000n);
    const signature = sign(
      null,
      Buffer.from(`cosignature/v1\ntime 1900000000\n${text}${state.lies ? 'x' : ''}`),
      privateKey,
    );
    response.end(`— other.example AAAAAAAA\n— ${name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`);
  });
  return { url, key: `${name}+${id.toString('hex')}+${material.toString('base64')}`, state };
}

test('a witness cosigns a growing log, also after a restart, and the verifier finds it', async (context) => {
  const log = await logFor(context);
  const witness = await startWitness(context, log.writer.signer.verifierKey);
  const anchor = witnessAnchor(witness);
  await anchor.anchor(grow(log, 3), log.folder);
  await anchor.anchor(grow(log, 300), log.folder);
  // A new process does not know what the witness has seen, and is told.
  await witnessAnchor(witness).anchor(grow(log, 5), log.folder);
  assert.equal(witness.state.requests, 4);
  const run = spawnSync(process.execPath, [program, log.folder, '--witness', witness.key], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /anchored: cosigned by witness\.example\/w1 at 2030-03-17T17:46:40\.000Z over 617 records/);

  // A proof carries the cosignature, also when the log has grown since.
  const archive = await Archive.open(log.folder, keyPlaces(log.data, 'log'), master);
  const path = join(log.data, 'case.json');
  const proved = (seq: number, ...args: string[]) => {
    const checkpoint = grow(log, 1);
    writeFileSync(path, JSON.stringify(prove({ archive, checkpoint, seqs: [seq], keySeqs: [0], disclose: [] })));
    return spawnSync(process.execPath, [program, path, ...args], { encoding: 'utf8' });
  };
  assert.match(
    proved(600, '--witness', witness.key).stdout,
    /anchored: cosigned by witness\.example\/w1 .* 617 records/,
  );
  assert.match(proved(600).stdout, /unanchored/, 'a witness that is not given with --witness does not count');
  assert.match(proved(618, '--witness', witness.key).stderr, /has signed nothing of this log/, 'it came later');
});

test('a cosignature that is not valid is not kept', async (context) => {
  const log = await logFor(context);
  const witness = await startWitness(context, log.writer.signer.verifierKey);
  witness.state.lies = true;
  await assert.rejects(witnessAnchor(witness).anchor(grow(log, 1), log.folder), /no valid cosignature/);
  const run = spawnSync(process.execPath, [program, log.folder, '--witness', witness.key], { encoding: 'utf8' });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /the witness witness\.example\/w1 has signed nothing of this log/);
});

test('an anchor that redirects gets nothing more, wherever it points', async (context) => {
  const log = await logFor(context);
  const checkpoint = grow(log, 1);
  let reached = 0;
  const inside = await serve(context, (_body, _request, response) => {
    reached += 1;
    response.writeHead(200).end();
  });
  for (const status of [301, 302, 307, 308]) {
    const url = await serve(context, (_body, _request, response) => {
      response.writeHead(status, { location: inside }).end();
    });
    await assert.rejects(urlAnchor(url).anchor(checkpoint, log.folder), /redirects/);
    const { key } = await startWitness(context, log.writer.signer.verifierKey);
    await assert.rejects(witnessAnchor({ url, key }).anchor(checkpoint, log.folder), /redirects/);
  }
  const endless = await serve(context, (_body, _request, response) => void response.end('x'.repeat(100_000)));
  await assert.rejects(urlAnchor(endless).anchor(checkpoint, log.folder), /too much/);
  assert.equal(reached, 0);
});

test('files and URLs get the checkpoint as it is', async (context) => {
  const log = await logFor(context);
  const checkpoint = grow(log, 1);
  const path = join(log.data, 'elsewhere.txt');
  await fileAnchor(path).anchor(checkpoint, log.folder);
  await fileAnchor(path).anchor(checkpoint, log.folder);
  assert.equal(readFileSync(path, 'utf8'), `${checkpoint.note}\n${checkpoint.note}\n`);
  const seen: string[] = [];
  const url = await serve(context, (body, request, response) => {
    seen.push(`${request.method} ${body}`);
    response.writeHead(seen.length === 1 ? 204 : 503).end();
  });
  await urlAnchor(url).anchor(checkpoint, log.folder);
  assert.deepEqual(seen, [`PUT ${checkpoint.note}`]);
  await assert.rejects(urlAnchor(url).anchor(checkpoint, log.folder), /it answered 503/);
  await assert.rejects(fileAnchor(join(log.data, 'no', 'folder')).anchor(checkpoint, log.folder), /ENOENT/);
});

test('what closes while an anchor is asked leaves no timer', async (context) => {
  const log = await logFor(context);
  grow(log, 1);
  const asked = Promise.withResolvers<ServerResponse>();
  const url = await serve(context, (_body, _request, response) => asked.resolve(response));
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const troubles: string[] = [];
  const settings = { every: 50, files: [], urls: [url], witnesses: [], timestamps: [] };
  const anchoring = new Anchoring(log.folder, settings, (problem) => troubles.push(problem));
  const response = await asked.promise;
  const closing = anchoring.close();
  response.writeHead(200, { connection: 'close' }).end();
  await closing;
  assert.deepEqual(troubles, []);
  assert.ok(timers() <= before, `${timers()} timers, ${before} before`);
});
