/** A limit of costs counts what the tools of its scope are said to cost. Where none is, it would limit nothing. */
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';
import type { LimitsConfig } from './schema/limits.ts';

export function checkCosts(configuration: Configuration, place: (path: Path) => Place): readonly Diagnostic[] {
  const servers = Object.entries(configuration.servers);
  const costly = new Set(servers.filter(([, { tools }]) => Object.values(tools).some(costs)).map(([server]) => server));
  const without = (limits: LimitsConfig, path: Path): Diagnostic[] =>
    limits.flatMap((limit, index) =>
      limit === 'recommended' || limit.cost === undefined
        ? []
        : {
            code: 'CFG014',
            place: place([...path, index, 'cost']),
            problem: 'a limit of costs where no tool has a cost: it would limit nothing',
            remedy: 'Set servers.<name>.tools.<tool>.cost, or limit calls.',
          },
    );
  return [
    ...(costly.size > 0 ? [] : without(configuration.limits, ['limits'])),
    ...servers.flatMap(([server, { limits, quota = [], tools }]) => [
      ...(costly.has(server)
        ? []
        : [...without(limits, ['servers', server, 'limits']), ...without(quota, ['servers', server, 'quota'])]),
      ...Object.entries(tools).flatMap(([tool, own]) =>
        costs(own) ? [] : without(own.limits, ['servers', server, 'tools', tool, 'limits']),
      ),
    ]),
    ...configuration.connections.flatMap(({ to, limits }, index) =>
      to.some((server) => costly.has(server)) ? [] : without(limits, ['connections', index, 'limits']),
    ),
  ];
}

function costs({ cost = 0 }: { readonly cost?: number | undefined }): boolean {
  return cost > 0;
}
