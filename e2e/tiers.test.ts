/** Tiers and tags through a running gateway: lists, calls, records and commands say the same, over HTTP and stdio. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { clientKinds, openSession, type Session, type Target } from './clients.ts';
import { type Gateway, gatewayFile, packageFile, startGateway } from './harness.ts';

const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');
const changing = join(import.meta.dirname, 'fixtures', 'changing', 'stdio.ts');

const schema = { type: 'object' };
const tools = [
  { name: 'get_note', description: 'Gets a note', inputSchema: schema },
  { name: 'delete_note', description: 'Deletes a note', inputSchema: schema },
  // Annotations of a third party do not make it safe.
  { name: 'purge', description: '', inputSchema: schema, annotations: { readOnlyHint: true, destructiveHint: false } },
  { name: 'run_command', description: 'Runs it', inputSchema: { type: 'object', properties: { command: {} } } },
  { name: 'frobnicate', description: '', inputSchema: schema },
];
const destructive = ['delete_note', 'purge', 'run_command'];

const rules: Readonly<Record<string, readonly object[]>> = {
  reader: [{ allow: { tier: 'read' } }],
  careful: [{ allow: '*' }, { deny: { tag: 'execution' } }],
  held: [{ allow: '*' }, { hold: { tier: 'destructive' } }],
  conditional: [{ allow: '*', when: 'tool.tier in ["read", "write"]' }],
  named: [{ allow: [{ tier: 'read' }, 'delete_*'] }],
};
/** What each of them is shown, and what of it is called without a person. */
const expected: Readonly<Record<string, readonly [listed: readonly string[], called: readonly string[]]>> = {
  reader: [['get_note'], ['get_note']],
  careful: [
    ['delete_note', 'frobnicate', 'get_note', 'purge'],
    ['delete_note', 'frobnicate', 'get_note', 'purge'],
  ],
  held: [
    ['delete_note', 'frobnicate', 'get_note', 'purge', 'run_command'],
    ['frobnicate', 'get_note'],
  ],
  conditional: [
    ['frobnicate', 'get_note'],
    ['frobnicate', 'get_note'],
  ],
  named: [
    ['delete_note', 'get_note'],
    ['delete_note', 'get_note'],
  ],
};

/** A gateway is started for each of them. */
const overStdio = new Set(['reader', 'held']);

interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly folder: string;
}

async function startWorld(): Promise<World> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tiers-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'defined.json');
  await writeFile(file, JSON.stringify({ tools }));
  const shared = join(folder, 'shared');
  await mkdir(shared);
  await writeFile(join(shared, 'note.txt'), 'a note in a file');
  const gateway = resources.use(
    await startGateway({
      // What is held comes back at once: there is no person here to decide.
      approvals: { wait: '50ms' },
      // What was seen is kept, and commands read it there.
      pins: { mode: 'first-use' },
      callers: { agents: Object.fromEntries([...Object.keys(rules), 'files'].map((name) => [name, {}])) },
      servers: {
        notes: { command: [process.execPath, changing, file] },
        files: { command: [process.execPath, filesystem, shared] },
      },
      connections: [
        ...Object.entries(rules).map(([agent, own]) => ({ name: agent, from: { agent }, to: 'notes', tools: own })),
        { name: 'files', from: { agent: 'files' }, to: 'files', tools: [{ allow: { tier: 'read' } }] },
      ],
      tests: [
        { caller: { agent: 'reader' }, server: 'notes', tool: 'get_note', expect: 'deny' },
        { caller: { agent: 'held' }, server: 'notes', tool: 'get_note', expect: 'hold' },
      ],
    }),
  );
  const kept = resources.move();
  return { gateway, folder, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world[Symbol.asyncDispose]());

async function called(session: Session, names: readonly string[]): Promise<readonly string[]> {
  const done: string[] = [];
  for (const name of names) {
    const outcome = await session.call(name, {}).catch(() => undefined);
    if (outcome?.isError === false && outcome.text.startsWith('called')) done.push(name);
  }
  return done.toSorted();
}

