/** `sallyport test`: runs the examples that stand in the configuration. */
import { Command } from 'commander';
import { toldTraits } from '../catalog/traits.ts';
import type { Revision } from '../config/revision.ts';
import type { Example } from '../config/schema/tests.ts';
import type { Capability } from '../pipeline/contracts/policy.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { CompiledPolicy } from '../stages/decide/compile.ts';
import { explain, nameOf } from '../stages/decide/explain.ts';
import { findCaller } from './callers.ts';
import { type CommonOptions, type Context, configOption, jsonOption, loadOrComplain, outJson } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { crossing } from './test-content.ts';

interface ExampleResult {
  readonly name: string;
  readonly place: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
  readonly because: string;
}

export function testCommand(context: Context): Command {
  return new Command('test')
    .summary('run the examples in the configuration')
    .description('Runs the examples under "tests" in the configuration: each names a call and the effect it must have.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Example, in the configuration:
  tests:
    - { caller: { agent: demo }, server: files, tool: move_file, expect: deny }`,
    )
    .action(async (options: CommonOptions) => {
      const loaded = await loadOrComplain(context, options);
      if (loaded === undefined) return;
      const { revision, policy } = loaded;
      const results: ExampleResult[] = [];
      for (const [index, example] of revision.configuration.tests.entries())
        results.push(await run(revision, policy, example, index));
      const failed = results.filter(({ ok }) => !ok).length;
      if (options.json === true) outJson(context, { ok: failed === 0, results });
      else {
        for (const { ok, name, place, expected, actual, because } of results)
          context.out(
            ok ? `ok      ${name}` : `FAILED  ${name}\n    ${place}: expected ${expected}, got ${actual}. ${because}`,
          );
        context.out(`${results.length - failed} of ${results.length} examples hold`);
      }
      if (failed > 0) context.exit(exitCodes.no);
    });
}

async function run(
  revision: Revision,
  policy: CompiledPolicy,
  example: Example,
  index: number,
): Promise<ExampleResult> {
  const capability = capabilityOf(example, revision);
  const { caller: names, server, expect } = example;
  const name = example.name ?? `${Object.values(names).join(' ')} ${server} ${nameOf(capability)}`;
  const base = { name, place: revision.place(['tests', index]), expected: expect };
  const found = findCaller(revision.configuration, names);
  if (!found.ok) return { ...base, ok: false, actual: 'no caller', because: found.problem };
  const now = example.at === undefined ? Date.now() : Date.parse(example.at);
  const args = example.args as JsonObject | undefined;
  const { decision, summary } = explain(revision, policy, { caller: found.caller, server, capability, args, now });
  // Without a connection the server does not exist, which denies as well.
  const actual = decision?.effect ?? 'deny';
  const grants = policy.grants(found.caller, server, { at: Date.now() });
  const isOpen = actual === 'allow' || actual === 'observe';
  if (grants === undefined || decision === undefined || !isOpen)
    return { ...base, ok: actual === expect, actual, because: summary };
  const crossed = await crossing({
    revision,
    policy,
    example,
    caller: found.caller,
    capability,
    grants,
    decision,
    now,
  });
  if (!crossed.ok) return { ...base, ok: expect === crossed.effect, actual: crossed.effect, because: crossed.because };
  if (actual !== expect) return { ...base, ok: false, actual, because: summary };
  const { difference } = crossed;
  if (difference === undefined) return { ...base, ok: true, actual, because: summary };
  return { ...base, ok: false, expected: difference.expected, actual: difference.actual, because: difference.what };
}

/** What a tool is stands in the configuration or is not known: examples ask no server. */
function capabilityOf({ server, tool, prompt, resource = '' }: Example, { configuration }: Revision): Capability {
  const config = Object.hasOwn(configuration.servers, server) ? configuration.servers[server] : undefined;
  if (tool !== undefined)
    return { type: 'tool', name: tool, traits: config === undefined ? {} : toldTraits(config, tool) };
  return prompt === undefined ? { type: 'resource', uri: resource } : { type: 'prompt', name: prompt };
}
