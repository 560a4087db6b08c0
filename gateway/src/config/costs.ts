/** Limits of costs that cannot work: none of the tools that they are about has a cost, or one costs more than they ever allow. */
import { namePattern } from '../protocol/name-pattern.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';
import type { LimitsConfig } from './schema/limits.ts';

/** A tool with a cost. */
interface Costly {
  readonly tool: string;
  readonly cost: number;
}

export function checkCosts(configuration: Configuration, place: (path: Path) => Place): readonly Diagnostic[] {
  const servers = Object.entries(configuration.servers);
  const costly = new Map(
    servers.map(([server, { tools }]) => {
      const named = Object.entries(tools).map(([tool, { cost = 0 }]) => ({ tool, cost }));
      return [server, named.filter(({ cost }) => cost > 0)] as const;
    }),
  );
  /** `tools`: those of the scope that have a cost. */
  const check = (limits: LimitsConfig, path: Path, tools: readonly Costly[]): Diagnostic[] =>
    limits.flatMap((limit, index) => {
      if (limit === 'recommended' || limit.cost === undefined) return [];
      const { amount } = limit.cost;
      const concerned = tools.filter(({ tool }) => limit.tools?.some((name) => namePattern(name)(tool)) ?? true);
      const at = place([...path, index, 'cost']);
      if (concerned.length === 0)
        return {
          code: 'CFG014',
          place: at,
          problem: 'a limit of costs where no tool has a cost: it would limit nothing',
          remedy: 'Set servers.<name>.tools.<tool>.cost, or limit calls.',
        };
      // Of which tier a tool is, its server says; what only observes refuses nothing.
      const dear = concerned.find(({ cost }) => cost > amount);
      if (dear === undefined || limit.tier !== undefined || limit.mode === 'observe') return [];
      return {
        code: 'CFG013',
        place: at,
        problem: `the tool ${dear.tool} costs ${dear.cost}, more than this limit ever allows: no call of it could be made`,
        remedy: `Allow at least ${dear.cost}, or deny the tool.`,
      };
    });
  return [
    ...check(configuration.limits, ['limits'], [...costly.values()].flat()),
    ...servers.flatMap(([server, { limits, quota = [], tools }]) => {
      const own = costly.get(server) ?? [];
      return [
        ...check(limits, ['servers', server, 'limits'], own),
        ...check(quota, ['servers', server, 'quota'], own),
        ...Object.entries(tools).flatMap(([tool, { limits: ofTool }]) =>
          check(
            ofTool,
            ['servers', server, 'tools', tool, 'limits'],
            own.filter((each) => each.tool === tool),
          ),
        ),
      ];
    }),
    ...configuration.connections.flatMap(({ to, limits }, index) =>
      check(
        limits,
        ['connections', index, 'limits'],
        to.flatMap((server) => costly.get(server) ?? []),
      ),
    ),
  ];
}
