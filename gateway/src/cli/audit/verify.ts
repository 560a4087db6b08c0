/**
 * `sallyport audit verify`: runs the verifier on the log of the configuration. As a process of its own, so that what
 * checks is the program that an auditor would run, and shares nothing with this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { logFolder } from '../../stages/record/open.ts';
import { countWrongKeys, wrongKeysText } from '../../stages/record/search-index/wrong-keys.ts';
import { type Context, configOption, fail, jsonOption, loadOrComplain } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { verifierProgram } from '../programs.ts';
import { type LogOptions, logOption, noLog, openLogs, readLog } from './open.ts';

interface Options extends LogOptions {
  readonly key?: string;
  readonly checkpoint?: readonly string[];
  readonly witness?: readonly string[];
  readonly tsaCa?: readonly string[];
}

export function verifyCommand(context: Context): Command {
  const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  return new Command('verify')
    .summary('check the whole log with sallyport-verify')
    .description(
      'Runs sallyport-verify on the log, and checks that every key is there that was not erased. If you do not trust this machine, run sallyport-verify on a copy elsewhere instead.',
    )
    .option('--key <key>', 'the key of the log, from somewhere you trust')
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere that the log must contain; may be repeated', several)
    .option('--witness <key>', 'a witness that must have signed; may be repeated', several)
    .option('--tsa-ca <file>', 'authorities in PEM that timestamps must lead to; may be repeated', several)
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit verify --checkpoint kept.txt')
    .action(async (options: Options) => {
      const loaded = await loadOrComplain(context, options);
      if (loaded === undefined) return;
      const folder = logFolder(loaded.revision.configuration.data, options.log);
      if (!/^[a-z0-9-]{1,64}$/.test(options.log) || !existsSync(join(folder, 'checkpoint'))) {
        const { code, problem, remedy } = noLog(folder);
        return fail(context, options, { code: code, problem: problem, remedy: remedy });
      }
      const { code, out, problems } = await runVerifier(context, [folder, ...argumentsOf(options)]);
      // A log that failed verification is not read any further.
      const warning = code === 0 ? await lackOfKeys(context, options) : undefined;
      if (problems !== '') context.err(problems.trimEnd());
      if (out !== '')
        context.out(warning === undefined || options.json !== true ? out.trimEnd() : warned(out, warning));
      if (warning !== undefined) context.err(`sallyport: ${warning}`);
      context.exit(warning === undefined ? code : exitCodes.no);
    });
}

/** The verifier has no keys, so it cannot know that one is missing without an erasure, nor that one came back. */
async function lackOfKeys(context: Context, options: Options): Promise<string | undefined> {
  const logs = await openLogs(context, options);
  if (logs === undefined) return 'the keys of subjects were not looked at';
  let problem: string | undefined;
  const failure = await readLog(logs, options.log, async (log) => {
    problem = wrongKeysText(countWrongKeys(log.archive, log.index));
    if (problem === undefined) return;
    // An erasure may be under way: it destroys the key once its record is durable, which may be before it is published.
    await log.catchUp();
    problem = wrongKeysText(countWrongKeys(log.archive, log.index));
  });
  if (failure !== undefined) return `the keys of subjects cannot be looked at: ${failure.problem}`;
  return problem === undefined ? undefined : `${problem}; \`audit subjects\` lists them`;
}

function warned(out: string, warning: string): string {
  const said = JSON.parse(out) as object;
  return JSON.stringify({ ...said, ok: false, problem: warning }, undefined, 2);
}

/** Joined to their names, so that a value never reads as an option. */
function argumentsOf({ key, checkpoint = [], witness = [], tsaCa = [], json }: Options): readonly string[] {
  return [
    ...(key === undefined ? [] : [`--key=${key}`]),
    ...checkpoint.map((path) => `--checkpoint=${path}`),
    ...witness.map((each) => `--witness=${each}`),
    ...tsaCa.map((path) => `--tsa-ca=${path}`),
    ...(json === true ? ['--json'] : []),
  ];
}

interface Verified {
  readonly code: number;
  readonly out: string;
  readonly problems: string;
}

async function runVerifier(context: Context, args: readonly string[]): Promise<Verified> {
  const child = spawn(process.execPath, [verifierProgram, ...args], {
    cwd: context.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let problems = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? exitCodes.internal, out, problems };
}
