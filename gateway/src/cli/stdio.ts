/** `sallyport stdio`: the gateway as a local server, for clients that only start commands. */
import { Command } from 'commander';
import type { LogLevel } from '../telemetry/log.ts';
import { type CommonOptions, type Context, configOption, configPath } from './context.ts';
import { logLevelOption } from './options.ts';
import { gatewayProgram } from './programs.ts';

interface Options extends CommonOptions {
  readonly key?: string;
  readonly server?: string;
  readonly logLevel?: LogLevel;
}

export function stdioCommand(context: Context): Command {
  return new Command('stdio')
    .summary('run the gateway for one client over standard input and output')
    .description(
      `Runs the gateway for one client that starts it as a command. The client proves who it is by an API key in the
environment variable SALLYPORT_API_KEY, or with --key, which other users of the machine can see.`,
    )
    .option(...configOption)
    .option('--server <name>', 'offer one server only, with the original names of its tools')
    .option('--key <key>', 'API key (better: SALLYPORT_API_KEY in the environment)')
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `
Example, in the configuration of a client:
  { "mcpServers": { "sallyport": { "command": "node", "args": ["${gatewayProgram}", "stdio", "--config", "/path/sallyport.yaml"],
    "env": { "SALLYPORT_API_KEY": "sp_…" } } } }`,
    )
    .action(async ({ config, server, key = context.env['SALLYPORT_API_KEY'], logLevel }: Options) => {
      const { stdio } = await import('../runtime/stdio.ts');
      const path = configPath(context, config);
      context.exit(
        await stdio({ config: path, ...(key && { key }), ...(server && { server }), ...(logLevel && { logLevel }) }),
      );
    });
}
