/** Runs the tests of the repository with Node's own runner: unit tests beside the code, then the black-box ones. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { builtProgram } from '../gateway/scripts/built.ts';

const usage = `usage: npm test -- [options] [part of a path …]
  --unit            the tests of gateway/src and gateway/test
  --e2e             the tests of e2e, which drive whole processes
  --name <pattern>  tests whose name matches this regular expression; may be given several times
  --watch           run again what a change of a file concerns
Without --unit and --e2e: both. With parts of paths: the files whose path contains one of them.
`;

const suites = { unit: ['gateway/src/**/*.test.ts', 'gateway/test/**/*.test.ts'], e2e: ['e2e/**/*.test.ts'] };

interface Wanted {
  readonly suites: readonly (keyof typeof suites)[];
  readonly names: readonly string[];
  readonly parts: readonly string[];
  readonly watch: boolean;
}

/** What the arguments ask for, or what is wrong with them. */
function wantedBy(args: readonly string[]): Wanted | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        unit: { type: 'boolean', default: false },
        e2e: { type: 'boolean', default: false },
        name: { type: 'string', multiple: true, default: [] },
        watch: { type: 'boolean', default: false },
      },
    });
    for (const pattern of values.name) RegExp(pattern);
    const named = (['unit', 'e2e'] as const).filter((suite) => values[suite]);
    return {
      suites: named.length === 0 ? ['unit', 'e2e'] : named,
      names: values.name,
      parts: positionals,
      watch: values.watch,
    };
  } catch (error) {
    // Without the advice on arguments that begin with a dash.
    return (error as Error).message.replace(/\. To specify .*/s, '');
  }
}

function filesOf({ suites: chosen, parts }: Wanted): readonly string[] {
  return globSync(
    chosen.flatMap((suite) => suites[suite]),
    { cwd: root },
  )
    .filter((file) => !file.includes('node_modules'))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .toSorted((a, b) => Number(a.startsWith('e2e')) - Number(b.startsWith('e2e')) || (a < b ? -1 : 1));
}

function refuse(problem: string): never {
  process.stderr.write(`npm test: ${problem}\n\n${usage}`);
  process.exit(2);
}

const root = join(import.meta.dirname, '..');
const wanted = wantedBy(process.argv.slice(2));
if (typeof wanted === 'string') refuse(wanted);
const files = filesOf(wanted);
if (files.length === 0)
  refuse(
    `no test file of ${wanted.suites.join(' and ')} has ${wanted.parts.map((part) => `"${part}"`).join(' or ')} in its path`,
  );
const reporters = [
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${join(import.meta.dirname, 'matched.ts')}`,
  '--test-reporter-destination=stderr',
];
// Every file waits now and then: for the disk, for a process to start or end, for a time-out. The bound is for memory.
const concurrency = Math.min(2 * availableParallelism() + 1, 8);
const options = [
  `--test-concurrency=${concurrency}`,
  // For a busy machine: what hangs is ended all the same.
  '--test-timeout=300000',
  ...wanted.names.map((pattern) => `--test-name-pattern=${pattern}`),
  ...(wanted.names.length > 0 && !wanted.watch ? reporters : []),
  ...(wanted.watch ? ['--watch'] : []),
];
// The tests start a thousand processes of the gateway: with a cache of compiled code each takes half the CPU to start.
const cache = join(root, 'node_modules', '.cache', 'compiled');
// What whole processes are started from: the program as it is published; the sources where each change is to be seen.
const program =
  wanted.watch || !files.some((file) => file.startsWith('e2e')) ? {} : { SALLYPORT_PROGRAM: await builtProgram() };
const run = spawnSync(process.execPath, ['--test', ...options, ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, NODE_COMPILE_CACHE: cache, ...program },
});
process.exitCode = run.status ?? 1;
