/** The evidence log through a running gateway: what is recorded, proved, erased, and never written down. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { legacyHeaders, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { patienceMs, runToEnd } from '../process.ts';
import { filesWith, startWorld, verify, type World } from './world.ts';

interface Shown {
  readonly seq: number;
  readonly kind: string;
  readonly id?: string;
  readonly privacy: string;
  readonly plaintext?: {
    readonly about?: { readonly user?: string; readonly address?: string };
    readonly arguments?: string;
    readonly result?: string;
  };
  readonly outcome?: string;
  readonly reason?: string;
  readonly decision?: { readonly effect: string; readonly place?: string };
  readonly outcomeRecord?: Shown;
  readonly detail?: Readonly<Record<string, unknown>>;
}

function records(ended: { readonly code: number | null; readonly stdout: string; readonly stderr: string }): Shown[] {
  assert.equal(ended.code, 0, ended.stderr);
  return (JSON.parse(ended.stdout) as { records: Shown[] }).records;
}

/** Of the tests that count nothing but what they name. */
let shared: World;
before(async () => {
  shared = await startWorld();
});
after(() => shared[Symbol.asyncDispose]());

test('ten calls of which three are denied are found, shown, proved and verified elsewhere', async () => {
  await using world = await startWorld();
  for (let call = 0; call < 7; call++)
    assert.equal((await world.call(world.keys.dana, 'take', { note: `note ${call}` })).status, 200);
  await world.call(world.keys.dana, 'take', { note: 'forbidden' });
  await world.call(world.keys.dana, 'hidden');
  await world.call(world.keys.eve, 'take', { note: 'forbidden' });

  const answered = records(
    await world.sallyport('audit', 'search', '--caller', 'user:dana', '--outcome', 'answered', '--json'),
  );
  assert.equal(answered.length, 7);
  const [last] = answered;
  assert.equal(last?.plaintext?.arguments, '{"note":"note 6"}');
  assert.match(last?.outcomeRecord?.plaintext?.result ?? '', /the witness was called/);
  assert.equal(last?.plaintext?.about?.user, 'dana');
  assert.equal(last?.plaintext?.about?.address, '127.0.0.1');
  const denied = records(await world.sallyport('audit', 'search', '--outcome', 'refused', '--json'));
  assert.deepEqual(
    denied.map(({ decision, reason }) => [decision?.effect, reason]),
    [
      ['deny', 'denied'],
      ['deny', 'capability-unknown'],
      ['deny', 'denied'],
    ],
  );
  assert.match(denied[0]?.decision?.place ?? '', /sallyport\.yaml:\d+:\d+$/);
  const byText = records(await world.sallyport('audit', 'search', '--text', 'NOTE 3', '--json'));
  assert.deepEqual(
    byText.map(({ plaintext }) => plaintext?.arguments),
    ['{"note":"note 3"}'],
  );
  const pages: number[] = [];
  let before: number | undefined = undefined;
  do {
    const page = await world.sallyport(
      'audit',
      'search',
      '--caller',
      'user:dana',
      '--limit',
      '4',
      '--json',
      ...(before === undefined ? [] : ['--before', String(before)]),
    );
    pages.push(...records(page).map(({ seq }) => seq));
    before = (JSON.parse(page.stdout) as { next?: number }).next;
  } while (before !== undefined);
  const all = records(await world.sallyport('audit', 'search', '--caller', 'user:dana', '--limit', '1000', '--json'));
  assert.deepEqual(
    pages,
    all.map(({ seq }) => seq),
  );

  const shown = await world.sallyport('audit', 'show', last?.id ?? '');
  assert.match(shown.stdout, /record \d+: intent[^]*arguments: \{"note":"note 6"\}[^]*record \d+: outcome/);
  const path = join(world.gateway.folder, 'case.json');
  const proved = await world.sallyport(
    'audit',
    'prove',
    String(last?.seq),
    '--disclose',
    'arguments,result',
    '--out',
    path,
  );
  assert.equal(proved.code, 0, proved.stderr);
  const proof = await verify(path, '--json');
  assert.equal(proof.code, 0, proof.stderr + proof.stdout);
  const { records: proven, key } = JSON.parse(proof.stdout) as { records: { disclosed: string[] }[]; key: string };
  assert.deepEqual(
    proven.map(({ disclosed }) => disclosed),
    [['arguments'], ['result']],
  );
  const copied = await world.copyLog();
  const whole = await verify(copied, '--key', key, '--json');
  assert.equal(whole.code, 0, whole.stdout);
  const counted = JSON.parse(whole.stdout) as { kinds: Record<string, number>; anchors: string[]; openCalls: number };
  assert.deepEqual([counted.kinds['intent'], counted.kinds['outcome'], counted.kinds['exchange']], [7, 7, 3]);
  assert.deepEqual([counted.openCalls, counted.anchors], [0, []]);
  assert.match((await verify(copied)).stdout, /unanchored/);

  // What the proof shows is bound to what was recorded.
  const forged = readFileSync(path, 'utf8').replace('note 6', 'note 7');
  writeFileSync(path, forged);
  const refused = await verify(path);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /the arguments shown are not those that were recorded/);
});

