/** Checks that span the configuration: every name that is used exists, is unique, and opens nothing by accident. */
import { BlockList, isIP } from 'node:net';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import type { Configuration } from './schema/index.ts';
import { suggestion } from './suggest.ts';

export function checkNames(configuration: Configuration, place: (path: Path) => Place): readonly Diagnostic[] {
  const complaints: Diagnostic[] = [];
  const known = knownNames(configuration);
  const must = (noun: Noun, name: string, path: Path) => {
    if (known[noun].includes(name)) return;
    const problem = noun === 'role' ? `no caller has the role "${name}"` : `there is no ${noun} "${name}"`;
    complaints.push({ code: 'CFG020', place: place(path), problem, remedy: suggestion(name, known[noun], noun) });
  };
  const parts = (caller: CallerParts, path: Path) => {
    for (const noun of ['user', 'agent', 'application'] as const)
      if (caller[noun] !== undefined) must(noun, caller[noun], [...path, noun]);
  };

  const names = new Map<string, number>();
  for (const [index, connection] of configuration.connections.entries()) {
    const path = ['connections', index];
    const before = names.get(connection.name);
    if (before === undefined) names.set(connection.name, index);
    else
      complaints.push({
        code: 'CFG021',
        place: place([...path, 'name']),
        problem: `the connection "${connection.name}" exists already`,
        remedy: 'Give each connection a name of its own; records and metrics are told apart by it.',
      });
    for (const [at, server] of connection.to.entries()) must('server', server, [...path, 'to', at]);
    for (const noun of ['user', 'agent', 'application', 'role'] as const)
      for (const [at, name] of (connection.from[noun] ?? []).entries()) must(noun, name, [...path, 'from', noun, at]);
  }
  for (const [index, example] of configuration.tests.entries()) {
    must('server', example.server, ['tests', index, 'server']);
    parts(example.caller, ['tests', index, 'caller']);
  }
  if (configuration.authentication.anonymous !== undefined) {
    const path = ['authentication', 'anonymous'];
    parts(configuration.authentication.anonymous, path);
    const { host } = configuration.listen.mcp;
    if (!isLoopback(host))
      complaints.push({
        code: 'CFG040',
        place: place(path),
        problem: `anonymous access while listening on ${host}, which other machines can reach`,
        remedy: 'Listen on 127.0.0.1 (listen.mcp.host), or remove authentication.anonymous and give out keys.',
      });
  }
  return complaints;
}

type Noun = 'user' | 'agent' | 'application' | 'role' | 'server';
interface CallerParts {
  readonly user?: string | undefined;
  readonly agent?: string | undefined;
  readonly application?: string | undefined;
}

function knownNames({ callers, servers }: Configuration): Readonly<Record<Noun, readonly string[]>> {
  const everyone = [callers.users, callers.agents, callers.applications].flatMap((kind) => Object.values(kind));
  return {
    user: Object.keys(callers.users),
    agent: Object.keys(callers.agents),
    application: Object.keys(callers.applications),
    role: [...new Set(everyone.flatMap((caller) => caller.roles))],
    server: Object.keys(servers),
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** True for an address of this machine only, and for the name `localhost`. Other names may lead anywhere. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
