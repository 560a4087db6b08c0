#!/usr/bin/env node
// @ts-check
// Plain JavaScript that any Node can read. An older Node hands over to the one that a clone of the repository brings
// along, and says what to install where there is none.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// A gateway takes SIGHUP for a reload; until it can, the signal must not end it.
if (process.argv[2] === 'serve' || process.argv[2] === 'stdio') process.on('SIGHUP', () => {});

const major = Number(process.versions.node.split('.')[0]);
const pinned = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));

if (major >= 24) {
  // Handed over to: ends when the process that handed over does, however that happens.
  if (process.env['SALLYPORT_HANDED_OVER'] === '1' && process.channel) {
    delete process.env['SALLYPORT_HANDED_OVER'];
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.channel.unref();
  }
  const built = new URL('../dist/cli/main.js', import.meta.url);
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const { run } = await import((existsSync(source) ? source : built).href);
  await run(process.argv.slice(2));
} else if (existsSync(pinned)) {
  // A debugger belongs to the gateway: the port that it was promised must be free for that.
  if (process.features.inspector) (await import('node:inspector')).close();
  const child = spawn(pinned, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SALLYPORT_HANDED_OVER: '1' },
  });
  // `node --watch` hears from its child which files to watch.
  child.on('message', (message) => process.send?.(message));
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP']))
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
} else {
  process.stderr.write(
    `sallyport needs Node.js 24 or newer and this is ${process.versions.node}: install Node.js 24 or newer, or run npm ci in a checkout, which brings one along.\n`,
  );
  process.exitCode = 64;
}