test('erasing one of two users leaves nothing of theirs, and everything verifies', async () => {
  await shared.call(shared.keys.dana, 'take', { note: 'dana wrote this secret sentence' });
  await shared.call(shared.keys.eve, 'take', { note: 'eve wrote this one' });
  const find = async (user: string) =>
    records(await shared.sallyport('audit', 'search', '--caller', `user:${user}`, '--method', 'tools/call', '--json'));
  const [dana] = await find('dana');
  const [eve] = await find('eve');
  assert.equal(dana?.privacy, 'open');
  const subjects = await shared.sallyport('audit', 'subjects', '--json');
  assert.match(subjects.stdout, /"subject": "user:dana"/);

  const access = await shared.sallyport('audit', 'export', '--disclose', 'arguments', '--subject', 'user:dana');
  assert.match(access.stdout, /dana wrote this secret sentence/);
  assert.doesNotMatch(access.stdout, /eve wrote/);
  const bundle = join(shared.gateway.folder, 'bundle.json');
  assert.equal((await shared.sallyport('audit', 'export', '--format', 'proof', '--out', bundle)).code, 0);
  assert.equal((await verify(bundle)).code, 0);

  const certificate = join(shared.gateway.folder, 'dana.txt');
  const erased = await shared.sallyport('audit', 'erase', '--subject', 'user:dana', '--certificate', certificate);
  assert.equal(erased.code, 0, erased.stderr);
  const after = records(await shared.sallyport('audit', 'show', String(dana?.seq), '--json'));
  assert.deepEqual(
    after.map(({ privacy, plaintext }) => [privacy, plaintext]),
    [
      ['erased', undefined],
      ['erased', undefined],
    ],
  );
  const [other] = records(await shared.sallyport('audit', 'show', String(eve?.seq), '--json'));
  assert.equal(other?.plaintext?.arguments, '{"note":"eve wrote this one"}');
  assert.deepEqual(await find('dana'), []);
  assert.deepEqual(filesWith(join(shared.gateway.folder, 'data'), 'dana wrote this'), []);
  const whole = await verify(await shared.copyLog(), '--json');
  assert.equal(whole.code, 0, whole.stdout);
  assert.match(whole.stdout, /"erasedSubjects": 1/);
  const again = await shared.sallyport('audit', 'erase', '--subject', 'user:dana');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /holds nothing about user:dana/);

  // An erased user may come back, and is a new subject for the log.
  assert.equal((await shared.call(shared.keys.dana, 'take', { note: 'back again' })).status, 200);
  assert.equal((await find('dana')).length, 1);
  assert.equal((await verify(await shared.copyLog())).code, 0);
});

