/** `sallyport init`: writes a first configuration, or takes over the servers of a client. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';
import { undo } from './clients/adopt.ts';
import { type Imported, importClient } from './clients/index.ts';
import { maxClientBytes } from './clients/syntax.ts';
import { type CommonOptions, type Context, check, fail, jsonOption, outJson, report } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { finishImport, type WayBack } from './init-client.ts';
import { emptyFile, importedFile, starterFolder } from './init-file.ts';

/** What commands look for without --config. */
const usualFile = 'sallyport.yaml';

export interface InitOptions extends CommonOptions {
  readonly from?: string;
  readonly out: string;
  readonly force?: boolean;
  readonly adopt?: boolean;
  readonly undo?: boolean;
}

export function initCommand(context: Context): Command {
  return new Command('init')
    .summary('write a first configuration')
    .description(
      `Writes a commented configuration. With --from it takes over the servers of a client: JSON with or without comments,
TOML, YAML (docs/clients.md lists them). Secrets in that file go to the secret store, and references take their place.
What was off stays off; a note says what was changed or left out.`,
    )
    .option('--from <file>', 'file of a client')
    .option('--out <file>', 'file to write', usualFile)
    .option('--adopt', 'also point the client at the gateway: its file is changed, and a backup is left beside it')
    .option('--undo', 'restore the backup of the file of the client, and do nothing else')
    .option('--force', 'overwrite the file')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Examples:
  sallyport init --from ~/.cursor/mcp.json
  sallyport init --from ~/.cursor/mcp.json --adopt
  sallyport init --from ~/.cursor/mcp.json --undo`,
    )
    .action(async (options: InitOptions) => {
      if (options.from === undefined && (options.adopt === true || options.undo === true))
        return fail(context, options, {
          code: exitCodes.usage,
          problem: '--adopt and --undo need --from',
          remedy: 'Name the file of the client.',
        });
      if (options.undo === true) return undone(context, options);
      if (options.from === undefined) return first(context, options);
      return fromClient(context, options, resolve(context.cwd, options.from));
    });
}

function undone(context: Context, options: InitOptions): void {
  const path = resolve(context.cwd, options.from ?? '');
  const done = undo(path);
  if (!done.ok) return fail(context, options, { code: exitCodes.no, problem: done.problem });
  if (options.json === true) return outJson(context, { ok: true, restored: path, aside: done.path });
  context.out(`${path} is as it was. What it was meanwhile is in ${done.path}.`);
}

async function first(context: Context, options: InitOptions): Promise<void> {
  const path = resolve(context.cwd, options.out);
  const problem = write(path, emptyFile(), options.force === true) ?? starter(path);
  if (problem !== undefined) return unwritten(context, options, problem);
  if (options.json === true)
    return outJson(context, { ok: true, file: options.out, servers: [], secrets: [], set: [], notes: [] });
  context.out(`${options.out} is written. Next:`);
  for (const step of [...setup(options.out), ...firstSteps]) context.out(`  ${step}`);
}

async function fromClient(context: Context, options: InitOptions, from: string): Promise<void> {
  const source = readRegularSync(from, maxClientBytes);
  if (!source.ok)
    return fail(context, options, { code: exitCodes.no, problem: `${options.from} cannot be read: ${source.problem}` });
  const text = source.bytes.toString('utf8');
  const result = await importClient(text, from, { env: context.env, home: homedir() });
  if (!result.ok)
    return fail(context, options, {
      code: exitCodes.no,
      problem: `nothing was taken over from ${options.from}: ${result.problem}`,
    });
  const { imported } = result;
  const path = resolve(context.cwd, options.out);
  const problem = write(path, importedFile(imported, dirname(path)), options.force === true);
  if (problem !== undefined) return unwritten(context, options, problem);
  // Its own output is judged like any other file, before the client is touched.
  const checked = await check(context, path, { secrets: 'leave' });
  if (!checked.ok) {
    if (options.json !== true) context.err(`sallyport: ${options.out} is written, and cannot be used as it is:`);
    report(context, options, checked.diagnostics);
    if (options.json !== true) tellNotes(context, imported);
    return context.exit(exitCodes.no);
  }
  const done = await finishImport({
    configuration: checked.revision.configuration,
    imported,
    client: { path: from, text },
    config: path,
    replaceSecrets: options.force === true,
    adopt: options.adopt === true,
  });
  if (options.json === true) outJson(context, summary(options, imported, done));
  else tell(context, options, imported, done);
  if (done.problem !== undefined) context.exit(exitCodes.no);
}

function summary(options: InitOptions, { kind, servers, variables, notes }: Imported, done: WayBack): object {
  return {
    ok: done.problem === undefined,
    file: options.out,
    client: kind,
    servers: servers.map(({ name }) => name),
    secrets: done.secrets,
    set: [...variables.keys()],
    notes: [...notes, ...done.notes],
    entry: done.entry,
    ...(done.backup === undefined ? {} : { adopted: true, backup: done.backup }),
    ...(done.problem === undefined ? {} : { problem: done.problem }),
  };
}

const firstSteps = [
  'sallyport check',
  'sallyport server discover && sallyport pins list --waiting    # look at what the server defines',
  'sallyport pins approve files --all                            # until then its tools are hidden',
  'sallyport key create --agent me',
  'sallyport serve',
];

/** Commands look for `sallyport.yaml`; another file is named to all of them at once. */
function setup(file: string): readonly string[] {
  return file === usualFile ? [] : [`export SALLYPORT_CONFIG='${file.replaceAll("'", "'\\''")}'`];
}

function nextText(file: string, steps: readonly string[]): string {
  return `Next: ${[...setup(file), ...steps].join(' && ')}`;
}

function tell(context: Context, options: InitOptions, imported: Imported, done: WayBack): void {
  const { servers, variables } = imported;
  context.out(`${options.out} is written, with ${servers.length} servers.`);
  if (done.secrets.length > 0)
    context.out(`Secrets that stood in ${options.from} are in the secret store now: ${done.secrets.join(', ')}`);
  if (variables.size > 0) context.out('Set these variables for the gateway; their values stand elsewhere:');
  for (const [variable, where] of variables) context.out(`  ${variable}  (${where})`);
  tellNotes(context, { notes: [...imported.notes, ...done.notes] });
  if (done.backup !== undefined) {
    context.out(`${options.from} points at the gateway now; as it was, it is in ${done.backup}.`);
    context.out(`Back again: sallyport init --from ${options.from} --undo`);
    context.out(nextText(options.out, ['sallyport check', 'sallyport serve']));
    return;
  }
  if (done.problem !== undefined) context.err(`sallyport: ${options.from} is not changed: ${done.problem}`);
  context.out(`\nTo point the client at the gateway, put this into ${options.from}, with the key in place of sp_…:\n`);
  context.out(`${done.snippet}\n`);
  context.out(nextText(options.out, ['sallyport check', 'sallyport key create --agent me', 'sallyport serve']));
}

function tellNotes(context: Context, { notes }: Pick<Imported, 'notes'>): void {
  for (const note of notes) context.out(`Note: ${note}.`);
}

function unwritten(context: Context, options: InitOptions, problem: string): void {
  const remedy = problem === 'exists' ? 'Use --out for another name, or --force to overwrite it.' : undefined;
  const text = `${options.out} ${problem === 'exists' ? 'exists' : problem}`;
  return fail(context, options, { code: exitCodes.no, problem: text, remedy: remedy });
}

/** The folder that the example server needs. */
function starter(path: string): string | undefined {
  const folder = join(dirname(path), starterFolder);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return undefined;
  } catch (error) {
    return `is written, and its folder ${folder} cannot be made: ${(error as Error).message}`;
  }
}

/** What went wrong, if anything; `exists` for a file that is not to be overwritten. */
function write(path: string, text: string, force: boolean): string | undefined {
  try {
    writeWhole(path, text, { mode: 0o644, when: force ? 'replace' : 'absent' });
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'EEXIST' ? 'exists' : `cannot be written: ${message}`;
  }
}
