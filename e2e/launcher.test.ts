/** `gateway/bin/sallyport.js` on an older Node: the pinned Node that it hands over to gets every option of Node. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sourceFile } from './harness.ts';
import { freePort, patienceMs, startAnnounced } from './process.ts';

const devFile = join(import.meta.dirname, '..', 'scripts', 'dev.ts');

/** This Node as an older one, until it has handed over; what takes over loads a file of its own. */
const disguise = `
if (process.env.SALLYPORT_HANDED_OVER === '1') require('./taken-over.cjs');
else Object.defineProperty(process.versions, 'node', { value: '20.11.0' });
`;

interface World {
  readonly config: string;
  readonly disguise: string;
  /** Loaded by the process that took over and by no other. */
  readonly takenOver: string;
}

function worldOf(context: TestContext): World {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-launcher-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  const listen = { mcp: { port: 0 }, admin: { port: 0 } };
  writeFileSync(config, JSON.stringify({ version: 1, data: join(folder, 'data'), listen }));
  writeFileSync(join(folder, 'disguise.cjs'), disguise);
  writeFileSync(join(folder, 'taken-over.cjs'), '');
  return { config, disguise: join(folder, 'disguise.cjs'), takenOver: join(folder, 'taken-over.cjs') };
}

function listening(line: unknown): string | undefined {
  return (line as { mcp?: string } | undefined)?.mcp;
}

/** What a debugger at this port is told. */
async function evaluateAt(port: number, expression: string): Promise<unknown> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as [
    { webSocketDebuggerUrl: string },
  ];
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  await once(socket, 'open');
  const params = { expression, returnByValue: true };
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params }));
  const [{ data }] = (await once(socket, 'message')) as [{ readonly data: string }];
  socket.close();
  return (JSON.parse(data) as { result: { result: { value: unknown } } }).result.result.value;
}

test('the gateway that was handed over to has the options of Node, and the debugger at the port of --inspect', async (context) => {
  const { config, disguise: hook } = worldOf(context);
  const port = await freePort();
  const options = ['--require', hook, `--inspect=127.0.0.1:${port}`, '--stack-trace-limit=23'];
  await using gateway = await startAnnounced(
    { command: [process.execPath, ...options, sourceFile, 'serve', '--config', config, '--json'] },
    listening,
  );
  assert.deepEqual(await evaluateAt(port, '({ parent: process.ppid, options: process.execArgv })'), {
    parent: gateway.pid,
    options,
  });
});

test('an older Node that is installed here debugs the gateway as well', async (context) => {
  const older = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((each) => join(each, 'node'))
    .filter((each) => existsSync(each) && !/node_modules/.test(each))
    .find((each) => /^v(?:18|2[0-3])\./.test(spawnSync(each, ['--version'], { encoding: 'utf8' }).stdout));
  if (older === undefined) return context.skip('no older Node is installed here');
  const { config } = worldOf(context);
  const port = await freePort();
  await using gateway = await startAnnounced(
    { command: [older, `--inspect=127.0.0.1:${port}`, sourceFile, 'serve', '--config', config, '--json'] },
    listening,
  );
  const said = await evaluateAt(port, '({ parent: process.ppid, major: parseInt(process.versions.node) })');
  assert.deepEqual(said, { parent: gateway.pid, major: 24 });
});

test('node --watch starts the gateway again when a file changes that only the gateway has loaded', async (context) => {
  const { config, disguise: hook, takenOver } = worldOf(context);
  await using gateway = await startAnnounced(
    { command: [process.execPath, '--watch', '--require', hook, sourceFile, 'serve', '--config', config, '--json'] },
    listening,
  );
  assert.ok(gateway.child.stdout !== null);
  const signal = AbortSignal.timeout(patienceMs);
  writeFileSync(takenOver, '// changed\n');
  let said = '';
  while (!said.includes('"listening"')) said += String(await once(gateway.child.stdout, 'data', { signal }));
  assert.doesNotMatch(said, new RegExp(gateway.said));
});

test('npm run dev: options of Node are for Node, and all others for serve', async (context) => {
  const { config } = worldOf(context);
  const port = await freePort();
  await using dev = await startAnnounced(
    { command: [process.execPath, devFile, '--json', `--inspect=127.0.0.1:${port}`, '--config', config] },
    listening,
  );
  assert.equal(await evaluateAt(port, 'process.ppid'), dev.pid);
});
