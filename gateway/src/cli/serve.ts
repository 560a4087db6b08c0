/** `sallyport serve`: the gateway. */
import { Command } from 'commander';
import type { LogLevel } from '../telemetry/log.ts';
import { type CommonOptions, type Context, configOption, configPath } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { logLevelOption, portOf } from './options.ts';
import { quickstartFile } from './quickstart.ts';

interface Options extends CommonOptions {
  readonly quickstart?: boolean;
  readonly port?: number;
  readonly adminPort?: number;
  readonly logLevel?: LogLevel;
}

export function serveCommand(context: Context): Command {
  return new Command('serve')
    .summary('run the gateway')
    .description(
      'Runs the gateway until SIGINT or SIGTERM. SIGHUP, or a change of its files, loads the configuration again.',
    )
    .option(...configOption)
    .option('--quickstart', 'run the quickstart configuration and print how to use it')
    .option('--port <port>', 'listen for clients here instead of listen.mcp.port; 0: any that is free', portOf)
    .option('--admin-port <port>', 'the same for health and metrics (listen.admin.port)', portOf)
    .addOption(logLevelOption())
    .option('--json', 'print where it listens as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport serve --config sallyport.yaml\n  sallyport serve --port 9808 --admin-port 9809',
    )
    .action(async ({ config, quickstart = false, json = false, ...given }: Options) => {
      const path = quickstart && config === undefined ? quickstartFile() : configPath(context, config);
      if (path === undefined) {
        context.err('sallyport: the quickstart needs a clone of the repository\n    Run `sallyport init` instead.');
        context.exit(exitCodes.usage);
        return;
      }
      const { serve } = await import('../runtime/serve.ts');
      context.exit(await serve({ config: path, quickstart, json, ...given }));
    });
}
