/** A limit of costs counts what the tools of its scope are said to cost. Where none is, it would limit nothing. */
import { namePattern } from '../protocol/name-pattern.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';
import type { LimitsConfig } from './schema/limits.ts';

export function checkCosts(configuration: Configuration, place: (path: Path) => Place): readonly Diagnostic[] {
  const servers = Object.entries(configuration.servers);
  const costly = new Map(
    servers.map(([server, { tools }]) => {
      const names = Object.entries(tools).flatMap(([tool, { cost = 0 }]) => (cost > 0 ? tool : []));
      return [server, names] as const;
    }),
  );
  /** `tools`: those of the scope that have a cost. */
  const idle = (limits: LimitsConfig, path: Path, tools: readonly string[]): Diagnostic[] =>
    limits.flatMap((limit, index) => {
      if (limit === 'recommended' || limit.cost === undefined) return [];
      const isAbout = (tool: string): boolean => limit.tools?.some((name) => namePattern(name)(tool)) ?? true;
      if (tools.some(isAbout)) return [];
      return {
        code: 'CFG014',
        place: place([...path, index, 'cost']),
        problem: 'a limit of costs where no tool has a cost: it would limit nothing',
        remedy: 'Set servers.<name>.tools.<tool>.cost, or limit calls.',
      };
    });
  return [
    ...idle(configuration.limits, ['limits'], [...costly.values()].flat()),
    ...servers.flatMap(([server, { limits, quota = [], tools }]) => {
      const own = costly.get(server) ?? [];
      return [
        ...idle(limits, ['servers', server, 'limits'], own),
        ...idle(quota, ['servers', server, 'quota'], own),
        ...Object.entries(tools).flatMap(([tool, { limits: ofTool }]) =>
          idle(ofTool, ['servers', server, 'tools', tool, 'limits'], own.includes(tool) ? [tool] : []),
        ),
      ];
    }),
    ...configuration.connections.flatMap(({ to, limits }, index) =>
      idle(
        limits,
        ['connections', index, 'limits'],
        to.flatMap((server) => costly.get(server) ?? []),
      ),
    ),
  ];
}
