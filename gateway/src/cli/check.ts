/** `sallyport check`: everything that is wrong with a configuration, with places and remedies. */
import { Command } from 'commander';
import {
  type Checked,
  type CommonOptions,
  type Context,
  check,
  configOption,
  configPath,
  jsonOption,
  outJson,
  report,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';

interface Options extends CommonOptions {
  readonly secrets: boolean;
}

export function checkCommand(context: Context): Command {
  return new Command('check')
    .summary('check a configuration')
    .description(
      `Checks a configuration completely without starting anything: YAML, keys, values, names, references to secrets,
conditions and patterns. Several files are checked each for itself; a folder is one configuration.`,
    )
    .argument('[files...]', 'configurations to check, instead of --config')
    .option(...configOption)
    .option('--no-secrets', 'do not resolve references to secrets (for machines that do not have them)')
    .option(...jsonOption)
    .addHelpText('after', '\nExamples:\n  sallyport check\n  sallyport check --no-secrets deploy/*.yaml')
    .action(async (files: string[], options: Options) => {
      const paths = files.length > 0 ? files : [configPath(context, options.config)];
      const results: (Checked & { readonly path: string })[] = [];
      for (const path of paths)
        results.push({ path, ...(await check(context, path, { secrets: options.secrets ? 'resolve' : 'leave' })) });
      printResults(context, options, results);
      if (results.some(({ ok }) => !ok)) context.exit(exitCodes.no);
    });
}

const more = 'More may be wrong: what depends on these is checked once they are right.';

function printResults(
  context: Context,
  options: Options,
  results: readonly (Checked & { readonly path: string })[],
): void {
  if (options.json === true) {
    const plain = results.map((result) =>
      result.ok
        ? { path: result.path, ok: true, revision: result.revision.digest }
        : { path: result.path, ok: false, diagnostics: result.diagnostics, isPartial: result.isPartial ?? false },
    );
    outJson(context, { ok: plain.every(({ ok }) => ok), results: plain });
    return;
  }
  for (const result of results) {
    if (!result.ok) report(context, options, result.diagnostics);
    else {
      const { servers, connections, tests } = result.revision.configuration;
      const counts = `servers: ${Object.keys(servers).length}, connections: ${connections.length}, tests: ${tests.length}`;
      context.out(`${result.path}: valid (${counts}; revision ${result.revision.digest.slice(0, 12)})`);
    }
  }
  if (results.some((result) => !result.ok && result.isPartial)) context.err(more);
}
