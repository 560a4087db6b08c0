/** `sallyport server list|probe`: the registered servers, and whether each can be reached, step by step. */

import { Command } from 'commander';
import { readToolReport, verdictText } from '../catalog/report.ts';
import { shownInLine } from '../protocol/shown.ts';
import { readControls } from '../upstreams/controls/store.ts';
import { readCredentialReport } from '../upstreams/credentials/report.ts';
import { type HeldBack, readServerStates, type ServerHealth, type ServerState } from '../upstreams/states.ts';
import { type CommonOptions, type Context, configOption, jsonOption, outJson, withConfiguration } from './context.ts';
import { discoverCommand } from './discover.ts';
import { disconnectCommand, trustCommand } from './server-accounts.ts';
import { controlCommands, controlText } from './server-control.ts';
import { probeCommand } from './server-probe.ts';

export function serverCommand(context: Context): Command {
  const all = new Command('server')
    .summary('list, probe and switch servers, and look after the accounts that users have there')
    .description('The registered MCP servers.')
    .addCommand(listCommand(context))
    .addCommand(probeCommand(context))
    .addCommand(discoverCommand(context))
    .addCommand(disconnectCommand(context))
    .addCommand(trustCommand(context));
  for (const command of controlCommands(context)) all.addCommand(command);
  return all;
}

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list servers')
    .description('Lists the servers of the configuration with their connections.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport server list')
    .action((options: CommonOptions) =>
      withConfiguration(context, options, (configuration) => {
        const { servers, connections } = configuration;
        const reports = readCredentialReport(configuration.data);
        const states = readServerStates(configuration.data);
        const controls = new Map(readControls(configuration.data, Date.now()).map((each) => [each.server, each]));
        const rows = Object.entries(servers).map(([name, server]) => ({
          name,
          kind: 'url' in server ? 'http' : 'stdio',
          address: 'url' in server ? server.url : server.command[0],
          status: server.status,
          switched: controls.get(name),
          lastSeen: Object.hasOwn(states, name) ? states[name] : undefined,
          credentials: reports[name] ?? [],
          tools: readToolReport(configuration.data, name),
          connections: connections.filter(({ to }) => to.includes(name)).map((connection) => connection.name),
        }));
        if (options.json === true) return outJson(context, { ok: true, servers: rows });
        for (const { name, kind, address, status, switched, lastSeen, credentials, tools, connections: from } of rows) {
          const reach = from.length === 0 ? 'no connection leads there' : from.join(', ');
          context.out(shownInLine(`${name}  ${status}  ${kind}  ${address}  (${reach})`));
          if (switched !== undefined) context.out(`    ${shownInLine(controlText(switched))}`);
          for (const line of lastSeen === undefined ? [] : seenLines(lastSeen)) context.out(`    ${shownInLine(line)}`);
          for (const { credential, caller, state, expiresAt, problem } of credentials)
            context.out(
              `    ${[credential, caller, state, expiresAt === undefined ? '' : `until ${new Date(expiresAt).toISOString()}`, problem ?? ''].filter((part) => part !== '').join('  ')}`,
            );
          for (const verdict of tools) context.out(shownInLine(`    tool ${verdict.tool} ${verdictText(verdict)}`));
        }
      }),
    );
}

const conditions = { up: 'answers', down: 'CANNOT BE REACHED', refused: 'REFUSES OUR CREDENTIAL' };

function seenLines({ state, since, problem, breakers = [], health }: ServerState): readonly string[] {
  const seen =
    state === undefined || since === undefined
      ? []
      : [`${conditions[state]} since ${dateText(since)}${problem === undefined ? '' : `: ${problem}`}`];
  return [...seen, ...(health === undefined ? [] : [healthText(health)]), ...breakers.map(breakerText)];
}

function healthText({ state, since, why, certificateDays: days }: ServerHealth): string {
  const shown = state === 'healthy' || state === 'unknown' ? state : state.toUpperCase();
  const certificate = days === undefined ? '' : `, certificate for ${days} days`;
  return `health: ${shown} since ${dateText(since)}${why === undefined ? '' : `: ${why}`}${certificate}`;
}

function breakerText({ part, caller, since }: HeldBack): string {
  const of = part === undefined ? 'calls' : `calls of ${part}`;
  return `BREAKER OPEN since ${dateText(since)}: ${of}${caller === undefined ? '' : ` by ${caller}`} are held back`;
}

function dateText(ms: number): string {
  return new Date(ms).toISOString();
}
