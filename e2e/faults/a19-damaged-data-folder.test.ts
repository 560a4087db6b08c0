/**
 * Whatever stands in the data folder, a start serves or says what is wrong and what to do, and an end ends: nothing hangs,
 * nothing is a stack trace, and what was good is still there.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { gatewayFile, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { sallyportWith } from './commands.ts';

let folder = '';
let good = '';
let witness: Witness;
let settings: Readonly<Record<string, unknown>> = {};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-a19-'));
  good = join(folder, 'good');
  mkdirSync(good);
  witness = await startWitness([{ name: 'open' }]);
  settings = {
    callers: { agents: { bot: {} } },
    servers: { notes: { url: witness.url, credential: { bearer: '${secret:token}' } } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
  const config = join(good, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, data: join(good, 'data'), ...settings }));
  assert.equal((await sallyportWith('good', 'secret', 'put', 'token', '--config', config)).code, 0);
  const gateway = await startGateway(settings, { folder: good });
  const key = gateway.key('bot');
  const headers = [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`] as const];
  assert.equal((await sendRaw({ url: gateway.endpoint('notes'), headers, body: modernCall('open') })).status, 200);
  await gateway.stop();
  writeFileSync(join(good, 'data', 'ended-sessions'), '');
  mkdirSync(join(good, 'data', 'last-words'));
  writeFileSync(join(good, 'data', 'last-words', 'crash-1-1.json'), '{}');
});
after(async () => {
  await witness[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Damage = (path: string) => void;
const put: Readonly<Record<string, Damage>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', ['-m', '600', path]),
  'a folder': (path) => mkdirSync(path, { mode: 0o700 }),
  'a link that leads nowhere': (path) => symlinkSync(join(folder, 'nowhere', 'at all'), path),
};

interface Outcome {
  /** `serves`, or the code that it ended with. */
  readonly start: string | number | null;
  readonly end: number | null;
  readonly errors: string;
  readonly data: string;
}

let count = 0;