test('keys, tokens and session ids planted everywhere are nowhere on the disk', async () => {
  const planted = 'planted-credential-4242424242';
  const { dana } = shared.keys;
  await shared.call(dana, 'take', { note: planted });
  await shared.call(dana, planted, { [planted]: planted });
  await shared.call(planted, 'take', { note: planted });
  await shared.call(undefined, 'take', { note: planted });
  const odd = [
    ['Mcp-Session-Id', planted],
    ['Cookie', planted],
    ['X-Api-Key', planted],
  ] as const;
  for (const method of ['tools/call', planted, 'resources/read', 'prompts/get'])
    await sendRaw({
      url: shared.gateway.endpoint('notes'),
      headers: [...modernHeaders(method, planted), ['Authorization', `Bearer ${dana}`], ...odd],
      body: modernCall(planted, { note: planted }).replace('tools/call', method),
    });
  await sendRaw({
    url: `${shared.gateway.mcp}/servers/${planted}/mcp`,
    headers: [...modernHeaders('tools/list'), ['Authorization', `Bearer ${dana}`]],
    body: modernCall(planted),
  });
  // Recorded all the same: a search with the keys of the log finds it.
  const found = records(await shared.sallyport('audit', 'search', '--text', planted, '--json'));
  assert.ok(found.length > 0);
  const begun = await sendRaw({
    url: shared.gateway.endpoint('notes'),
    headers: [...legacyHeaders, ['Authorization', `Bearer ${dana}`]],
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: planted, version: '1' } },
    }),
  });
  const session = begun.headers.get('mcp-session-id') ?? '';
  assert.ok(session.length > 10, begun.body);
  const data = join(shared.gateway.folder, 'data');
  for (const secret of [planted, dana, session]) assert.deepEqual(filesWith(data, secret), [], secret);
});

test('failed authentications are counted, not written one by one', async () => {
  // Counting is tested here; throttling after failures is another control, with tests of its own.
  await using world = await startWorld({ authentication: { freeFailures: 1_000 } });
  const attempts = 60;
  for (let attempt = 0; attempt < attempts; attempt++)
    assert.equal((await world.call(`wrong-${attempt}`, 'take', { note: 'x'.repeat(1_000) })).status, 401);
  const failed = records(
    await world.sallyport('audit', 'search', '--kind', 'authentication-failed', '--limit', '1000', '--json'),
  );
  assert.equal(failed.length, 10);
  assert.ok(failed.every(({ plaintext }) => plaintext?.arguments === undefined));
  const seen = records(await world.sallyport('audit', 'search', '--kind', 'exchange', '--json'));
  assert.deepEqual(seen, []);
});

test('a second gateway on the same log refuses to start', async () => {
  const second = await runToEnd({
    command: [
      process.execPath,
      join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js'),
      'serve',
      '--config',
      shared.gateway.config,
    ],
    within: patienceMs,
  });
  assert.equal(second.code, 66);
  assert.match(second.stderr, /another gateway writes the log in .*\n.*Stop it, or give this one a data folder/);
});

test('a new signing key is handed over to, and proofs and logs verify from the first key on', async () => {
  await shared.call(shared.keys.dana, 'take', { note: 'before' });
  const first = (JSON.parse((await verify(await shared.copyLog(), '--json')).stdout) as { key: string }).key;
  assert.equal((await shared.sallyport('audit', 'rotate-key')).code, 0);
  assert.equal((await verify(await shared.copyLog(), '--key', first)).code, 0);
  await shared.call(shared.keys.dana, 'take', { note: 'after' });
  const [record] = records(await shared.sallyport('audit', 'search', '--text', 'after', '--json'));
  const path = join(shared.gateway.folder, 'case.json');
  await shared.sallyport('audit', 'prove', String(record?.seq), '--out', path);
  const proof = await verify(path, '--key', first, '--json');
  assert.equal(proof.code, 0, proof.stdout);
  const whole = await verify(await shared.copyLog(), '--key', first, '--json');
  assert.equal(whole.code, 0, whole.stdout);
  assert.match(whole.stdout, /"keys": 2/);
  const stranger = await verify(path, '--key', first.replace(/\+[A-Za-z0-9+/=]+$/, '') + '+AAAA');
  assert.equal(stranger.code, 1);
});

