import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ended, runCommand } from '../../test/support/command.ts';
import { isWellFormed } from '../stages/authenticate/api-key/format.ts';
import { openKeyRing } from '../stages/authenticate/api-key/open.ts';
import { probeNetwork } from '../upstreams/probe-network.ts';

const sallyport = join(import.meta.dirname, '..', '..', 'bin', 'sallyport.js');
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  writeFileSync(
    join(folder, 'sallyport.yaml'),
    `version: 1
callers: { agents: { demo: {} }, users: { dana: {} } }
servers:
  files: { url: "http://127.0.0.1:9/mcp", credential: { bearer: "\${env:TOKEN_THAT_IS_NOT_SET}" } }
connections:
  - name: demo
    from: { agent: demo }
    to: files
    tools:
      - { allow: write, when: args.size < 10 }
      - { deny: remove }
tests:
  - { caller: { agent: demo }, server: files, tool: remove, expect: deny }
  - { caller: { agent: demo }, server: files, tool: write, args: { size: 5 }, expect: deny, name: wrong on purpose }
`,
  );
});
after(() => rmSync(folder, { recursive: true }));

const run = (...args: readonly string[]) => runCommand(folder, ...args);

function runProcess(...args: readonly string[]): Ended {
  const { stdout, stderr, status } = spawnSync(process.execPath, [sallyport, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { stdout, stderr, code: status };
}

test('explain says by which rule, at which line, and what would change it', async () => {
  const question = ['explain', '--caller', 'agent:demo', '--server', 'files', '--tool'];
  const denied = await run(...question, 'remove');
  assert.equal(denied.code, 1);
  assert.match(
    denied.stdout,
    /^DENY {2}agent:demo may not use tool remove of files: deny remove, at sallyport\.yaml:11:9\./,
  );
  assert.match(denied.stdout, /What would change it: Removing or narrowing the deny rule at sallyport\.yaml:11:9/);
  const allowed = await run(...question, 'write', '--args', '{"size": 3}', '--json');
  assert.equal(allowed.code, 0);
  assert.equal((JSON.parse(allowed.stdout) as { allowed: boolean }).allowed, true);
  const failed = await run(...question, 'write');
  assert.match(failed.stdout, /condition failed: no such key: size/i);
  assert.match(failed.stdout, /In lists: shown/);
  const withoutArguments = /Note: No arguments were given: --args names those of the call/;
  assert.match(failed.stdout, withoutArguments);
  assert.doesNotMatch((await run(...question, 'write', '--args', '{}')).stdout, withoutArguments);
  assert.doesNotMatch(denied.stdout, withoutArguments);
  const stranger = await run('explain', '--caller', 'user:dana', '--server', 'files', '--tool', 'write');
  assert.match(stranger.stdout, /No connection leads from user:dana to files/);
  assert.match((await run(...question)).stderr, /argument missing/);
  assert.equal((await run(...question, 'x', '--prompt', 'y')).code, 2);
});

test('test runs the examples and names the place of the one that does not hold', async () => {
  const { stdout, code } = await run('test');
  assert.equal(code, 1);
  assert.match(stdout, /FAILED {2}wrong on purpose\n {4}sallyport\.yaml:14:5: expected deny, got allow/);
  assert.match(stdout, /1 of 2 examples hold/);
});

test('test runs what crosses through guardrails, masks and roles of arguments', async () => {
  const config = 'content.yaml';
  const example = 'caller: { agent: demo }, server: s, tool: read, expect: allow';
  writeFileSync(
    join(folder, config),
    `version: 1
data: ./content-data
callers: { agents: { demo: {} } }
servers:
  s: { url: "http://127.0.0.1:9/mcp", tools: { read: { arguments: { path: { role: path, under: /shared } } } } }
connections:
  - name: c
    from: { agent: demo }
    to: s
    guardrails: { pii: replace, secrets: block }
    tools: [{ allow: read, mask: /budget }]
tests:
  - { name: right, ${example}, args: { path: /shared/../shared/a }, sends: { path: /shared/a }, result: "to ada@lovelace.dev", receives: "[withheld: a mask applies, and nothing can be masked in this content]" }
  - { name: held, caller: { agent: demo }, server: s, tool: read, args: { path: /etc }, expect: block }
  - { name: withheld, ${example}, result: { structuredContent: { url: "postgres://falcon:kR7vQ2xLw9Zt@db/" } }, receives: null }
  - { name: replaced, ${example}, result: '{"budget":1,"to":"ada@lovelace.dev"}', receives: '{"to":"[[email]]"}' }
  - { name: wrong sends, ${example}, args: { path: /shared/a/.. }, sends: { path: /shared/a } }
  - { name: wrong receives, ${example}, result: '{"budget":1}', receives: '{"budget":1}' }
  - { name: not blocked, caller: { agent: demo }, server: s, tool: read, args: { path: a }, expect: block }
`,
  );
  const { stdout, code } = await run('test', '--config', config);
  assert.equal(code, 1);
  for (const name of ['right', 'held', 'withheld', 'replaced'])
    assert.match(stdout, new RegExp(`^ok {6}${name}$`, 'm'));
  assert.match(stdout, /wrong sends\n.*expected \{"path":"\/shared\/a"\}, got \{"path":"\/shared"\}/);
  assert.match(stdout, /wrong receives\n.*expected "\{\\"budget\\":1\}", got "\{\}"/);
  assert.match(stdout, /not blocked\n.*expected block, got allow/);
  assert.match(stdout, /4 of 7 examples hold/);
  const both = `${example}, result: x`;
  writeFileSync(join(folder, 'half.yaml'), `version: 1\ntests: [{ ${both} }]\n`);
  assert.match((await run('test', '--config', 'half.yaml')).stderr, /must have result and receives together/);
});

test('check fails where a secret is missing, unless it is told to leave secrets alone', async () => {
  assert.equal((await run('check')).code, 1);
  assert.equal((await run('check', '--no-secrets')).code, 0);
  assert.equal((await run('server', 'probe')).code, 65, 'other commands did not get as far as their question');
});

test('check says where it did not come to the end', async () => {
  const rule = (when: string): string =>
    `[{ name: x, from: { agent: b }, to: a, tools: [{ allow: r, when: "${when}" }] }]`;
  const file = (more: string, when: string): string =>
    `version: 1\ncallers: { agents: { b: {} } }\nservers: { a: { url: "http://127.0.0.1:1/mcp"${more} } }\nconnections: ${rule(when)}\n`;
  writeFileSync(join(folder, 'partial.yaml'), file(', nope: 1', 'args.x =='));
  const first = await run('check', 'partial.yaml');
  assert.match(first.stderr, /"nope" is not a key[^]*\nMore may be wrong: what depends on these is checked/);
  assert.match((await run('check', '--json', 'partial.yaml')).stdout, /"isPartial": true/);
  writeFileSync(join(folder, 'partial.yaml'), file('', 'args.x =='));
  const second = await run('check', 'partial.yaml');
  assert.equal(second.code, 1);
  assert.doesNotMatch(second.stderr, /nope|More may be wrong/);
});

test('scan says where a guardrail finds what, without the value, and says so to programs as well', async () => {
  // Made here, so that no scanner of repositories takes it for a secret.
  const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  writeFileSync(join(folder, 'notes.md'), `line one\nkey: ${token}\n`);
  const found = await run('scan', 'notes.md');
  assert.equal(found.code, 1);
  assert.match(
    found.stdout,
    /^notes\.md:2:6 {2}secrets\/github-personal {2}critical, \d+ % sure {2}redact {2}[\w-]{22}$/m,
  );
  assert.doesNotMatch(found.stdout, /a1B2c3/);
  const { findings } = JSON.parse((await run('scan', 'notes.md', '--json')).stdout) as {
    findings: readonly { line: number; column: number; class: string }[];
  };
  assert.deepEqual(
    findings.map(({ line, column, class: name }) => [line, column, name]),
    [[2, 6, 'secrets/github-personal']],
  );
  const sarif = (await run('scan', 'notes.md', '--sarif')).stdout;
  assert.match(sarif, /"version": "2\.1\.0"[^]*"uri": "notes\.md"[^]*"startLine": 2/);
  writeFileSync(join(folder, 'notes.md'), 'nothing here\n');
  assert.equal((await run('scan', 'notes.md')).code, 0);
  for (const [file, why] of [
    ['absent.md', 'it does not exist'],
    ['.', 'it is a folder'],
  ] as const) {
    const refused = await run('scan', file);
    assert.deepEqual(
      [refused.code, refused.stderr],
      [2, `sallyport: ${file} cannot be read: ${why}\n    Name a file that this user may read.\n`],
    );
  }
  const stdin = openSync(folder, 'r');
  const ofFolder = spawnSync(process.execPath, [sallyport, 'scan'], { stdio: [stdin, 'pipe', 'pipe'] });
  closeSync(stdin);
  assert.equal(ofFolder.status, 2);
  assert.match(String(ofFolder.stderr), /^sallyport: stdin cannot be read: it is a folder\n/);
});

test('a key that another process makes and revokes follows within a second', () => {
  const made = runProcess('key', 'create', '--agent', 'demo', '--quiet');
  assert.equal(made.code, 0, made.stderr);
  const key = made.stdout.trimEnd();
  assert.ok(isWellFormed(key));
  const opened = openKeyRing(join(folder, 'data'));
  assert.ok(opened.ok);
  const ring = opened.value;
  const checked = ring.check(key);
  assert.ok(checked.ok && checked.key.agent === 'demo');
  const listed = runProcess('key', 'list');
  assert.ok(listed.stdout.startsWith(`${checked.key.id}  valid    agent:demo`), listed.stdout);
  assert.ok(!listed.stdout.includes(key));
  assert.equal(runProcess('key', 'revoke', checked.key.id).stdout, `${checked.key.id} is revoked\n`);
  ring.follow();
  assert.deepEqual(ring.check(key), { ok: false, reason: 'revoked' });
  ring.close();
  const misspelt = runProcess('key', 'revoke', `${checked.key.id}x`);
  assert.equal(misspelt.code, 1);
  assert.match(misspelt.stderr, /Did you mean "key_/);
});

test('keys are for callers that the configuration names', async () => {
  assert.match(
    (await run('key', 'create', '--agent', 'dema')).stderr,
    /"dema" is not declared\n {4}Did you mean "demo"\?/,
  );
  assert.equal((await run('key', 'create')).code, 2);
  assert.equal((await run('key', 'create', '--agent', 'demo', '--expires', 'soon')).code, 2);
});

test('init takes over the servers of a client and leaves its secrets behind', async () => {
  const client = `{ // of an editor
  "mcpServers": {
    "git hub": { "command": "npx", "args": ["-y", "server", "--token", "s3cret-a", "--db=postgres://u:s3cret-b@h/d"],
      "env": { "GITHUB_TOKEN": "s3cret-c", "MODE": "fast" } },
    "web": { "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer s3cret-d" } },
  }
}`;
  writeFileSync(join(folder, 'mcp.json'), client);
  const made = await run('init', '--from', 'mcp.json', '--out', 'new.yaml', '--json');
  assert.deepEqual(JSON.parse(made.stdout), {
    ok: true,
    file: 'new.yaml',
    client: 'other',
    servers: ['git-hub', 'web'],
    secrets: ['git-hub-token', 'git-hub-db', 'git-hub-github_token', 'web-authorization'],
    set: [],
    entry: { type: 'http', url: 'http://127.0.0.1:8808/mcp', headers: { Authorization: 'Bearer sp_…' } },
    notes: ['"git hub" is called "git-hub", as names appear in URLs'],
  });
  const written = readFileSync(join(folder, 'new.yaml'), 'utf8');
  assert.ok(!written.includes('s3cret') && !made.stdout.includes('s3cret'));
  assert.ok(written.includes('"MODE":"fast"') && written.includes('"Bearer ${secret:web-authorization}"'));
  assert.equal((await run('check', 'new.yaml')).code, 0);
  const again = await run('init', '--out', 'new.yaml');
  assert.equal(again.code, 1);
  assert.equal(readFileSync(join(folder, 'new.yaml'), 'utf8'), written, 'nothing is overwritten');
  assert.equal((await run('init', '--out', 'first.yaml')).code, 0);
  assert.equal((await run('check', 'first.yaml')).code, 0);
  assert.equal((await run('test', '--config', 'first.yaml')).code, 0);
});

test('wrong usage is told apart from a no, and help says what there is', async () => {
  assert.equal(runProcess('explian').code, 2);
  assert.match((await run('explian')).stderr, /Did you mean explain\?/);
  assert.equal((await run('check', '--nonsense')).code, 2);
  assert.equal((await run('--help')).code, 0);
  for (const command of ['serve', 'stdio', 'init', 'check', 'explain', 'test'])
    assert.match((await run(command, '--help')).stdout, /Example/, command);
});

test('the quickstart configuration is good and its examples hold', async () => {
  const config = join(import.meta.dirname, '..', '..', '..', 'examples', 'quickstart', 'sallyport.yaml');
  const { code, stdout } = await run('test', '--config', config);
  assert.equal(code, 0, stdout);
});

test('the network steps of a probe stop at the first one that fails', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const plain = await probeNetwork({ url: `http://127.0.0.1:${address.port}/mcp`, tls: undefined }, 2_000);
  assert.deepEqual(
    plain.map(({ step, ok }) => [step, ok]),
    [
      ['DNS', true],
      ['TCP', true],
    ],
  );
  const secure = await probeNetwork({ url: `https://127.0.0.1:${address.port}/mcp`, tls: undefined }, 2_000);
  assert.deepEqual(
    secure.map(({ step, ok }) => [step, ok]),
    [
      ['DNS', true],
      ['TCP', true],
      ['TLS', false],
    ],
  );
  await new Promise((resolve) => server.close(resolve));
  const closed = await probeNetwork({ url: `http://127.0.0.1:${address.port}/mcp`, tls: undefined }, 2_000);
  assert.deepEqual(
    closed.map(({ step, ok }) => [step, ok]),
    [
      ['DNS', true],
      ['TCP', false],
    ],
  );
});
