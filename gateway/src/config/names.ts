/** Checks that span the configuration: every name that is used exists, is unique, and opens nothing by accident. */
import { BlockList, isIP } from 'node:net';
import type { AuthenticatorDefinition } from '../stages/authenticate/contract.ts';
import { authenticators } from '../stages/authenticate/list.ts';
import { credentialKinds } from '../upstreams/credentials/kinds.ts';
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import { callCredentials, chosenKind, standbyOf } from './schema/credentials.ts';
import type { Configuration } from './schema/index.ts';
import { suggestion } from './suggest.ts';

export function checkNames(configuration: Configuration, place: (path: Path) => Place): readonly Diagnostic[] {
  const complaints: Diagnostic[] = [];
  const known = knownNames(configuration);
  let compared = 0;
  // Each comparison looks at every name there is; past some names the list itself is what is wrong.
  const remedyFor = (name: string, noun: Noun): string => {
    compared += known[noun].size;
    return compared > maxCompared ? `Name a ${noun} that there is.` : suggestion(name, [...known[noun]], noun);
  };
  const must = (noun: Noun, name: string, path: Path) => {
    if (known[noun].has(name)) return;
    const problem = noun === 'role' ? `no caller has the role "${name}"` : `there is no ${noun} "${name}"`;
    complaints.push({ code: 'CFG020', place: place(path), problem, remedy: remedyFor(name, noun) });
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
  for (const [index, { issuer, servers = [] }] of configuration.console.groups.entries()) {
    const path = ['console', 'groups', index];
    for (const [at, server] of servers.entries()) must('server', server, [...path, 'servers', at]);
    const { issuers } = configuration.authentication;
    if (!Object.hasOwn(issuers, issuer) || issuers[issuer]?.signIn === undefined)
      complaints.push({
        code: 'CFG020',
        place: place([...path, 'issuer']),
        problem: `no issuer "${issuer}" signs people in`,
        remedy: 'Name one of authentication.issuers that has signIn.',
      });
  }
  for (const [index, example] of configuration.tests.entries()) {
    must('server', example.server, ['tests', index, 'server']);
    parts(example.caller, ['tests', index, 'caller']);
  }
  for (const [name, { includes }] of Object.entries(configuration.callers.roles))
    for (const [at, role] of includes.entries()) must('role', role, ['callers', 'roles', name, 'includes', at]);
  for (const [kind, list] of Object.entries({
    users: configuration.callers.users,
    agents: configuration.callers.agents,
    applications: configuration.callers.applications,
  }))
    for (const [name, { ceiling }] of Object.entries(list))
      for (const [at, server] of (ceiling?.servers ?? []).entries())
        must('server', server, ['callers', kind, name, 'ceiling', 'servers', at]);
  for (const [name, server] of Object.entries(configuration.servers)) {
    if (!('url' in server)) continue;
    const ofCalls = callCredentials(server.credentials);
    for (const [index, { for: selector }] of ofCalls.list.entries())
      for (const noun of ['user', 'agent', 'application', 'role'] as const)
        for (const [at, caller] of (selector[noun] ?? []).entries())
          must(noun, caller, ['servers', name, 'credentials', ...ofCalls.path, index, 'for', noun, at]);
    const of = chosenKind(server.credential, credentialKinds)?.kind;
    if (standbyOf(server.credentials) !== undefined && (of?.hasAccounts ?? of?.needsCallerToken) === true)
      complaints.push({
        code: 'CFG014',
        place: place(['servers', name, 'credentials', 'standby']),
        problem: `a standby beside a credential that each caller has of its own (${of?.id})`,
        remedy: 'Remove the standby: once the server refused one caller, all would act with it.',
      });
    const urls = [server.credential, standbyOf(server.credentials), ...ofCalls.list].flatMap((section) => {
      const chosen = chosenKind(section, credentialKinds);
      return chosen?.kind.urls?.(chosen.options) ?? [];
    });
    for (const url of urls)
      if (!isSafe(url))
        complaints.push({
          code: 'CFG041',
          place: place(['servers', name]),
          problem: `${url} is not https`,
          remedy: 'A secret would cross the network in the open. Plain http is accepted on this machine only.',
        });
  }
  for (const definition of authenticators as readonly AuthenticatorDefinition[]) {
    const options: unknown = Reflect.get(configuration.authentication, definition.id);
    for (const { caller, path } of definition.callers?.(options) ?? [])
      parts(caller, ['authentication', definition.id, ...path]);
  }
  const { mcp } = configuration.listen;
  if (!isLoopback(mcp.host) && mcp.tls === undefined && mcp.behindProxy.length === 0)
    complaints.push({
      code: 'CFG043',
      place: place(['listen', 'mcp']),
      problem: `plain HTTP on ${mcp.host}: credentials would cross the network in the open`,
      remedy: 'Set listen.mcp.tls, or name the proxy that ends TLS in listen.mcp.behindProxy.',
    });
  complaints.push(...checkIssuers(configuration, place));
  if (configuration.authentication.anonymous !== undefined) {
    const path = ['authentication', 'anonymous'];
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

/** Issuers that can be told apart, reached safely, and whose tokens can name this gateway. */
function checkIssuers({ authentication, listen }: Configuration, place: (path: Path) => Place): Diagnostic[] {
  const complaints: Diagnostic[] = [];
  const issuers = Object.entries(authentication.issuers);
  const prefixes = new Map<string, string>();
  const urls = new Map<string, string>();
  for (const [name, issuer] of issuers) {
    const path = ['authentication', 'issuers', name];
    const named: readonly (readonly [string, string | undefined])[] = [
      ['issuer', issuer.issuer],
      ['keys', typeof issuer.keys === 'object' && 'url' in issuer.keys ? issuer.keys.url : undefined],
      ['introspection', issuer.introspection?.url],
    ];
    for (const [key, url] of named)
      if (url !== undefined && !isSafe(url))
        complaints.push({
          code: 'CFG041',
          place: place([...path, key]),
          problem: `${url} is not https`,
          remedy: 'Over plain http an attacker on the network could forge tokens. It is accepted on this machine only.',
        });
    const before = prefixes.get(issuer.prefix ?? '');
    const twin = urls.get(issuer.issuer);
    if (before !== undefined || twin !== undefined)
      complaints.push({
        code: 'CFG042',
        place: place(path),
        problem:
          twin === undefined
            ? `callers of ${name} would be named like those of ${before}`
            : `${name} and ${twin} are the same issuer`,
        remedy: twin === undefined ? 'Give one of them a "prefix" of its own.' : 'Remove one of them.',
      });
    prefixes.set(issuer.prefix ?? '', name);
    urls.set(issuer.issuer, name);
    if (issuer.skew > 300_000)
      complaints.push({
        code: 'CFG013',
        place: place([...path, 'skew']),
        problem: 'the skew is longer than 5m',
        remedy: 'Set the clocks; a token must end when it says.',
      });
  }
  if (issuers.length > 0 && listen.mcp.publicUrl === undefined && !isLoopback(listen.mcp.host))
    complaints.push({
      code: 'CFG041',
      place: place(['authentication', 'issuers']),
      problem: 'tokens must name this gateway, and listen.mcp.publicUrl does not say how clients reach it',
      remedy: 'Set listen.mcp.publicUrl; it is never taken from a request.',
    });
  return complaints;
}

function isSafe(text: string): boolean {
  const url = new URL(text);
  return url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}

type Noun = 'user' | 'agent' | 'application' | 'role' | 'server';
interface CallerParts {
  readonly user?: string | undefined;
  readonly agent?: string | undefined;
  readonly application?: string | undefined;
}

/** Names that misspelt ones are compared with, all together. */
const maxCompared = 100_000;

function knownNames({ callers, servers }: Configuration): Readonly<Record<Noun, ReadonlySet<string>>> {
  const everyone = [callers.users, callers.agents, callers.applications].flatMap((kind) => Object.values(kind));
  return {
    user: new Set(Object.keys(callers.users)),
    agent: new Set(Object.keys(callers.agents)),
    application: new Set(Object.keys(callers.applications)),
    role: new Set([...Object.keys(callers.roles), ...everyone.flatMap((caller) => caller.roles)]),
    server: new Set(Object.keys(servers)),
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
