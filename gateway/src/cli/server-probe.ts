/** `sallyport server probe`: whether servers can be reached, step by step, at once or within a time. */
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { verdictText } from '../catalog/report.ts';
import { judgeTools } from '../catalog/tools.ts';
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import { suggestion } from '../config/suggest.ts';
import { shownInLine } from '../protocol/shown.ts';
import type { Judge, ProbeStep } from '../upstreams/probe.ts';
import { probeNetwork } from '../upstreams/probe-network.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { parseDuration } from './duration.ts';
import { exitCodes } from './exit-codes.ts';

interface ProbeOptions extends CommonOptions {
  readonly wait?: string;
}

interface Probed {
  readonly name: string;
  readonly ok: boolean;
  readonly steps: readonly ProbeStep[];
}

/** Between two looks at a server that is waited for, in milliseconds. */
const pauseMs = 500;

export function probeCommand(context: Context): Command {
  return new Command('probe')
    .summary('try to reach servers, step by step')
    .description(
      'Tries DNS, TCP, TLS, authentication, era and lists of one server or of all, and says how long each took.',
    )
    .argument('[names...]', 'servers to probe (default: all)')
    .option('--wait <time>', 'try again for so long, such as 30s, until every step succeeds')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nEnds with 0 when every step succeeds, with 77 when a server refuses our credential, and with 1 when any other step fails.\n\nExample:\n  sallyport server probe projects --wait 30s',
    )
    .action((names: string[], options: ProbeOptions) =>
      withConfiguration(context, { ...options, load: { secrets: 'resolve' } }, async ({ servers, bounds, egress }) => {
        const known = Object.keys(servers);
        const unknown = names.find((name) => !known.includes(name));
        if (unknown !== undefined) {
          const remedy = suggestion(unknown, known, 'server');
          return fail(context, options, { code: exitCodes.no, problem: `there is no server "${unknown}"`, remedy });
        }
        const waitMs = options.wait === undefined ? 0 : parseDuration(options.wait);
        if (waitMs === undefined)
          return fail(context, options, { code: exitCodes.usage, problem: '--wait must be a time such as 30s or 5m' });
        const until = performance.now() + waitMs;
        const results: Probed[] = [];
        for (const name of names.length > 0 ? names : known) {
          const server = servers[name];
          if (server === undefined) continue;
          const look = () => probe(name, server, bounds, egress.allow);
          const probed = await probedBy(name, look, until);
          results.push(probed);
          if (options.json !== true) print(context, probed);
        }
        if (options.json === true) outJson(context, { ok: results.every(({ ok }) => ok), servers: results });
        const code = codeOf(results);
        if (code !== exitCodes.ok) context.exit(code);
      }),
    );
}

/** `until`: on the monotonic clock. It is tried at least once. */
async function probedBy(name: string, look: () => Promise<readonly ProbeStep[]>, until: number): Promise<Probed> {
  for (;;) {
    const steps = await look();
    const ok = steps.every((step) => step.ok);
    if (ok || performance.now() + pauseMs > until) return { name, ok, steps };
    await pause(pauseMs);
  }
}

/** A credential is to be seen to by a person, whatever else there is. */
function codeOf(results: readonly Probed[]): number {
  if (results.some(({ steps }) => steps.some(({ state }) => state === 'unauthorised'))) return exitCodes.unauthorised;
  return results.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.no;
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

function print(context: Context, { name, steps }: Probed): void {
  context.out(name);
  for (const { step, ok, ms, detail, notes = [] } of steps) {
    context.out(
      `  ${ok ? 'ok    ' : 'FAILED'}  ${step.padEnd(14)}  ${ms.toFixed(1).padStart(8)} ms  ${shownInLine(detail)}`,
    );
    for (const note of notes) context.out(shownInLine(`          ${note}`));
  }
}
