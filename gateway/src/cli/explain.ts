/** `sallyport explain`: allowed or not, by which rule at which line, and what would change it. */

import { Command } from 'commander';
import { readToolReport } from '../catalog/report.ts';
import type { Revision } from '../config/revision.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Guardrail } from '../pipeline/contracts/guardrails.ts';
import type { Capability } from '../pipeline/contracts/policy.ts';
import { isObject, parseJsonText } from '../protocol/json.ts';
import { shownInLine } from '../protocol/shown.ts';
import type { CompiledPolicy } from '../stages/decide/compile.ts';
import { type Explanation, explain, type InputRequired } from '../stages/decide/explain.ts';
import { compileLimits } from '../stages/limits/rules/compile.ts';
import type { LimitRow } from '../state/limit-letters.ts';
import { readControls } from '../upstreams/controls/store.ts';
import { findCaller, findTokenCaller, hasToken, parseCaller, type TokenWords } from './callers.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  loadOrComplain,
  outJson,
} from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { asked, askGateway, rowText } from './limits.ts';
import { pinnedAs } from './pinned.ts';
import { controlText } from './server-control.ts';
import { type ShownTraits, traitsLine, traitsOfTool } from './tool-traits.ts';

interface Options extends CommonOptions, TokenWords {
  readonly caller?: string[];
  readonly server: string;
  readonly tool?: string;
  readonly resource?: string;
  readonly template?: string;
  readonly prompt?: string;
  readonly args?: string;
  readonly at?: string;
  readonly address?: string;
}

export function explainCommand(context: Context): Command {
  return new Command('explain')
    .summary('say why a call is allowed or not')
    .description('Says whether a call would be let through, by which rule at which line, and what would change that.')
    .option('--caller <kind:name...>', 'the caller, such as agent:demo; user:dana agent:demo for an agent of a user')
    .option('--issuer <name>', 'the issuer of the token (default: the only one)')
    .option('--group <group...>', 'groups that the token names')
    .option('--scope <scope...>', 'scopes of the token')
    .option('--claim <name=value...>', 'claims of the token, such as sub=dana or realm.roles=\'["admin"]\'')
    .requiredOption('--server <name>', 'the server that is called')
    .option('--tool <name>', 'original name of a tool')
    .option('--resource <uri>', 'URI of a resource')
    .option('--template <uri-template>', 'URI template of a resource')
    .option('--prompt <name>', 'original name of a prompt')
    .option('--args <json>', 'arguments of the tool or prompt')
    .option('--address <address>', 'address of the client, such as 10.0.0.7 (default: none, as over stdio)')
    .option('--at <time>', 'time of the call, such as 2026-08-01T12:00:00Z (default: now)')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Ends with 0 when the call would be let through, and with 1 when not.

Example:
  sallyport explain --caller agent:demo --server files --tool write_file --args '{"path":"notes.txt","content":"hi"}'
  sallyport explain --claim sub=dana client_id=app --group finance --server ledger --tool post`,
    )
    .action(async (options: Options) => {
      const usage = (problem: string, remedy: string) =>
        fail(context, options, { code: exitCodes.usage, problem: problem, remedy: remedy });
      const named = capabilityOf(options);
      if (named === undefined)
        return usage('name one capability', 'Give exactly one of --tool, --resource, --template and --prompt.');
      const names = options.caller === undefined ? undefined : parseCaller(options.caller);
      if (options.caller === undefined && !hasToken(options))
        return usage('no caller is named', 'Name who calls with --caller, or with --claim for the token of an issuer.');
      if (options.caller !== undefined && names === undefined)
        return usage('--caller cannot be read', 'Write user:NAME, agent:NAME or application:NAME.');
      const parsed = parseJsonText(options.args ?? '{}', { depth: 64 });
      const args = parsed.ok && isObject(parsed.value) ? parsed.value : undefined;
      if (args === undefined) return usage('--args is not a JSON object', `Write it as '{"name": "value"}'.`);
      const now = options.at === undefined ? Date.now() : Date.parse(options.at);
      if (Number.isNaN(now)) return usage('--at is not a time', 'Write it as 2026-08-01T12:00:00Z.');
      const loaded = await loadOrComplain(context, options);
      if (loaded === undefined) return;
      const { revision, policy } = loaded;
      const found =
        names === undefined || hasToken(options)
          ? findTokenCaller(revision.configuration, names, options)
          : findCaller(revision.configuration, names);
      if (!found.ok)
        return fail(context, options, { code: exitCodes.no, problem: found.problem, remedy: found.remedy });
      const { caller } = found;
      const { server } = options;
      const traits = named.type === 'tool' ? traitsOfTool(revision.configuration, server, named.name) : undefined;
      const capability: Capability =
        named.type === 'tool' && traits !== undefined ? { type: 'tool', name: named.name, traits } : named;
      const switched = readControls(revision.configuration.data, now).find((each) => each.server === server);
      const explained = explainPinned(revision, policy, {
        caller,
        server,
        capability,
        args,
        now,
        address: options.address,
        leftOut:
          capability.type === 'tool'
            ? readToolReport(revision.configuration.data, server).find(({ tool }) => tool === capability.name)
            : undefined,
      });
      const notes = [...explained.notes];
      if (switched !== undefined) notes.push(`On the running gateway ${controlText(switched)}`);
      if (options.args === undefined && explained.considered.some(({ error }) => error !== undefined))
        notes.push('No arguments were given: --args names those of the call');
      const explanation = { ...explained, notes };
      const limits = explanation.allowed
        ? await limitsOf(revision, { caller, server, capability, traits, explanation })
        : [];
      if (options.json === true)
        outJson(context, { ...explanation, ...(traits !== undefined && { tool: traits }), limits });
      else print(context, explanation, { limits, traits });
      context.exit(explanation.allowed ? exitCodes.ok : exitCodes.no);
    });
}

/** With what pins make of it: what waits for review is there only for rules that include what is new. */
function explainPinned(revision: Revision, policy: CompiledPolicy, asked: InputRequired): Explanation {
  const pinned = pinnedAs(revision, asked.server, asked.capability);
  if (pinned.state === 'open') return explain(revision, policy, asked);
  const { target } = pinned;
  const notes = asked.leftOut?.notes ?? [];
  const approve = `\`sallyport pins diff ${target}\`, then \`sallyport pins approve ${target}\``;
  if (pinned.state === 'hidden')
    return explain(revision, policy, { ...asked, leftOut: { problem: pinned.problem, change: `${approve}.`, notes } });
  const included = explain(revision, policy, { ...asked, capability: unapproved(asked.capability) });
  if (included.listed) {
    const note = `nothing has approved its definition yet; rules with includeNew show it before that`;
    return { ...included, notes: [...included.notes, note] };
  }
  const problem = 'nothing has approved its definition yet, and no rule includes what is new';
  const change = `${approve}, or includeNew on a rule.`;
  return explain(revision, policy, { ...asked, leftOut: { problem, change, notes } });
}