test('a master key from elsewhere is the only one that opens the log, and others may not read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-master-'));
  const path = join(folder, 'master');
  const right = randomBytes(32).toString('hex');
  writeFileSync(path, `${right}\n`, { mode: 0o600 });
  try {
    await using world = await startWorld({ audit: { keys: { master: `\${file:${path}}` } } });
    const data = join(world.gateway.folder, 'data');
    await world.call(world.keys.dana, 'take', { note: 'sealed by a key from elsewhere' });
    const search = () => world.sallyport('audit', 'search', '--text', 'from elsewhere', '--json');
    assert.equal(records(await search()).length, 1);
    assert.deepEqual(filesWith(data, right), []);

    chmodSync(path, 0o640);
    const open = await search();
    assert.equal(open.code, 65);
    assert.match(open.stdout, /others can read \S+master/);
    assert.match(open.stdout, new RegExp(`chmod 600 ${path}`));
    assert.equal((await world.sallyport('check')).code, 1);
    chmodSync(path, 0o600);

    for (const [text, says] of [
      [randomBytes(32).toString('hex'), /the master key does not open it/],
      [right.slice(1), /audit\.keys\.master is not a key/],
    ] as const) {
      writeFileSync(path, text);
      const refused = await search();
      assert.equal(refused.code, 66);
      assert.match(refused.stdout, says);
    }
    // From the environment, and without any: the key of the gateway itself is another one.
    const without = (master: string | undefined) => {
      const config = JSON.parse(readFileSync(world.gateway.config, 'utf8')) as object;
      const other = join(folder, 'other.yaml');
      writeFileSync(other, JSON.stringify({ ...config, audit: master === undefined ? {} : { keys: { master } } }));
      const bin = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
      const command = [
        process.execPath,
        bin,
        'audit',
        'search',
        '--text',
        'from elsewhere',
        '--config',
        other,
      ] as const;
      return runToEnd({ command, env: { LOG_KEY: right }, within: 30_000 });
    };
    assert.match((await without('${env:LOG_KEY}')).stdout, /from elsewhere|tools\/call/);
    const own = await without(undefined);
    assert.equal(own.code, 66);
    assert.match(own.stderr, /the master key does not open it/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('audit verify runs the verifier beside the gateway, and says what it says', async () => {
  await using world = await startWorld();
  await world.call(world.keys.dana, 'take', { note: 'verified in place' });
  await world.sallyport('audit', 'search', '--json');
  const plain = await world.sallyport('audit', 'verify');
  assert.equal(plain.code, 0, plain.stderr);
  assert.match(plain.stdout, /verified: \d+ records of sallyport\.log/);
  const json = await world.sallyport('audit', 'verify', '--json');
  const { ok, kinds } = JSON.parse(json.stdout) as { ok: boolean; kinds: Record<string, number> };
  assert.deepEqual([ok, kinds['intent']], [true, 1]);
  const witness = await world.sallyport('audit', 'verify', '--witness', 'w+00000000+AAAA');
  assert.equal(witness.code, 1);
  assert.match(witness.stderr, /NOT verified: not an Ed25519 key/);
  const kept = join(await world.copyLog(), 'checkpoint');
  const contains = await world.sallyport('audit', 'verify', '--checkpoint', kept);
  assert.match(contains.stdout, /contains the checkpoint/);
  assert.equal((await world.sallyport('audit', 'verify', '--log', 'other')).code, 66);
  const path = join(await world.copyLog(), 'checkpoint');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^(— \S+ .{20}).{8}/m, '$1AAAAAAAA'));
  const config = JSON.parse(readFileSync(world.gateway.config, 'utf8')) as object;
  const other = join(world.gateway.folder, 'other.yaml');
  writeFileSync(other, JSON.stringify({ ...config, data: join(path, '..', '..') }));
  const bin = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
  const command = [process.execPath, bin, 'audit', 'verify', '--config', other] as const;
  const lied = await runToEnd({ command, within: 30_000 });
  assert.equal(lied.code, 1);
  assert.match(lied.stderr, /NOT verified: checkpoint is not signed by the key of the log/);
});

test('keys, revisions, server status and starts are records', async () => {
  await using world = await startWorld();
  const kinds = async (kind: string) => records(await world.sallyport('audit', 'search', '--kind', kind, '--json'));
  // The key store is followed four times a second.
  await until(async () => (await kinds('key-created')).length === 2);
  const changed = readFileSync(world.gateway.config, 'utf8').replace(
    '"tier":"read"',
    '"tier":"read","status":"inactive"',
  );
  writeFileSync(world.gateway.config, changed);
  await until(async () => (await kinds('server-status')).length === 1);
  const [status] = await kinds('server-status');
  assert.deepEqual(status?.detail, { from: 'active', to: 'inactive' });
  assert.equal((await kinds('revision')).length, 1);
  assert.equal((await kinds('start')).length, 1);
  assert.equal((await kinds('log-key')).length, 1);
});

/** Asks again until it is so. Each question starts a process, so no pause is needed. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'it did not become so in time');
    await pause(20);
  }
}