/** Starts a gateway in a copy of the good folder, damaged first; what serves is told to end, after `later`. */
async function outcomeOf(damage: Damage, later: Damage = () => {}): Promise<Outcome> {
  const place = join(folder, `copy-${++count}`);
  cpSync(good, place, { recursive: true });
  const data = join(place, 'data');
  const config = join(place, 'sallyport.yaml');
  const listen = { mcp: { port: 0 }, admin: { port: 0 } };
  writeFileSync(config, JSON.stringify({ version: 1, data, listen, ...settings }));
  damage(data);
  const child = spawn(process.execPath, [gatewayFile, 'serve', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const start = await Promise.race([once(child.stdout, 'data').then(() => 'serves'), ended.then(([code]) => code)]);
  if (start === 'serves') {
    later(data);
    child.kill('SIGTERM');
  }
  const [end] = await ended;
  clearTimeout(timer);
  return { start, end, errors: errors.replaceAll(`${place}/`, ''), data };
}

/** Files that a start needs. Single secrets, and notes beside the work, stand in the way of nothing. */
const needed = [
  'keys/master',
  'keys/pepper',
  'keys/log-signing.pem',
  'keys/log-wrapping',
  'keys/log-subjects',
  'sallyport.db',
  'log/lock',
  'log/log.json',
  'log/checkpoint',
  'log/segments/0000000000000000.seg',
];
const notes = ['ended-sessions', 'credentials.json', 'last-words/crash-1-1.json', 'index/log.db'];

/** A gateway without a secret, which would be complained about first. */
const withoutSecret = async (work: () => Promise<void>): Promise<void> => {
  const before = settings;
  settings = { ...settings, servers: { notes: { url: witness.url } } };
  try {
    await work();
  } finally {
    settings = before;
  }
};

for (const [what, damage] of Object.entries(put))
  test(`A19: with ${what} in place of each file that a start needs, it names them all and ends with 66`, async () => {
    await withoutSecret(async () => {
      const { start, errors, data } = await outcomeOf((folderOfData) => {
        for (const path of [...needed, 'secrets']) {
          rmSync(join(folderOfData, path), { recursive: true });
          if (path === 'secrets' && what === 'a folder') writeFileSync(join(folderOfData, path), '');
          else damage(join(folderOfData, path));
        }
      });
      assert.equal(start, 66, errors);
      for (const path of needed)
        assert.match(errors, new RegExp(`data/${path} is ${what}, not a regular file\n {4}\\S`));
      assert.match(errors, /data\/secrets is a \w+[^\n]*, not a folder\n {4}\S/);
      assert.doesNotMatch(errors, /^ {4}at /m);
      rmSync(data, { recursive: true });
    });
  });

test('A19: with a FIFO in place of each note beside the work, a gateway serves and ends with 0', async () => {
  const { start, end, errors } = await outcomeOf((data) => {
    for (const path of notes) {
      rmSync(join(data, path), { recursive: true, force: true });
      put['a FIFO']?.(join(data, path));
    }
  });
  assert.deepEqual([start, end], ['serves', 0], errors);
});

test('A19: a data folder that is a file, a FIFO or a link to nowhere is named, with 66', async () => {
  await withoutSecret(async () => {
    for (const damage of [(path: string) => writeFileSync(path, ''), put['a FIFO'], put['a link that leads nowhere']]) {
      const { start, errors } = await outcomeOf((data) => {
        rmSync(data, { recursive: true });
        damage?.(data);
      });
      assert.equal(start, 66, errors);
      assert.match(errors, /data is a [\w ]+, not a folder\n {4}\S/);
    }
  });
});

test('A19: what is damaged or missing at the start is named, or made anew, and what was good stays', async () => {
  const garbage: Damage = (path) => writeFileSync(path, '\0 garbage\n');
  const missing: Damage = (path) => rmSync(path);
  const cases: readonly (readonly [string, Damage, number | 'serves', RegExp])[] = [
    ['keys/master', garbage, 65, /secret:token cannot be read: \S*keys\/master is not a key/],
    ['keys/master', missing, 65, /secret:token cannot be read: .*keys\/master/],
    ['keys/pepper', garbage, 66, /keys\/pepper is damaged/],
    ['keys/log-signing.pem', garbage, 66, /keys\/log-signing\.pem is not a private key/],
    ['keys/log-wrapping', garbage, 66, /keys\/log-wrapping: the master key does not open it/],
    ['keys/log-wrapping', missing, 66, /keys\/log-wrapping is missing, and the keys that it wraps are there/],
    ['keys/log-subjects', garbage, 'serves', /^/],
    ['sallyport.db', garbage, 66, /keys in \S*sallyport\.db cannot be used: file is not a database/],
    ['log/log.json', garbage, 66, /log\/log\.json/],
    ['log/log.json', missing, 66, /keys\/log-wrapping: the master key does not open it, or it belongs to another log/],
    ['log/checkpoint', garbage, 66, /log\/checkpoint is not a checkpoint/],
    ['log/segments/0000000000000000.seg', garbage, 66, /log: the checkpoint covers/],
    ['log/segments/0000000000000000.seg', missing, 66, /log: the checkpoint covers/],
    ['secrets/token.json', garbage, 65, /secret:token cannot be read: \S*secrets\/token\.json is damaged/],
  ];
  const work = [...cases];
  const next = async (): Promise<void> => {
    for (let one = work.shift(); one !== undefined; one = work.shift()) {
      const [path, damage, expected, says] = one;
      let before = '';
      const outcome = await outcomeOf((data) => {
        damage(join(data, path));
        before = contentOf(data, path);
      });
      const { start, end, errors, data } = outcome;
      assert.equal(start, expected, `${path}: ${errors}`);
      assert.match(errors, says, path);
      assert.doesNotMatch(errors, /^ {4}at /m, path);
      if (expected === 'serves') assert.equal(end, 0, `${path}: ${errors}`);
      else assert.match(errors, /\n {4}\S/, `${path} has a remedy: ${errors}`);
      if (expected !== 'serves') assert.equal(contentOf(data, path), before, path);
      rmSync(join(data, '..'), { recursive: true });
    }
  };
  await Promise.all([next(), next(), next()]);
});

/** What is worth keeping, but for the damaged file, which a mend may replace. */
function contentOf(data: string, damaged: string): string {
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(?:keys|secrets|log)\/|^sallyport\.db$/.test(path) && path !== damaged)
    .filter((path) => !/lock|drafts|requests|\.in-use|log\/log\.json/.test(path) && statSync(join(data, path)).isFile())
    .toSorted()
    .map((path) => `${path} ${readFileSync(join(data, path)).toString('hex')}`)
    .join('\n');
}

test('A19: whatever takes the place of everything in the data folder, a gateway that is told to end does', async () => {
  const all =
    (damage: Damage | undefined): Damage =>
    (data) => {
      for (const path of [...needed, ...notes]) {
        rmSync(join(data, path), { recursive: true, force: true });
        damage?.(join(data, path));
      }
    };
  const ends = [...Object.values(put), undefined].map((damage) => outcomeOf(() => {}, all(damage)));
  ends.push(
    outcomeOf(
      () => {},
      // The gateway may write while its folder is removed.
      (data) => rmSync(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 }),
    ),
  );
  for (const { start, end, errors } of await Promise.all(ends)) {
    assert.deepEqual([start, end], ['serves', 0], errors);
    assert.doesNotMatch(errors, /bug: please report it/);
  }
});
