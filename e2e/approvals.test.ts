/** Calls that a rule holds, through a running gateway: every kind of client, both transports, and the commands that decide. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Ended, runCommandHere } from '../gateway/test/support/command.ts';
import { clientKinds, openSession, type Session } from './clients.ts';
import { type Gateway, gatewayFile, packageFile, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const everything = packageFile('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');

interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly keys: { readonly asker: string; readonly other: string };
  approval(...args: readonly string[]): Promise<Ended>;
  /** The one that waits. */
  waiting(): Promise<string>;
}

async function startWorld(wait: string): Promise<World> {
  const gateway = await startGateway({
    approvals: { wait },
    callers: { agents: { asker: {}, other: {} } },
    servers: { things: { command: [process.execPath, everything, 'stdio'] } },
    connections: [
      {
        name: 'things',
        from: { anyone: true },
        to: 'things',
        tools: [{ allow: '*' }, { hold: 'echo', message: 'Ask dana.' }],
      },
    ],
  });
  const approval = (command = '', ...args: readonly string[]) =>
    runCommandHere('approval', command, '--config', gateway.config, ...args);
  return {
    gateway,
    keys: { asker: gateway.key('asker'), other: gateway.key('other') },
    approval,
    async waiting() {
      const end = Date.now() + patienceMs;
      for (;;) {
        const { stdout } = await approval('list', '--json');
        const id = /"id": "(ap_[a-z0-9]+)"/.exec(stdout)?.[1];
        if (id !== undefined) return id;
        assert.ok(Date.now() < end, 'nothing came to wait');
      }
    },
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

function open(
  { gateway, keys }: World,
  kind: (typeof clientKinds)[number],
  who: 'asker' | 'other' = 'asker',
): Promise<Session> {
  return openSession(kind, { url: gateway.endpoint('things'), headers: { Authorization: `Bearer ${keys[who]}` } });
}

const pending = /waits for the approval of a person.*approval (ap_[a-z0-9]+), until .* Ask dana\./;

test('a held call tells every client what to do, is made once after it was approved, and is held again', async (t) => {
  await using world = await startWorld('0s');
  for (const kind of clientKinds)
    await t.test(kind, async () => {
      await using session = await open(world, kind);
      await session.tools();
      const args = { message: `from ${kind}` };
      const held = await session.call('echo', args);
      assert.equal(held.isError, true);
      const id = pending.exec(held.text)?.[1] ?? assert.fail(held.text);
      const shown = await world.approval('show', id);
      assert.match(shown.stdout, new RegExp(`echo of things[\\s\\S]*"message": "from ${kind}"`));
      const approved = await world.approval('approve', id, '--reason', 'fine');
      assert.equal(approved.code, 0, approved.stderr);
      // Another caller, and other arguments, are another call.
      await using other = await open(world, kind, 'other');
      assert.match((await other.call('echo', args)).text, pending);
      assert.match((await session.call('echo', { message: 'another' })).text, pending);
      const made = await session.call('echo', args);
      assert.equal(made.isError, false, made.text);
      assert.match(made.text, new RegExp(`from ${kind}`));
      assert.match((await session.call('echo', args)).text, pending);
    });
  await t.test('over stdio', async () => {
    const command = [
      process.execPath,
      gatewayFile,
      'stdio',
      '--config',
      world.gateway.config,
      '--key',
      world.keys.asker,
    ] as const;
    await using session = await openSession('sdk2-auto', { command });
    const args = { message: 'over stdio' };
    const id = pending.exec((await session.call('things__echo', args)).text)?.[1] ?? assert.fail('not held');
    assert.equal((await world.approval('approve', id)).code, 0);
    assert.match((await session.call('things__echo', args)).text, /over stdio/);
  });
  await t.test('the log has who decided, and the call has the approval', async () => {
    const end = Date.now() + patienceMs;
    for (;;) {
      const { stdout } = await runCommandHere(
        'audit',
        'search',
        '--config',
        world.gateway.config,
        '--kind',
        'approval-consumed',
        '--json',
      );
      if (/"reason": "fine"/.test(stdout) && /"by": "os:/.test(stdout)) break;
      assert.ok(Date.now() < end, stdout);
    }
  });
});

test('a call that waits is made as soon as it is approved, told that it waits, or refused with the reason', async () => {
  await using world = await startWorld('30s');
  await using session = await open(world, 'sdk2-modern');
  await session.tools();
  const { promise: isTold, resolve: told } = Promise.withResolvers<number>();
  const made = session.call('echo', { message: 'wait for it' }, { onProgress: told });
  const waiting = await world.waiting();
  await isTold;
  assert.equal((await world.approval('approve', waiting)).code, 0);
  assert.match((await made).text, /wait for it/);
  const refused = session.call('echo', { message: 'no' });
  const id = await world.waiting();
  assert.equal((await world.approval('reject', id, '--reason', 'not today')).code, 0);
  assert.match((await refused).text, /rejected this call.*not today/);
  const late = await world.approval('approve', id);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /is rejected already/);
});

test('an approval survives a restart of the gateway, and one that its client gave up is withdrawn', async () => {
  await using world = await startWorld('0s');
  {
    await using session = await open(world, 'sdk1');
    await session.tools();
    assert.match((await session.call('echo', { message: 'later' })).text, pending);
  }
  assert.equal((await world.approval('approve', await world.waiting())).code, 0);
  const exited = once(world.gateway.child, 'exit');
  world.gateway.child.kill('SIGKILL');
  await exited;
  await using again = await startGateway(
    JSON.parse(await (await import('node:fs/promises')).readFile(world.gateway.config, 'utf8')) as Record<
      string,
      unknown
    >,
  );
  const headers = { Authorization: `Bearer ${world.keys.asker}` };
  await using session = await openSession('sdk1', { url: again.endpoint('things'), headers });
  await session.tools();
  assert.match((await session.call('echo', { message: 'later' })).text, /later/);
});
