/**
 * Runs the gateway from its sources with the quickstart configuration: `npm run dev -- --inspect --watch`. Options of
 * Node go to Node, all others to `sallyport serve`.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const isForNode = (option: string): boolean => /^--(?:inspect|watch|trace-|cpu-prof|heap-prof)/.test(option);
const ofNode = args.filter(isForNode);
const ofServe = args.filter((option) => !isForNode(option));
// Another configuration than the quickstart has no use for what that prints.
const isOther = ofServe.some((option) => /^--config(?:=|$)/.test(option));

const child = spawn(
  process.execPath,
  [...ofNode, join(root, 'gateway', 'bin', 'sallyport.js'), 'serve', ...(isOther ? [] : ['--quickstart']), ...ofServe],
  { cwd: root, stdio: 'inherit' },
);
// Ctrl-C reaches the gateway as well, which ends when it has ended what is under way.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
