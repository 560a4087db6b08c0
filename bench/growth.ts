/** Whether a call costs more when there is more that does not concern it: rules, callers, servers, limits. */
import type { Settings } from '../e2e/harness.ts';
import { sizes, toolName } from './catalogue.ts';
import { measure, median, type Sample } from './measure.ts';
import { toolCall } from './message.ts';
import { benchSettings, conditional, threeLimits } from './profiles.ts';
import { startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export const kinds = ['rules', 'callers', 'servers', 'limits'] as const;
export type Kind = (typeof kinds)[number];

export interface GrowthRow {
  readonly kind: Kind;
  /** Microseconds of the data-plane thread for one call. */
  readonly few: number | undefined;
  readonly many: number | undefined;
  readonly ratio: number | undefined;
  readonly errors: number;
}

const few = 10;
const many = 10_000;

export async function runGrowth(
  kind: Kind,
  upstream: Upstream,
  pace: { rounds: number; seconds: number },
): Promise<GrowthRow> {
  const url = upstream.url('calls');
  const small = await startPinned(settingsWith(kind, few, url), { keyed: true });
  await using _small = small.gateway;
  const large = await startPinned(settingsWith(kind, many, url), { keyed: true });
  await using _large = large.gateway;
  const name = toolName('strict', 'json', '0.3');
  const sample = ({ gateway, headers }: typeof small): Promise<Sample> =>
    measure({
      url: gateway.endpoint('bench'),
      pid: gateway.pid,
      request: toolCall(name, headers),
      connections: 32,
      seconds: pace.seconds,
      least: sizes['0.3'],
    });
  // Both have made as many calls before the first that counts: a younger process is less compiled.
  for (let warm = 0; warm < 2; warm += 1) {
    await sample(small);
    await sample(large);
  }
  const samples: { readonly few: Sample; readonly many: Sample }[] = [];
  for (let round = 0; round < pace.rounds; round += 1)
    samples.push({ few: await sample(small), many: await sample(large) });
  const cpu = (which: 'few' | 'many') =>
    median(samples.map((pair) => pair[which].threadPerCall).filter((value) => value !== undefined));
  const [low, high] = [cpu('few'), cpu('many')];
  return {
    kind,
    few: low,
    many: high,
    ratio: low === undefined || high === undefined ? undefined : high / low,
    errors: samples.reduce((sum, pair) => sum + pair.few.errors + pair.many.errors, 0),
  };
}

function settingsWith(kind: Kind, count: number, url: string): Settings {
  const each = Array.from({ length: count }, (_, index) => index);
  const base = benchSettings({ url, keyed: true, rules: conditional });
  const own = base['connections'] as readonly object[];
  const agents = { bench: {}, ...Object.fromEntries(each.map((index) => [`other-${index}`, {}])) };
  if (kind === 'callers') {
    const theirs = each.map((index) => ({
      name: `other ${index}`,
      from: { agent: `other-${index}` },
      to: 'bench',
      tools: [{ allow: '*' }],
    }));
    return { ...base, callers: { agents }, connections: [...theirs, ...own] };
  }
  if (kind === 'limits') {
    const others = each.map((index) => ({ per: 'caller', tools: `other_tool_${index}`, rate: '10/min' }));
    return { ...base, limits: [...threeLimits, ...others] };
  }
  if (kind === 'servers') {
    const others = Object.fromEntries(each.map((index) => [`other-${index}`, { url, era: 'modern' }]));
    return { ...base, servers: { ...others, ...(base['servers'] as object) } };
  }
  const rules = each.map((index) => ({ allow: `other_tool_${index}`, when: `args.limit <= ${index}` }));
  const more = { name: 'bench, more', from: { agent: 'bench' }, to: 'bench', tools: rules };
  return { ...base, connections: [more, ...own] };
}
