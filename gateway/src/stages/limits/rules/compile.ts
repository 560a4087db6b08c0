/** From what the configuration says of limits to rules, found by what a call is. */
import type { Revision } from '../../../config/revision.ts';
import type { LimitConfig, LimitsConfig, Quota } from '../../../config/schema/limits.ts';
import type { LimitKind, LimitRule, LimitRules, LimitTarget, LimitWindow } from '../../../pipeline/contracts/limit.ts';
import { namePattern } from '../../../protocol/name-pattern.ts';
import { recommended } from './recommended.ts';

/** A rule with what it looks at. */
interface Compiled {
  readonly rule: LimitRule;
  applies(target: LimitTarget): boolean;
}

const defaultWaitMs = 5_000;
/** Costs are fractions, and sums of fractions drift. */
export const costUnit = 1_000_000;

export function compileLimits({ configuration, place }: Pick<Revision, 'configuration' | 'place'>): LimitRules {
  const ids = new Map<string, number>();
  /** `scope`: what it stands on, by name, so that its place in the file does not matter. */
  const compiled = (limits: LimitsConfig, scope: readonly string[], path: readonly (string | number)[]): Compiled[] =>
    limits.flatMap((limit, index) => {
      const ships = limit === 'recommended';
      // A server, a tool and a connection limit calls.
      const shipped = scope.length === 0 ? recommended : recommended.filter(({ of }) => of === 'calls');
      return (ships ? shipped : [limit]).map((each) => {
        const id = idOf(each, scope, ids);
        const at = ships ? {} : { place: place([...path, index]) };
        return compileOne(each, { id, scope, ...at });
      });
    });
  const gateway = compiled(configuration.limits, [], ['limits']);
  const byServer = new Map<string, Compiled[]>();
  const byTool = new Map<string, Compiled[]>();
  for (const [server, { limits, quota, tools }] of Object.entries(configuration.servers)) {
    const own = compiled(limits, [server], ['servers', server, 'limits']);
    const quotas = compiled(quota ?? [], [server, 'quota'], ['servers', server, 'quota']);
    byServer.set(server, [...own, ...quotas.map((each) => ({ ...each, rule: { ...each.rule, quotaOf: server } }))]);
    for (const [tool, { limits: own }] of Object.entries(tools))
      if (own.length > 0)
        byTool.set(`${server} ${tool}`, compiled(own, [server, tool], ['servers', server, 'tools', tool, 'limits']));
  }
  const byConnection = new Map<string, Compiled[]>();
  for (const [index, { name, limits }] of configuration.connections.entries())
    if (limits.length > 0) byConnection.set(name, compiled(limits, [name], ['connections', index, 'limits']));

  const isEmpty =
    [gateway, ...byServer.values()].every((list) => list.length === 0) && byTool.size + byConnection.size === 0;
  return {
    all: [gateway, ...byServer.values(), ...byTool.values(), ...byConnection.values()].flat().map(({ rule }) => rule),
    ofCall(target) {
      if (isEmpty) return none;
      const { server, tool, grants } = target;
      return [
        ...gateway,
        ...(byServer.get(server) ?? []),
        ...(tool === undefined ? [] : (byTool.get(`${server} ${tool}`) ?? [])),
        ...grants.connections.flatMap((name) => byConnection.get(name) ?? []),
      ]
        .filter((each) => each.rule.of === 'calls' && each.applies(target))
        .map(({ rule }) => rule);
    },
    watchesLoops(what, at) {
      const { loops, servers } = configuration;
      const config = at !== undefined && Object.hasOwn(servers, at.server) ? servers[at.server] : undefined;
      const own =
        at !== undefined && config !== undefined && Object.hasOwn(config.tools, at.tool)
          ? config.tools[at.tool]
          : undefined;
      const mode = own?.loops ?? config?.loops ?? loops;
      return mode === 'on' || (mode === 'refusals' && what === 'refusals');
    },
    of: (what) => gateway.filter(({ rule }) => rule.of === what).map(({ rule }) => rule),
  };
}

const none: readonly LimitRule[] = [];

