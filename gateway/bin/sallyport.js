#!/usr/bin/env node
// Plain JavaScript that any Node can read: says what to install when the running Node is too old, then starts.
import { existsSync } from 'node:fs';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `sallyport needs Node.js 24 or newer and this is ${process.versions.node}: install Node.js 24, or run it with 'npx -p node@24 -p sallyport sallyport'.\n`,
  );
  process.exitCode = 64;
} else {
  const built = new URL('../dist/cli/main.js', import.meta.url);
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const { run } = await import((existsSync(source) ? source : built).href);
  await run(process.argv.slice(2));
}
