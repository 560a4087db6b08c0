/** `sallyport server discover`: reads what servers define, so that it can be reviewed before any client sees it. */
import { Command } from 'commander';
import { proposedRoles, type RoleProposal } from '../catalog/role-proposals.ts';
import type { Configuration } from '../config/schema/index.ts';
import { suggestion } from '../config/suggest.ts';
import { DefinitionPins, type NewDefinition } from '../pins/pins.ts';
import { pinsOf } from '../pins/settings.ts';
import { openPinStore } from '../pins/store.ts';
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ListKind } from '../protocol/methods.ts';
import { shownInLine } from '../protocol/shown.ts';
import { suspicions } from '../stages/inspect/suspicions.ts';
import { isTold } from './announce.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { identityLine } from './pins/text.ts';

interface Discovered {
  readonly server: string;
  readonly ok: boolean;
  /** Why it could not be read, whole or in part. */
  readonly problems: readonly string[];
  readonly waiting: readonly { readonly kind: string; readonly name: string; readonly novelty: string }[];
  readonly definitions: number;
  /** Roles that arguments may have. Nothing of it is in force. */
  readonly proposals: readonly RoleProposal[];
  readonly identity?: ServerIdentity;
  /** Who answered before, where that was another one. */
  readonly otherThan?: ServerIdentity;
}

export function discoverCommand(context: Context): Command {
  return new Command('discover')
    .summary('read what servers define, for review')
    .description(
      'Connects to servers, reads tools, prompts, resource templates and instructions, and remembers what is new for `sallyport pins`. Where the pins say first-use, the first contact approves. Ends with 1 when a server cannot be read.',
    )
    .argument('[names...]', 'servers (default: all)')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport server discover files && sallyport pins diff files')
    .action((names: string[], options: CommonOptions) =>
      withConfiguration(context, { ...options, load: { secrets: 'resolve', lock: 'leave' } }, async (configuration) => {
        const known = Object.keys(configuration.servers);
        const unknown = names.find((name) => !known.includes(name));
        if (unknown !== undefined) {
          const remedy = suggestion(unknown, known, 'server');
          return fail(context, options, { code: exitCodes.no, problem: `there is no server "${unknown}"`, remedy });
        }
        const found: Discovered[] = [];
        for (const name of names.length > 0 ? names : known) {
          const one = await discover(name, configuration);
          found.push(one);
          if (options.json !== true) print(context, one);
        }
        if (!isTold(context, { ...options, data: configuration.data, topic: 'pins' })) return;
        const ok = found.every((each) => each.ok);
        if (options.json === true) outJson(context, { ok, servers: found });
        if (!ok) context.exit(exitCodes.no);
      }),
    );
}

async function discover(name: string, configuration: Configuration): Promise<Discovered> {
  const { servers, bounds, egress, data } = configuration;
  const config = servers[name];
  const problems: string[] = [];
  const waiting: NewDefinition[] = [];
  if (config === undefined) return { server: name, ok: false, problems, waiting: [], definitions: 0, proposals: [] };
  const lists = new Map<ListKind, readonly JsonObject[]>();
  let instructions: string | undefined;
  let identity: ServerIdentity | undefined;
  const { probeServer } = await import('../upstreams/probe.ts');
  const steps = await probeServer(name, config, {
    bounds,
    egress: egress.allow,
    judge: (kind, items) => {
      lists.set(kind, items);
      return [];
    },
    onInstructions: (text) => {
      instructions = text;
    },
    onIdentity: (found) => {
      identity = found;
    },
  });
  // A server that declares resources and has no templates says so in many ways.
  for (const { step, ok, detail } of steps) if (!ok && step !== 'templates') problems.push(`${step}: ${detail}`);
  const store = openPinStore(data);
  try {
    const judge = new DefinitionPins({
      store,
      suspect: suspicions,
      onNew: (each) => waiting.push(each),
      onTrouble: (error) => problems.push(String(error)),
      now: Date.now,
    });
    judge.configure(() => pinsOf(configuration, name), undefined);
    const seen = identity === undefined ? undefined : store.sawIdentity(name, identity, Date.now());
    // What it was given is hidden in what the probe hands over.
    const of = { server: name, secrets: () => [] };
    let definitions = 0;
    if (lists.size === 0 && problems.length === 0) judge.met(name, { capabilities: {} });
    for (const [kind, items] of lists) {
      if (kind === 'resources') continue;
      await judge.judge(of, kind, items);
      definitions += items.length;
    }
    if (instructions !== undefined) {
      await judge.judgeInstructions(of, instructions);
      definitions += 1;
    }
    const rows = waiting.map(({ definition, novelty }) => ({ kind: definition.kind, name: definition.name, novelty }));
    return {
      server: name,
      ok: problems.length === 0,
      problems,
      waiting: rows,
      definitions,
      proposals: (lists.get('tools') ?? []).flatMap((tool) => proposedRoles(tool, config)).slice(0, maxProposals),
      ...(identity !== undefined && { identity }),
      ...(seen?.is === 'changed' && { otherThan: seen.before.identity }),
    };
  } finally {
    store.close();
  }
}

/** Proposals for one server. */
const maxProposals = 500;

function print(
  context: Context,
  { server, problems, waiting, definitions, identity, otherThan, proposals }: Discovered,
): void {
  context.out(`${server}: ${definitions} definitions, ${waiting.length} of them wait for review`);
  if (identity !== undefined) context.out(`    ${identityLine(identity)}`);
  if (otherThan !== undefined) context.out(`    another server than before: ${identityLine(otherThan)}`, 'bad');
  for (const problem of problems) context.out(`    FAILED ${shownInLine(problem)}`, 'bad');
  for (const { kind, name, novelty } of waiting) context.out(`    ${novelty}  ${kind}  ${shownInLine(name)}`);
  if (waiting.length > 0) context.out(`    sallyport pins diff ${server}`);
  if (proposals.length === 0) return;
  context.out(
    `    proposed roles of arguments, guessed from their names; fill in […] and copy what is right to servers.${server}.tools:`,
  );
  for (const [tool, own] of Map.groupBy(proposals, (each) => each.tool)) {
    const roles = own.map(({ argument, line }) => `${JSON.stringify(argument)}: ${line}`).join(', ');
    context.out(`      ${shownInLine(`${JSON.stringify(tool)}: { arguments: { ${roles} } }`)}`);
  }
}