function targetsOf({ gateway }: World, agent: string): readonly (readonly [string, Target])[] {
  const key = gateway.key(agent);
  const headers = { Authorization: `Bearer ${key}` };
  return [
    ['HTTP, one server', { url: gateway.endpoint('notes'), headers }],
    ['stdio', { command: [process.execPath, gatewayFile, 'stdio', '--config', gateway.config, '--key', key] }],
  ];
}

test('rules by tier and tag: lists and calls agree, over HTTP and stdio, in both eras', async (t) => {
  for (const agent of Object.keys(rules))
    for (const [where, target] of targetsOf(world, agent)) {
      if (where === 'stdio' && !overStdio.has(agent)) continue;
      await t.test(`${agent}, ${where}`, async () => {
        const [listed, made] = expected[agent] ?? assert.fail();
        for (const kind of where === 'stdio' ? (['sdk2-auto'] as const) : clientKinds) {
          await using session = await openSession(kind, target);
          const names = (await session.tools()).map((name) => name.replace(/^notes__?/, '')).toSorted();
          assert.deepEqual(names, listed, kind);
          const alias =
            where === 'stdio' ? ((await session.tools())[0]?.replace(/get_note|delete_note|frobnicate/, '') ?? '') : '';
          const done = await called(
            session,
            tools.map(({ name }) => alias + name),
          );
          assert.deepEqual(
            done.map((name) => name.slice(alias.length)),
            made,
            kind,
          );
        }
      });
    }
  await t.test('the record of a call has the tier, and the tags', async () => {
    const recorded = async (capability: string): Promise<string> => {
      const args = ['audit', 'search', '--config', world.gateway.config, '--capability', capability, '--json'];
      return (await runCommandHere(...args)).stdout;
    };
    assert.match(await recorded('get_note'), /"tier": "read"/);
    const running = await recorded('run_command');
    assert.match(running, /"tier": "destructive"/);
    assert.match(running, /"tags": \[\s*"execution"\s*\]/);
  });
  await t.test('explain agrees with the gateway, and says why', async () => {
    for (const agent of ['reader', 'held'])
      for (const { name } of tools) {
        const [, made] = expected[agent] ?? assert.fail();
        const asked = ['--caller', `agent:${agent}`, '--server', 'notes', '--tool', name];
        const { stdout, code } = await runCommandHere('explain', '--config', world.gateway.config, ...asked);
        assert.equal(code === 0, made.includes(name), `${agent} ${name}: ${stdout}`);
        assert.match(stdout, destructive.includes(name) ? /^Tier: destructive/m : /^Tier: (?:read|write)/m);
      }
  });
  await t.test('pins show has the tier', async () => {
    const { stdout } = await runCommandHere('pins', 'show', '--config', world.gateway.config, 'notes/run_command');
    assert.match(stdout, /tier destructive, execution: it runs what the caller writes/);
  });
  await t.test('examples know the configuration alone: what is not known is not opened, and is held', async () => {
    const { stdout, code } = await runCommandHere('test', '--config', world.gateway.config);
    assert.equal(code, 0, stdout);
  });
});

test('an agent that may only read can neither write, edit nor move files of a real server', async () => {
  const headers = { Authorization: `Bearer ${world.gateway.key('files')}` };
  await using session = await openSession('sdk2-auto', { url: world.gateway.endpoint('files'), headers });
  const listed = await session.tools();
  assert.ok(listed.includes('read_text_file') && listed.includes('list_directory'));
  const path = join(world.folder, 'shared', 'note.txt');
  assert.match((await session.call('read_text_file', { path })).text, /a note in a file/);
  for (const [name, args] of [
    ['write_file', { path, content: 'gone' }],
    ['edit_file', { path, edits: [{ oldText: 'a note', newText: 'gone' }] }],
    ['move_file', { source: path, destination: `${path}.old` }],
    ['create_directory', { path: `${path}.d` }],
  ] as const) {
    assert.ok(!listed.includes(name), name);
    const outcome = await session.call(name, args).catch(() => undefined);
    assert.notEqual(outcome?.isError, false, name);
  }
  assert.equal(await readFile(path, 'utf8'), 'a note in a file');
});
