/** The command line: one command is parsed, run, and answered by an exit code. */
import { createInterface } from 'node:readline/promises';
import { Command, CommanderError } from 'commander';
import { version } from '../protocol/product.ts';
import { shown } from '../protocol/shown.ts';
import { commandsFor } from './commands.ts';
import { type Context, fail, OutputClosed, type Tone } from './context.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import { asTyped } from './invocation.ts';

/** The whole command line, or of its commands the one of this name. */
export async function program(context: Context, name?: string): Promise<Command> {
  const root = new Command('sallyport')
    .description('A security gateway for the Model Context Protocol.')
    .version(version, '-v, --version')
    .showHelpAfterError('Try --help.')
    .addHelpText(
      'after',
      `
The configuration is --config, else $SALLYPORT_CONFIG, else sallyport.yaml or the folder sallyport.d here.
${exitCodeHelp}

Examples:
  sallyport init && sallyport check && sallyport serve
  sallyport key create --agent demo --quiet
  sallyport explain --caller agent:demo --server files --tool read_text_file`,
    );
  for (const command of await commandsFor(name, context)) root.addCommand(command);
  prepare(root, context);
  return root;
}

/** Every command writes through the context and throws instead of ending the process. */
function prepare(command: Command, context: Context): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => context.out(text.trimEnd()),
    writeErr: (text) => context.err(text.trimEnd()),
  });
  for (const each of command.commands) prepare(each, context);
}

/** Runs one command and sets the exit code of the process. Never rejects. */
export async function run(argv: readonly string[]): Promise<void> {
  const exitCode = await runIn(argv, {
    env: process.env,
    cwd: process.cwd(),
    out: writerTo(process.stdout),
    err: report,
    terminal: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    ...(process.stdin.isTTY ? { confirm: askPerson } : {}),
  });
  // The output may have failed meanwhile.
  process.exitCode = exitCode || process.exitCode || exitCodes.ok;
}

/** Runs one command with these surroundings and returns its exit code. Never rejects. */
export async function runIn(argv: readonly string[], surroundings: Omit<Context, 'exit'>): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const context: Context = {
    ...surroundings,
    exit: (code) => {
      exitCode = code;
    },
  };
  try {
    await (await program(context, argv[0])).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof OutputClosed) return exitCode;
    // Only here, as it takes long to load.
    const { isUnwritable } = await import('../stores/sqlite/driver.ts');
    if (isUnwritable(error)) {
      const problem = `the data folder cannot be written: ${(error as Error).message}`;
      const remedy = 'Make room, or mend the disk, and try again.';
      fail(context, { json: argv.includes('--json') }, { code: exitCodes.data, problem, remedy });
      return exitCode;
    }
    context.err(`sallyport: this is a bug, please report it: ${(error as Error).stack ?? String(error)}`);
    return exitCodes.internal;
  }
  return exitCode;
}

async function askPerson(question: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await asking.question(`${shown(question)} [y/N] `)).trim());
  } finally {
    asking.close();
  }
}

function report(text: string): void {
  process.stderr.write(`${shown(asTyped(text))}\n`);
}

const colours: Readonly<Record<Tone, string>> = { good: '\u001B[32m', bad: '\u001B[31m' };

/** A reader may close the output early, as `head` does: that is no bug, and the rest need not be made. */
function writerTo(stream: NodeJS.WriteStream): (text: string, tone?: Tone) => void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    report(`sallyport: the output cannot be written: ${error.message}`);
    process.exitCode = exitCodes.data;
  });
  return (text, tone) => {
    // Known at once on a pipe, before the event.
    if (stream.errored !== null) throw new OutputClosed();
    const safe = shown(asTyped(text));
    // Colours are ours: what others wrote has been made harmless before.
    const isPlain = tone === undefined || !stream.isTTY || process.env['NO_COLOR'] !== undefined;
    stream.write(isPlain ? `${safe}\n` : `${colours[tone]}${safe}\u001B[39m\n`);
  };
}
