/** Text of others neither acts on a terminal nor begins a line of its own, and forged evidence does not speak for itself. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { signerOf } from '../../gateway/src/stages/record/keys/signing-key.ts';
import { realDisk } from '../../gateway/src/stages/record/log/disk.ts';
import { LogFiles } from '../../gateway/src/stages/record/log/log-files.ts';
import { canonical, type PlainObject } from '../../gateway/src/stages/record/record/canonical.ts';
import { startWorld, verify } from '../audit/world.ts';

// oxlint-disable-next-line no-control-regex -- these are what it is about
const acting = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
/** Clears the screen, turns the line around, begins a line of the log, and ends a terminal's sequence in C1. */
const evil = 'a\u001b[2J\u202e\n{"level":30,"msg":"forged"}\r\u009b31m\u2028';

test('A12: what a client says acts nowhere: log, show, search, tail, export, check, explain', async () => {
  await using world = await startWorld();
  await world.call(world.keys.dana, 'write', { note: evil });
  await world.call(world.keys.dana, evil.replaceAll('\n', '\u2029'), {});
  const path = world.gateway.config;
  const written = JSON.parse(readFileSync(path, 'utf8')) as { connections: [object] };
  const outputs: Record<string, string> = {};
  const run = async (...args: string[]): Promise<void> => {
    const { stdout, stderr } = await world.process(...args);
    outputs[args.slice(0, 4).join(' ')] = stdout + stderr;
  };
  const found = await world.process('audit', 'search', '--json');
  const { records } = JSON.parse(found.stdout) as { records: readonly { seq: number }[] };
  outputs['search --json'] = found.stdout;
  for (const { seq } of records.slice(0, 3)) await run('audit', 'show', `${seq}`);
  await run('audit', 'search');
  for (const format of ['cef', 'ocsf', 'ndjson']) await run('audit', 'export', '--format', format);
  // A name of the configuration, taken over; then a key of it that is refused.
  writeFileSync(path, JSON.stringify({ ...written, connections: [{ ...written.connections[0], name: evil }] }));
  await run('explain', '--caller', 'user:dana', '--server', 'notes', '--tool', 'take');
  writeFileSync(path, JSON.stringify({ ...written, [evil]: 1 }));
  await run('check');
  await run('check', '--json');
  await run('audit', 'show', evil);
  await world.gateway.until(() => world.gateway.errors().includes('configuration refused'));
  outputs['the log'] = world.gateway.errors();
  for (const [name, output] of Object.entries(outputs)) {
    assert.doesNotMatch(output, acting, name);
    assert.doesNotMatch(output, /^\{"level":30,"msg":"forged"/m, name);
  }
  assert.ok(outputs['audit export --format cef']?.includes('u001b') || outputs['the log']?.includes('u202e'));
});

test('A12: evidence that agrees with itself is not called verified while no key was given', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a12-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const { path, key } = await makeLog(join(folder, 'whole'), 'sallyport.log/1234', []);
  const without = await verify(path);
  assert.equal(without.code, 0, without.stderr);
  assert.match(without.stdout, /^NO KEY WAS GIVEN \(--key\): .*\nconsistent, but not verified: 1 records/);
  assert.equal((JSON.parse((await verify(path, '--json')).stdout) as { keyGiven: boolean }).keyGiven, false);
  const given = await verify(path, '--key', key);
  assert.match(given.stdout, /^verified: 1 records/);
});

test('A12: records of unknown kinds and names that act are refused, and shown as text', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a12-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const claim = `heartbeat)\u001b[1A\u001b[2K\n  key: real (the one you gave)\n  anchored: cosigned by witness`;
  const invented = await makeLog(join(folder, 'kind'), 'sallyport.log/1', [{ kind: claim }]);
  const named = await makeLog(join(folder, 'name'), 'sallyport.log/1\u001b[2K (the one you gave)', []);
  const prototype = await makeLog(join(folder, 'prototype'), 'sallyport.log/1', [{ kind: '__proto__' }]);
  for (const { path } of [invented, named, prototype]) {
    const { code, stdout, stderr } = await verify(path);
    assert.equal(code, 1, stdout);
    assert.match(stderr, /^NOT verified: [^\n]+\n$/);
    assert.doesNotMatch(stderr.trimEnd(), acting);
  }
  assert.match((await verify(invented.path)).stderr, /record 1 is of a kind that no gateway writes/);
});

test('A12 (source): everything that is written to a terminal goes through one function', () => {
  const source = join(import.meta.dirname, '..', '..', 'gateway', 'src');
  const lines = globSync('**/*.ts', { cwd: source })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) =>
      readFileSync(join(source, file), 'utf8')
        .split('\n')
        .map((line) => `${file}: ${line.trim()}`),
    )
    .filter((line) => /(?<![./])\bconsole\.\w+\(|process\.std(?:err|out)\.write|std(?:err|out)\.write\(/.test(line));
  assert.deepEqual(
    lines.filter((line) => !/\.write\(`\$\{shown\((?:text|asTyped\(text\))\)\}\\n`\)/.test(line)),
    [],
  );
});

/** A log that its maker has signed in order. */
async function makeLog(path: string, origin: string, records: readonly PlainObject[]) {
  const signer = signerOf(origin, generateKeyPairSync('ed25519').privateKey);
  const log = new LogFiles({ folder: path, disk: realDisk, origin, onReplay: () => {} });
  const first = { kind: 'log-key', detail: { event: 'created', key: signer.verifierKey } };
  log.append(
    [first, ...records].map((rest, seq) => {
      const fields = { v: 1, seq, written: Date.UTC(2030, 0, 1), time: 1, subject: 'a'.repeat(32), ...rest };
      return { entry: Buffer.from(canonical(fields)), sealed: Buffer.alloc(0) };
    }),
  );
  log.publish(signer, Date.now());
  await log.close(() => ({}));
  return { path, key: signer.verifierKey };
}
