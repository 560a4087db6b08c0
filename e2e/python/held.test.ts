/** Held calls through the Python SDK: over HTTP in both eras and over stdio, told, waited for and led to a page. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { gatewayFile } from '../harness.ts';
import { startWorld, type World } from '../operators/world.ts';

/** The interpreter of an environment with the SDK, made once; or why there is none. */
function python(): { readonly ok: true; readonly path: string } | { readonly ok: false; readonly problem: string } {
  const folder = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'sallyport-python');
  const path = join(folder, 'bin', 'python');
  const steps = [
    ['python3', '-m', 'venv', folder],
    [
      path,
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      join(import.meta.dirname, 'requirements.txt'),
    ],
  ] as const;
  if (existsSync(path) && spawnSync(path, ['-c', 'import mcp'], { timeout: 30_000 }).status === 0)
    return { ok: true, path };
  for (const [command, ...args] of steps) {
    const ran = spawnSync(command, args, { encoding: 'utf8', timeout: 180_000 });
    if (ran.status !== 0)
      return { ok: false, problem: `${command} ${args.join(' ')}: ${ran.error?.message ?? ran.stderr}` };
  }
  return { ok: true, path };
}

interface Said {
  readonly version?: string;
  readonly text?: string;
  readonly isError?: boolean;
  readonly error?: string;
  readonly code?: number;
  /** Alone in its line: what it hears while it waits. */
  readonly heard?: string;
  readonly asked?: readonly string[];
}

interface PythonClient extends AsyncDisposable {
  readonly version: string;
  call(message: string, hear?: (said: string) => void): Promise<Said>;
}

async function connect(path: string, target: object): Promise<PythonClient> {
  const child: ChildProcess = spawn(path, [join(import.meta.dirname, 'client.py'), JSON.stringify(target)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  assert.ok(child.stdout !== null && child.stdin !== null);
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Said> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the client ended: ${errors}`);
    return JSON.parse(line.value) as Said;
  };
  const { version = '' } = await next();
  return {
    version,
    async call(message, hear) {
      stdin.write(`${JSON.stringify({ name: 'echo', arguments: { message } })}\n`);
      for (;;) {
        const said = await next();
        if (said.heard === undefined) return said;
        hear?.(said.heard);
      }
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

const pending = /approval (ap_[a-z0-9]+), until/;

async function approve(world: World, id: string): Promise<void> {
  const { stderr } = await world.sallyport('approval', 'approve', id);
  assert.equal(stderr, '');
}

/** Told that it waits; the same call goes through once it was approved, and is held again after that. */
async function toldAndSpent(world: World, client: PythonClient, message: string): Promise<void> {
  const first = await client.call(message);
  assert.equal(first.isError, true, JSON.stringify(first));
  const id = pending.exec(first.text ?? '')?.[1] ?? assert.fail(first.text);
  await approve(world, id);
  const made = await client.call(message);
  assert.deepEqual([made.text, made.isError], [`Echo: ${message}`, false]);
  assert.match((await client.call(message)).text ?? '', pending);
}

test('the Python SDK is told that a call waits, waits for it, and is led to the page of its user', async (t) => {
  const found = python();
  if (!found.ok) return t.skip(found.problem);
  const { path } = found;
  await using told = await startWorld({});
  for (const [mode, version] of [
    ['auto', '2026-07-28'],
    ['legacy', '2025-11-25'],
  ] as const)
    await t.test(`HTTP, ${version}: told, and spent once`, async () => {
      const headers = { Authorization: `Bearer ${told.gateway.key({ agent: 'asker' })}` };
      await using client = await connect(path, { url: told.gateway.endpoint('things'), headers, mode });
      assert.equal(client.version, version);
      await toldAndSpent(told, client, `once, ${mode}`);
    });
  await t.test('stdio: told, and spent once', async () => {
    const command = [process.execPath, gatewayFile, 'stdio', '--config', told.gateway.config, '--server', 'things'];
    const env = { SALLYPORT_API_KEY: told.gateway.key({ agent: 'asker' }) };
    await using client = await connect(path, { command, env });
    await toldAndSpent(told, client, 'once, over stdio');
  });
  await t.test('a call that waits hears of it, and goes on when it is approved', async () => {
    await using world = await startWorld({}, { approvals: { wait: '40s' } });
    const headers = { Authorization: `Bearer ${world.gateway.key({ agent: 'asker' })}` };
    await using client = await connect(path, { url: world.gateway.endpoint('things'), headers });
    const { promise: heard, resolve: hear } = Promise.withResolvers<string>();
    const calling = client.call('in a while', hear);
    assert.equal(await heard, 'waiting for the approval of a person');
    const id = /ap_[a-z0-9]+/.exec((await world.sallyport('approval', 'list')).stdout)?.[0];
    await approve(world, id ?? assert.fail('nothing waits'));
    assert.equal((await calling).text, 'Echo: in a while');
  });
  await using world = await startWorld({ by: ['requester'] });
  for (const mode of ['auto', 'legacy'] as const)
    await t.test(`${mode}: a client that opens pages leads its user to the page of the call`, async () => {
      const headers = { Authorization: `Bearer ${world.gateway.key({ user: 'dana', agent: 'asker' })}` };
      await using client = await connect(path, { url: world.gateway.endpoint('things'), headers, mode, elicits: true });
      const said = await client.call(`with a page, ${mode}`);
      if (mode === 'auto') assert.match(said.asked?.join() ?? '', /\/approve\/\S/, JSON.stringify(said));
      else assert.equal(said.code, -32_042, JSON.stringify(said));
    });
});
