/** `sallyport serve`: the gateway. */
import { Command } from 'commander';
import { type CommonOptions, type Context, configOption, configPath } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { quickstartFile } from './quickstart.ts';

interface Options extends CommonOptions {
  readonly quickstart?: boolean;
}

export function serveCommand(context: Context): Command {
  return new Command('serve')
    .summary('run the gateway')
    .description(
      'Runs the gateway until SIGINT or SIGTERM. SIGHUP, or a change of its files, loads the configuration again.',
    )
    .option(...configOption)
    .option('--quickstart', 'run the quickstart configuration and print how to use it')
    .option('--json', 'print where it listens as JSON')
    .addHelpText('after', '\nExample:\n  sallyport serve --config sallyport.yaml')
    .action(async ({ config, quickstart = false, json = false }: Options) => {
      const path = quickstart && config === undefined ? quickstartFile() : configPath(context, config);
      if (path === undefined) {
        context.err('sallyport: the quickstart needs a clone of the repository\n    Run `sallyport init` instead.');
        context.exit(exitCodes.usage);
        return;
      }
      const { serve } = await import('../main.ts');
      context.exit(await serve({ config: path, quickstart, json }));
    });
}
