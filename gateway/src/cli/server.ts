/** `sallyport server list|probe`: the registered servers, and whether each can be reached, step by step. */

import { Command } from 'commander';
import { readToolReport, verdictText } from '../catalog/report.ts';
import { judgeTools } from '../catalog/tools.ts';
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import { suggestion } from '../config/suggest.ts';
import { shownInLine } from '../protocol/shown.ts';
import { readControls } from '../upstreams/controls/store.ts';
import { readCredentialReport } from '../upstreams/credentials/report.ts';
import type { Judge, ProbeStep } from '../upstreams/probe.ts';
import { type HeldBack, readServerStates, type ServerState } from '../upstreams/states.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { discoverCommand } from './discover.ts';
import { exitCodes } from './exit-codes.ts';
import { probeNetwork } from './probe.ts';
import { disconnectCommand, trustCommand } from './server-accounts.ts';
import { controlCommands, controlText } from './server-control.ts';

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

function seenLines({ state, since, problem, breakers = [] }: ServerState): readonly string[] {
  const seen =
    state === undefined || since === undefined
      ? []
      : [`${conditions[state]} since ${dateText(since)}${problem === undefined ? '' : `: ${problem}`}`];
  return [...seen, ...breakers.map(breakerText)];
}

function breakerText({ part, caller, since }: HeldBack): string {
  const of = part === undefined ? 'calls' : `calls of ${part}`;
  return `BREAKER OPEN since ${dateText(since)}: ${of}${caller === undefined ? '' : ` by ${caller}`} are held back`;
}

function dateText(ms: number): string {
  return new Date(ms).toISOString();
}

function probeCommand(context: Context): Command {
  return new Command('probe')
    .summary('try to reach servers, step by step')
    .description(
      'Tries DNS, TCP, TLS, authentication, era and lists of one server or of all, and says how long each took.',
    )
    .argument('[names...]', 'servers to probe (default: all)')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nEnds with 1 when any step fails.\n\nExample:\n  sallyport server probe projects')
    .action((names: string[], options: CommonOptions) =>
      withConfiguration(context, { ...options, load: { secrets: 'resolve' } }, async ({ servers, bounds, egress }) => {
        const known = Object.keys(servers);
        const unknown = names.find((name) => !known.includes(name));
        if (unknown !== undefined) {
          const remedy = suggestion(unknown, known, 'server');
          return fail(context, options, {
            code: exitCodes.no,
            problem: `there is no server "${unknown}"`,
            remedy: remedy,
          });
        }
        const results: { name: string; ok: boolean; steps: readonly ProbeStep[] }[] = [];
        for (const name of names.length > 0 ? names : known) {
          const server = servers[name];
          if (server === undefined) continue;
          const steps = await probe(name, server, bounds, egress.allow);
          results.push({ name, ok: steps.every(({ ok }) => ok), steps });
          if (options.json !== true) print(context, name, steps);
        }
        if (options.json === true) outJson(context, { ok: results.every(({ ok }) => ok), servers: results });
        if (results.some(({ ok }) => !ok)) context.exit(exitCodes.no);
      }),
    );
}

async function probe(
  name: string,
  server: ServerConfig,
  bounds: Bounds,
  egress: readonly string[],
): Promise<readonly ProbeStep[]> {
  const steps = 'url' in server ? await probeNetwork(server, bounds.connectTimeout) : [];
  if (steps.some(({ ok }) => !ok)) return steps;
  const { probeServer } = await import('../upstreams/probe.ts');
  const judge: Judge = (kind, items) =>
    kind === 'tools'
      ? judgeTools(items, server, bounds).map((verdict) => `tool ${verdict.tool} ${verdictText(verdict)}`)
      : [];
  return [...steps, ...(await probeServer(name, server, { bounds, egress, judge }))];
}

function print(context: Context, name: string, steps: readonly ProbeStep[]): void {
  context.out(name);
  for (const { step, ok, ms, detail, notes = [] } of steps) {
    context.out(
      `  ${ok ? 'ok    ' : 'FAILED'}  ${step.padEnd(14)}  ${ms.toFixed(1).padStart(8)} ms  ${shownInLine(detail)}`,
    );
    for (const note of notes) context.out(shownInLine(`          ${note}`));
  }
}
