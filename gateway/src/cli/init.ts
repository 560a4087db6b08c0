/** `sallyport init`: writes a first configuration, or takes over the servers of a client. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { writeWhole } from '../stores/whole-file.ts';
import { importClientConfig } from './client-config.ts';
import { type CommonOptions, type Context, fail, jsonOption, outJson } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { emptyFile, importedFile, starterFolder } from './init-file.ts';

interface Options extends CommonOptions {
  readonly from?: string;
  readonly out: string;
  readonly force?: boolean;
}

export function initCommand(context: Context): Command {
  return new Command('init')
    .summary('write a first configuration')
    .description(
      `Writes a commented configuration. With --from it takes over the servers of a client's JSON file (mcpServers,
servers or context_servers; comments allowed) and puts references in place of the secrets in it.`,
    )
    .option('--from <file>', 'JSON file of a client')
    .option('--out <file>', 'file to write', 'sallyport.yaml')
    .option('--force', 'overwrite the file')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport init --from ~/.cursor/mcp.json')
    .action((options: Options) => {
      const source = options.from === undefined ? undefined : read(resolve(context.cwd, options.from));
      if (source instanceof Error)
        return fail(context, options, exitCodes.no, `${options.from} cannot be read: ${source.message}`);
      const result = source === undefined ? undefined : importClientConfig(source);
      if (result?.ok === false)
        return fail(context, options, exitCodes.no, `nothing was taken over from ${options.from}: ${result.problem}`);
      const text = result === undefined ? emptyFile() : importedFile(result.imported);
      const path = resolve(context.cwd, options.out);
      const problem = write(path, text, options.force === true) ?? (source === undefined ? starter(path) : undefined);
      if (problem !== undefined) {
        const remedy = problem === 'exists' ? 'Use --out for another name, or --force to overwrite it.' : undefined;
        return fail(
          context,
          options,
          exitCodes.no,
          `${options.out} ${problem === 'exists' ? 'exists' : problem}`,
          remedy,
        );
      }
      const { servers = [], secrets = new Map<string, string>(), notes = [] } = result?.imported ?? {};
      if (options.json === true) {
        const names = servers.map(({ name }) => name);
        return outJson(context, { ok: true, file: options.out, servers: names, set: [...secrets.keys()], notes });
      }
      context.out(`${options.out} is written${servers.length > 0 ? `, with ${servers.length} servers` : ''}.`);
      if (secrets.size > 0) context.out('Set these variables; their values were not taken over:');
      for (const [variable, where] of secrets) context.out(`  ${variable}  (${where})`);
      for (const note of notes) context.out(`Note: ${note}.`);
      context.out('Next: sallyport check && sallyport key create --agent me && sallyport serve');
    });
}

function read(path: string): string | Error {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return error as Error;
  }
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
