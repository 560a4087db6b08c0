/**
 * `sallyport audit verify`: runs the verifier on the log of the configuration. As a process of its own, so that what
 * checks is the program that an auditor would run, and shares nothing with this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { logFolder } from '../../audit/open.ts';
import { type Context, configOption, fail, jsonOption, loadOrComplain } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption } from './open.ts';

const verifier = join(import.meta.dirname, '..', '..', '..', 'bin', 'sallyport-verify.js');

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
      'Runs sallyport-verify on the log. Somebody who does not trust this machine runs it on a copy instead.',
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
      if (!/^[a-z0-9-]{1,64}$/.test(options.log) || !existsSync(join(folder, 'checkpoint')))
        return fail(
          context,
          options,
          exitCodes.data,
          `there is no log in ${folder}`,
          'A gateway makes it when it starts; --config names the configuration whose data folder is meant.',
        );
      context.exit(await runVerifier(context, [folder, ...argumentsOf(options)]));
    });
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

async function runVerifier(context: Context, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [verifier, ...args], { cwd: context.cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let problems = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (out !== '') context.out(out.trimEnd());
  if (problems !== '') context.err(problems.trimEnd());
  return code ?? exitCodes.internal;
}