/** What tells a limit from others of its place, without its amounts: a raised budget goes on with what it counted. */
function idOf(limit: LimitConfig, scope: readonly string[], ids: Map<string, number>): string {
  const { name, per = [], of, tools, tier, zone, direction } = limit;
  const kind = kindOf(limit);
  const text = name ?? JSON.stringify([kindWord(limit), windowText(kind), per, of, tools, tier, zone, direction]);
  const id = [...scope, text].join(' ');
  const before = ids.get(id) ?? 0;
  ids.set(id, before + 1);
  // A name that is kept for another kind of limit counts something else.
  return `${kind.is}${before === 0 ? '' : before} ${id}`;
}

function windowText(kind: LimitKind): string {
  return kind.is === 'budget' ? JSON.stringify(kind.window) : '';
}

function kindWord({ rate, calls, cost, bytes }: LimitConfig): string {
  if (rate !== undefined) return 'rate';
  if (calls !== undefined) return 'calls';
  if (cost !== undefined) return 'cost';
  return bytes === undefined ? 'concurrency' : 'bytes';
}

function compileOne(
  limit: LimitConfig,
  { id, scope, place }: { readonly id: string; readonly scope: readonly string[]; readonly place?: string },
): Compiled {
  const { per = [], tools, tier, of, mode } = limit;
  const text = textOf(limit);
  const words = per.length === 0 ? text : `${text} per ${per.join(', ')}`;
  const matchers = tools?.map(namePattern);
  return {
    rule: {
      id,
      name: limit.name ?? (scope.length === 0 ? words : `${scope.join('/')}: ${words}`),
      ...(place === undefined ? {} : { place }),
      text,
      of,
      per,
      isObserved: mode === 'observe',
      kind: kindOf(limit),
    },
    applies: ({ tool, tier: own }) =>
      (tier === undefined || tier.includes(own)) &&
      (matchers === undefined || (tool !== undefined && matchers.some((matches) => matches(tool)))) &&
      (tool !== undefined || !per.includes('tool')),
  };
}

function textOf({ rate, calls, cost, bytes, concurrency, direction }: LimitConfig): string {
  if (rate !== undefined) return rate.text;
  if (typeof calls === 'number') return `${calls} calls`;
  if (calls !== undefined) return calls.text;
  if (cost !== undefined) return `cost ${cost.text}`;
  if (bytes !== undefined) return `${bytes.text}${direction === undefined ? '' : ` of ${direction}`}`;
  return `${concurrency} at once`;
}

function kindOf(limit: LimitConfig): LimitKind {
  const { rate, burst, calls, cost, bytes, direction = 'both', zone, queue = 0, wait, warnAt } = limit;
  if (rate !== undefined)
    return {
      is: 'rate',
      everyMicros: Math.max(1, Math.round((rate.periodMs * 1_000) / rate.amount)),
      burst: burst ?? rate.amount,
      queue,
      waitMs: wait ?? defaultWaitMs,
    };
  const budget = (
    of: 'calls' | 'cost' | 'request' | 'response' | 'both',
    amount: number,
    window: LimitWindow,
  ): LimitKind => ({
    is: 'budget',
    of,
    limit: amount,
    window,
    ...(warnAt === undefined ? {} : { warnAt: Math.max(1, Math.ceil(amount * warnAt)) }),
  });
  if (typeof calls === 'number') return budget('calls', calls, { by: 'session' });
  if (calls !== undefined) return budget('calls', calls.amount, windowOf(calls, zone));
  if (cost !== undefined) return budget('cost', Math.round(cost.amount * costUnit), windowOf(cost, zone));
  if (bytes !== undefined) return budget(direction, bytes.amount, windowOf(bytes, zone));
  return { is: 'concurrency', limit: limit.concurrency ?? 1, queue, waitMs: wait ?? defaultWaitMs };
}

function windowOf({ periodMs, unit }: Quota, zone: string | undefined): LimitWindow {
  return zone !== undefined && (unit === 'day' || unit === 'month')
    ? { by: 'calendar', unit, zone }
    : { by: 'time', lengthMs: periodMs };
}
