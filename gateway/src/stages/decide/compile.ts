/** From a revision to a policy: checks every rule and condition, then indexes them by who calls. */
import type { Diagnostic } from '../../config/diagnostic.ts';
import type { Revision } from '../../config/revision.ts';
import type { ConnectionConfig } from '../../config/schema/connections.ts';
import { atOnce, inSlices } from '../../config/slices.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Guardrail, Guardrails } from '../../pipeline/contracts/guardrails.ts';
import type { Policy, Whence } from '../../pipeline/contracts/policy.ts';
import { type Ceilings, ceilingsOf, compileCeilings, principals } from './ceiling.ts';
import { type CountryOf, countriesOf } from './countries.ts';
import { crossedText, environmentsOf } from './environments.ts';
import { type CompiledConnection, type ExplainedGrants, makeGrants } from './grants.ts';
import { CompiledGuardrails, together } from './guardrails.ts';
import { type CompiledRule, compileRule, type RuleKind } from './rule.ts';
import { NameRules, UriRules } from './rule-index.ts';
import { windowOf } from './windows.ts';

export interface CompiledPolicy extends Policy {
  grants(caller: Caller, server: string, whence: Whence): ExplainedGrants | undefined;
  readonly guardrailNames: readonly string[];
  guardrail(name: string, direction: 'request' | 'response'): Guardrail | undefined;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export function compilePolicy(revision: Revision): PolicyResult {
  return atOnce(compileSteps(revision));
}

/** The same beside the requests of a running gateway. */
export function compilePolicyBeside(revision: Revision): Promise<PolicyResult> {
  return inSlices(compileSteps(revision));
}

function* compileSteps(revision: Revision): Generator<void, PolicyResult> {
  const complaints: Diagnostic[] = [];
  const connections: CompiledConnection[] = [];
  const guardrails = new CompiledGuardrails(revision, complaints);
  const countryOf = countryLookup(revision, complaints);
  let order = 0;
  for (const [index, config] of revision.configuration.connections.entries()) {
    const rules: Record<RuleKind, CompiledRule[]> = { tools: [], resources: [], prompts: [] };
    for (const kind of ['tools', 'resources', 'prompts'] as const)
      for (const [at, rule] of config[kind].entries()) {
        const place = { connection: index, kind, index: at, order: order++ };
        const compiled = compileRule(rule, place, { revision, complaints, guardrails });
        if (compiled !== undefined) rules[kind].push(compiled);
        yield;
      }
    connections.push({
      config,
      guardrails: guardrails.usesOf(config.guardrails, 'connection', ['connections', index, 'guardrails']),
      index,
      window: windowOf(config, countryOf),
      tools: new NameRules(rules.tools),
      resources: new UriRules(rules.resources),
      prompts: new NameRules(rules.prompts),
    });
    yield;
  }
  const ceilings = yield* compileCeilings(revision, complaints);
  if (complaints.length > 0) return { ok: false, diagnostics: complaints };
  const byPrincipal = yield* connectionsByPrincipal(connections);
  return { ok: true, policy: policyOf({ byPrincipal, connections, ceilings, guardrails }, revision) };
}

function countryLookup(revision: Revision, complaints: Diagnostic[]): CountryOf {
  const { configuration, countryDatabase } = revision;
  const complain = (path: readonly (string | number)[], problem: string, remedy: string): void => {
    complaints.push({ code: 'CFG045', place: revision.locate(path), problem, remedy });
  };
  const unknown: CountryOf = () => undefined;
  if (countryDatabase === undefined) {
    for (const [index, { countries }] of configuration.connections.entries())
      if (countries !== undefined)
        complain(
          ['connections', index, 'countries'],
          'there is no database of countries',
          'Name one under countries.database.',
        );
    return unknown;
  }
  const read = countriesOf(countryDatabase);
  if (read.ok) return read.countryOf;
  const { database = '' } = configuration.countries;
  complain(['countries', 'database'], `${database} ${read.problem}`, 'Fetch it again, whole.');
  return unknown;
}

function* connectionsByPrincipal(
  connections: readonly CompiledConnection[],
): Generator<void, ReadonlyMap<string, readonly CompiledConnection[]>> {
  const byPrincipal = new Map<string, CompiledConnection[]>();
  for (const connection of connections)
    for (const principal of principalsOf(connection.config.from)) {
      const list = byPrincipal.get(principal);
      if (list === undefined) byPrincipal.set(principal, [connection]);
      // The same name may stand twice in a list.
      else if (list.at(-1) !== connection) list.push(connection);
      yield;
    }
  return byPrincipal;
}

/** What leads from one caller to the servers. Made once for each caller object, and forgotten with it. */
interface Reach {
  readonly servers: readonly string[];
  readonly connections: ReadonlyMap<string, readonly CompiledConnection[]>;
  /** By server: why connections do not lead there that otherwise would. */
  readonly crossing: ReadonlyMap<string, readonly string[]>;
  /** By server, and by which of the connections are there at the moment where not all of them always are. */
  readonly grants: Map<string, ExplainedGrants>;
}

interface PolicyParts {
  readonly byPrincipal: ReadonlyMap<string, readonly CompiledConnection[]>;
  readonly connections: readonly CompiledConnection[];
  readonly ceilings: Ceilings;
  readonly guardrails: CompiledGuardrails;
}

function policyOf({ byPrincipal, connections, ceilings, guardrails }: PolicyParts, revision: Revision): CompiledPolicy {
  const { digest } = revision;
  const { servers: configured } = revision.configuration;
  const servers = Object.keys(configured);
  const position = new Map(servers.map((server, at) => [server, at]));
  const known = new WeakMap<Caller, Reach>();
  const ofAll = new Map<string, Guardrails>();
  const guardrailsOf = (server: string): Guardrails => {
    const made = ofAll.get(server);
    if (made !== undefined) return made;
    const leading = connections.filter(({ config }) => config.to.includes(server));
    const all = together([guardrails.ofServer(server), ...leading.map((each) => each.guardrails)]);
    if (Object.hasOwn(configured, server)) ofAll.set(server, all);
    return all;
  };

  const reachOf = (caller: Caller): Reach => {
    let reach = known.get(caller);
    if (reach !== undefined) return reach;
    const leading = new Map<string, CompiledConnection[]>();
    const crossing = new Map<string, string[]>();
    const candidates = new Set(namesOf(caller).flatMap((name) => byPrincipal.get(name) ?? []));
    for (const connection of [...candidates].toSorted((a, b) => a.index - b.index)) {
      if (!leadsFrom(connection.config.from, caller)) continue;
      for (const server of new Set(connection.config.to)) {
        // The server's own word: who must be named in every call.
        if (configured[server]?.requires.some((kind) => caller[kind] === undefined) === true) continue;
        const crossed = crossedText(connection.config, environments.of(caller), configured[server]?.environment);
        if (crossed !== undefined) {
          crossing.set(server, [...(crossing.get(server) ?? []), crossed]);
          continue;
        }
        const list = leading.get(server);
        if (list === undefined) leading.set(server, [connection]);
        else list.push(connection);
      }
    }
    const ordered = [...leading.keys()].toSorted((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0));
    reach = { servers: ordered, connections: leading, crossing, grants: new Map() };
    known.set(caller, reach);
    return reach;
  };

  const environments = environmentsOf(revision.configuration.callers);
  const windows = connections.flatMap(({ window }) => window ?? []);
  return {
    serversOf: (caller, whence) => {
      const { servers: all, connections: leading } = reachOf(caller);
      return windows.length === 0
        ? all
        : all.filter((server) => (leading.get(server) ?? []).some((each) => isThere(each, whence)));
    },
    whyClosed: (caller, server, whence) => {
      const { connections: leading, crossing } = reachOf(caller);
      return closedText(leading.get(server) ?? [], { whence, crossing: crossing.get(server) ?? [] });
    },
    hoursAt: (at) => (windows.length === 0 ? '' : windows.map((window) => (window.isInHours(at) ? '1' : '0')).join('')),
    holds: revision.configuration.connections.some(({ tools }) => tools.some(({ hold }) => hold !== undefined)),
    guardrailsOf,
    guardrailNames: guardrails.names,
    guardrail: (name, direction) => guardrails.named(name, direction),
    grants: (caller, server, whence) => {
      const reach = reachOf(caller);
      const all = reach.connections.get(server);
      if (all === undefined) return undefined;
      const leading = windows.length === 0 ? all : thereOf(all, whence);
      if (leading.length === 0) return undefined;
      const key = leading === all ? server : `${server} ${leading.map(({ index }) => index).join('.')}`;
      const made = reach.grants.get(key);
      if (made !== undefined) return made;
      const grants = makeGrants(caller, leading, {
        digest,
        server,
        ceilings: ceilingsOf(caller, ceilings),
        guardrails: guardrails.ofServer(server),
      });
      reach.grants.set(key, grants);
      return grants;
    },
  };
}

function isThere({ window }: CompiledConnection, whence: Whence): boolean {
  return window?.closed(whence) === undefined;
}

/** The same list where all of them are there. */
function thereOf(all: readonly CompiledConnection[], whence: Whence): readonly CompiledConnection[] {
  return all.every((each) => isThere(each, whence)) ? all : all.filter((each) => isThere(each, whence));
}

interface Closed {
  readonly whence: Whence;
  readonly crossing: readonly string[];
}

function closedText(leading: readonly CompiledConnection[], { whence, crossing }: Closed): string | undefined {
  const outside = leading.flatMap(({ config, window }) => {
    const why = window?.closed(whence);
    if (why === undefined) return [];
    return `the connection "${config.name}" is ${closings[why]}`;
  });
  const closed = [...outside, ...crossing];
  return closed.length === 0 ? undefined : closed.join('; ');
}

const closings = {
  hours: 'outside its hours',
  network: 'not for this network',
  country: 'not for this country',
} as const;

const trusts = ['untrusted', 'standard', 'trusted'] as const;

type From = ConnectionConfig['from'];
const kinds = ['user', 'agent', 'application', 'role'] as const;

/** The entries of the index under which a connection stands: those of one key, the most telling one that it has. */
function* principalsOf(from: From): Generator<string> {
  const kind = kinds.find((each) => from[each] !== undefined);
  if (kind === undefined) yield 'anyone';
  else for (const name of from[kind] ?? []) yield `${kind}:${name}`;
}

/** The entries of the index that may concern a caller. */
function namesOf(caller: Caller): readonly string[] {
  const names = ['anyone', ...new Set(caller.roles.map((role) => `role:${role}`))];
  for (const kind of principals) if (caller[kind] !== undefined) names.push(`${kind}:${caller[kind]}`);
  return names;
}

/** Every key that is given must fit; of a list, any entry. */
function leadsFrom(from: From, caller: Caller): boolean {
  const named = principals.every(
    (kind) => from[kind] === undefined || (caller[kind] !== undefined && from[kind].includes(caller[kind])),
  );
  if (from.trust !== undefined && trusts.indexOf(caller.trust) < trusts.indexOf(from.trust)) return false;
  return named && (from.role === undefined || from.role.some((role) => caller.roles.includes(role)));
}
