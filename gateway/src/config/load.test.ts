import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { formatDiagnostic } from './diagnostic.ts';
import { loadConfiguration } from './load.ts';
import { isLoopback } from './names.ts';
import type { Revision } from './revision.ts';
import { editDistance, nearest } from './suggest.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-load-'));
});
after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function load(path: string, env: Readonly<Record<string, string>> = {}): Promise<Revision> {
  const loaded = await loadConfiguration(path, env);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.diagnostics.map(formatDiagnostic).join('\n'));
  return loaded.revision;
}

test('references become values, paths become absolute, and the digest knows no secret', async () => {
  write('secrets/token', 'from a file\n');
  const path = write(
    'one.yaml',
    `version: 1
servers:
  web: { url: "https://example.com/mcp", credential: { bearer: "\${file:secrets/token}" }, headers: { X-A: "a \${env:A} b" } }
  local: { command: [./bin/run, "\${env:A}", plain], cwd: work, env: { API_TOKEN: "\${env:A}" } }
`,
  );
  const one = await load(path, { A: 'first' });
  const two = await load(path, { A: 'second' });
  const { web, local } = one.configuration.servers;
  assert.ok(web !== undefined && 'url' in web && local !== undefined && 'command' in local);
  assert.equal(web.credential?.bearer, 'from a file');
  assert.equal(web.headers['X-A'], 'a first b');
  assert.deepEqual(local.command, [join(folder, 'bin/run'), 'first', 'plain']);
  assert.equal(local.cwd, join(folder, 'work'));
  assert.equal(local.env['API_TOKEN'], 'first');
  assert.equal(one.configuration.data, join(folder, 'data'));
  assert.equal(one.digest, two.digest);
  assert.deepEqual(one.secretFiles, [join(folder, 'secrets/token')]);
  assert.deepEqual(one.files, [path]);
});

test('the digest follows the meaning, not the layout', async () => {
  const one = await load(write('a.yaml', 'version: 1\nlisten: { mcp: { port: 1 } }\ndata: ./x\n'));
  const two = await load(write('b.yaml', '# said otherwise\ndata: ./x\nlisten:\n  mcp:\n    port: 0x1\nversion: 1\n'));
  const other = await load(write('c.yaml', 'version: 1\nlisten: { mcp: { port: 2 } }\ndata: ./x\n'));
  assert.equal(one.digest, two.digest);
  assert.notEqual(one.digest, other.digest);
});

test('the files of a folder are one configuration, each with its own places', async () => {
  write('many/10-servers.yaml', 'version: 1\nservers:\n  a: { command: [node] }\ncallers: { agents: { x: {} } }\n');
  write(
    'many/20-more.yml',
    `version: 1
servers:
  b: { command: [node] }
connections:
  - name: second file
    from: { agent: x }
    to: [a, b]
    tools:
      - allow: one
`,
  );
  write('many/ignored.txt', 'not: yaml: at: all');
  const revision = await load(join(folder, 'many'));
  assert.deepEqual(Object.keys(revision.configuration.servers), ['a', 'b']);
  assert.equal(revision.place(['connections', 0, 'tools', 0]), `${join(folder, 'many/20-more.yml')}:9:9`);
  assert.equal(revision.place(['servers', 'a']), `${join(folder, 'many/10-servers.yaml')}:3:3`);
  assert.equal(revision.files.length, 2);
});

test('files that cannot be read are diagnostics', async () => {
  write('empty-folder/readme.txt', '');
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('version: 1\ndata: caf\xe9\n', 'latin1'));
  write('huge.yaml', `version: 1\n# ${'x'.repeat(9 * 1024 ** 2)}\n`);
  for (const [name, problem] of [
    ['missing.yaml', /does not exist/],
    ['empty-folder', /holds no \.yaml/],
    ['latin1.yaml', /is not UTF-8/],
    ['huge.yaml', /larger than 8 MiB/],
  ] as const) {
    const loaded = await loadConfiguration(join(folder, name), {});
    assert.ok(!loaded.ok && loaded.diagnostics.length === 1, name);
    assert.match(loaded.diagnostics[0]?.problem ?? '', problem);
  }
});

test('a message that no caller may have under way cannot be the largest one', async () => {
  const loaded = await loadConfiguration(write('body.yaml', 'version: 1\nbounds: { body: 65MiB }\n'), {});
  const problems = loaded.ok ? [] : loaded.diagnostics.map(({ problem }) => problem);
  assert.match(problems.join('; '), /must be at most 64MiB/);
});

test('no diagnostic repeats the value of a secret', async () => {
  const path = write(
    'leak.yaml',
    `version: 1
servers:
  a: { url: "https://u:hunter2@example.com", headers: { Authorization: hunter2 } }
  b: { command: [x], env: { MY_PASSWORD: hunter2 } }
  c: { url: "https://example.com", credential: { bearer: hunter2 } }
`,
  );
  const loaded = await loadConfiguration(path, {});
  assert.ok(!loaded.ok && !loaded.diagnostics.map(formatDiagnostic).join('\n').includes('hunter2'));
});

test('whatever stands in a file, loading says yes or complains with a place in it', async () => {
  const word = fc.constantFrom(
    'version',
    'servers',
    'a',
    '1',
    '{}',
    '[]',
    '"x"',
    '~',
    '*x',
    '&x',
    '!!map',
    '- ',
    '? ',
    '|',
    '>',
    '${env:A}',
  );
  const line = fc.tuple(fc.nat(3), word, fc.constantFrom(': ', ':', ' ', ''), word);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(line).map((lines) => lines.map(([depth, a, b, c]) => `${'  '.repeat(depth)}${a}${b}${c}`).join('\n')),
  );
  await fc.assert(
    fc.asyncProperty(text, async (content) => {
      const path = write('random.yaml', content);
      const loaded = await loadConfiguration(path, {});
      if (loaded.ok) return;
      assert.ok(loaded.diagnostics.length > 0);
      for (const { place, problem, remedy } of loaded.diagnostics) {
        assert.equal(place.file, path);
        assert.ok(place.line >= 1 && place.column >= 1 && problem !== '' && remedy !== '', content);
      }
    }),
    { numRuns: 500 },
  );
});

test('loopback is this machine only', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'])
    assert.equal(isLoopback(host), true, host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', ''])
    assert.equal(isLoopback(host), false, host);
});

test('the nearest word is the one that was meant', () => {
  assert.equal(editDistance('listen', 'liste'), 1);
  assert.equal(editDistance('from', 'form'), 1);
  assert.equal(editDistance('', 'abc'), 3);
  assert.equal(nearest('conections', ['connections', 'servers']), 'connections');
  assert.equal(nearest('xyz', ['connections', 'servers']), undefined);
});
