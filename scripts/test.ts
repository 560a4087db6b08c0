/** Runs every test of the repository with Node's own runner: unit tests beside the code, then the black-box ones. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const files = globSync(['gateway/src/**/*.test.ts', 'gateway/test/**/*.test.ts', 'e2e/**/*.test.ts'])
  .filter((file) => !file.includes('node_modules'))
  .toSorted();
const wanted = process.argv.slice(2);
const chosen = wanted.length === 0 ? files : files.filter((file) => wanted.some((part) => file.includes(part)));
if (chosen.length === 0) {
  process.stderr.write(`no test file has ${wanted.map((part) => `"${part}"`).join(' or ')} in its path\n`);
  process.exit(2);
}
// The tests start a thousand processes of the gateway: with a cache of compiled code each takes half the CPU to start.
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled');
const run = spawnSync(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=120000', ...chosen], {
  stdio: 'inherit',
  env: { ...process.env, NODE_COMPILE_CACHE: cache },
});
process.exitCode = run.status ?? 1;