function unapproved(capability: Capability): Capability {
  return capability.type === 'resource' ? capability : { ...capability, isNew: true };
}

function capabilityOf({ tool, resource, template, prompt }: Partial<Options>): Capability | undefined {
  const all: Capability[] = [];
  if (tool !== undefined) all.push({ type: 'tool', name: tool });
  if (resource !== undefined) all.push({ type: 'resource', uri: resource });
  if (template !== undefined) all.push({ type: 'template', uriTemplate: template });
  if (prompt !== undefined) all.push({ type: 'prompt', name: prompt });
  return all.length === 1 ? all[0] : undefined;
}

/** As far as a running gateway counts them, with what is used. */
async function limitsOf(
  revision: Revision,
  call: {
    caller: Caller;
    server: string;
    capability: Capability;
    traits: ShownTraits | undefined;
    explanation: Explanation;
  },
): Promise<readonly ExplainedLimit[]> {
  const { caller, server, capability, traits, explanation } = call;
  const { configuration } = revision;
  const tool = capability.type === 'tool' ? capability.name : undefined;
  const tier = tool === undefined ? 'read' : (traits?.tier ?? 'write');
  const { connections } = explanation;
  const target = { server, grants: { connections }, tier, ...(tool !== undefined && { tool }) };
  const rules = compileLimits(revision).ofCall(target);
  if (rules.length === 0) return [];
  const { grants: _grants, ...named } = target;
  const rows = await askGateway(configuration.data, { caller: asked(caller), ...named, connections }, 1_500);
  return rules.flatMap((rule): readonly ExplainedLimit[] => {
    const { name, text, place } = rule;
    const named = { limit: name, is: text, ...(place !== undefined && { place }) };
    // A caller with several roles is counted for each. The gateway names the file as it was told it.
    const counted = rows?.filter((each) => each.limit === name && each.is === text) ?? [];
    return counted.length === 0 ? [named] : counted.map((row) => ({ ...row, ...named }));
  });
}

type ExplainedLimit = Pick<LimitRow, 'limit' | 'is'> & Partial<LimitRow>;

function limitText(limit: ExplainedLimit): string {
  const { used, of } = limit;
  if (used !== undefined && of !== undefined) return rowText({ key: '', isObserved: false, ...limit, used, of });
  return `${limit.limit}  (${limit.is})  ${limit.place ?? 'built in'}`;
}

function pointerText(parts: readonly string[]): string {
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function guardrailText({ name, uses }: Guardrail): string {
  const lines = Object.entries(uses).map(([detector, { action }]) => `${detector} ${action}`);
  return `${name}: ${lines.join(', ')}`;
}

function print(
  context: Context,
  { guardrails, allowed, decision, summary, considered, change, listed, notes }: Explanation,
  { limits, traits }: { readonly limits: readonly ExplainedLimit[]; readonly traits: ShownTraits | undefined },
): void {
  const effect = allowed ? (decision?.effect ?? 'allow') : decision?.effect === 'hold' ? 'hold' : 'deny';
  context.out(shownInLine(`${effect.toUpperCase()}  ${summary}`));
  if (traits !== undefined) context.out(shownInLine(`Tier: ${traitsLine(traits)}`));
  if (considered.length > 0) context.out('Considered:');
  for (const { place, text, outcome, connection, error } of considered)
    context.out(
      shownInLine(`  ${place}  ${connection}: ${text}  (${outcome}${error === undefined ? '' : `: ${error}`})`),
    );
  for (const { pointers, place } of decision?.masks ?? [])
    context.out(shownInLine(`Masks in its result: ${pointers.map(pointerText).join(', ')}  ${place}`));
  for (const direction of ['request', 'response'] as const)
    for (const { level, guardrail } of guardrails?.[direction] ?? [])
      context.out(
        shownInLine(
          `Guardrail on the ${direction}: ${guardrailText(guardrail)}  (${level})  ${guardrail.place ?? 'built in'}`,
        ),
      );
  for (const limit of limits) context.out(shownInLine(`Limit: ${limitText(limit)}`));
  for (const note of notes) context.out(shownInLine(`Note: ${note}`));
  context.out(`In lists: ${listed ? 'shown' : 'hidden'}`);
  context.out(shownInLine(`What would change it: ${change}`));
}
