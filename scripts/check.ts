/** Types, lint, format, import directions and generated files, at the same time. Exit code 1 when any of them complains. */
import { spawn } from 'node:child_process';

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  [
    'lint',
    'oxlint',
    '--type-aware',
    '--quiet',
    'gateway/bin',
    'gateway/src',
    'gateway/test',
    'gateway/scripts',
    'e2e',
    'bench',
    'scripts',
  ],
  ['format', 'biome', 'check', '--error-on-warnings', '.'],
  ['imports', process.execPath, '--test', '--test-reporter=dot', 'gateway/test/architecture.test.ts'],
  ['generated', process.execPath, 'gateway/scripts/generate.ts', '--check'],
];

const results = await Promise.all(
  checks.map(
    ([name, command, ...args]) =>
      new Promise<boolean>((resolve) => {
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.on('error', (error) => {
          process.stderr.write(`${name}: ${error.message}\n`);
          resolve(false);
        });
        child.on('close', (code) => {
          process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}\n`);
          if (code !== 0) process.stdout.write(output);
          resolve(code === 0);
        });
      }),
  ),
);
process.exitCode = results.every(Boolean) ? 0 : 1;
