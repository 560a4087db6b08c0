/**
 * Stage 4: which connection leads from this caller to this server, and to which capability there. What no connection
 * leads to, and what none of its rules could ever allow, answers exactly like what does not exist, without asking the
 * server first: neither words nor time tell the two apart.
 */

import type { Capability, Decision, Grants } from '../pipeline/decision.ts';
import type { Admitted, Connecting, Decided, Identified, Sought, ToolFacts } from '../pipeline/exchange.ts';
import type { CatalogView, Graph, ListSnapshot } from '../pipeline/graph.ts';
import { failureRefusal, type Outcome, pass, type Refusal, refuse } from '../pipeline/refusal.ts';
import type { Link, LinkFailure } from '../pipeline/upstream.ts';
import { offeredCapabilities } from '../protocol/capabilities.ts';
import type { JsonObject } from '../protocol/json.ts';
import { inBackground } from '../telemetry/background.ts';
import { aliasOf, mayBelong } from './alias.ts';
import { understood, type Wanted, wantedBy } from './request.ts';

/** Milliseconds for which the way of a resource waits for lists that were not read yet. */
const patience = 1_000;

/** A server that this caller is connected to, and the way there. */
export interface Reached {
  readonly server: string;
  readonly grants: Grants;
  readonly link: Link;
  readonly catalog: CatalogView;
}

/** `undefined` when there is no such server for this caller. */
export function reach(exchange: Identified, graph: Graph, server: string): Reached | undefined {
  const status = graph.statusOf(server);
  if (status !== 'active' && status !== 'draining') return undefined;
  const grants = graph.policy.grants(exchange.caller, server);
  if (grants === undefined) return undefined;
  const { session } = exchange.client;
  const capabilities = offeredCapabilities(exchange.client.capabilities, grants.requests);
  const client = { caller: exchange.caller, era: exchange.client.era, capabilities };
  const link = graph.upstreams.link(server, session === undefined ? client : { ...client, session: session.digest });
  return link === undefined ? undefined : { server, grants, link, catalog: graph.catalog(server, link) };
}

/** Every server that an endpoint leads this caller to, in the order of the configuration. */
export function reachAll(exchange: Identified, graph: Graph): readonly Reached[] {
  const { endpoint } = exchange;
  const names = endpoint.kind === 'server' ? [endpoint.server] : graph.policy.serversOf(exchange.caller);
  return names.map((name) => reach(exchange, graph, name)).filter((reached) => reached !== undefined);
}

/** Answers at once when the catalogue is there, which is nearly always. */
export function connect(exchange: Admitted, graph: Graph): Connecting | Promise<Connecting> {
  const wanted = wantedBy(exchange.method, exchange.params);
  if (!wanted.ok) return wanted;
  if (exchange.endpoint.kind === 'portal') return connectPortal(exchange, graph, wanted.value);
  const reached = reach(exchange, graph, exchange.endpoint.server);
  if (reached === undefined)
    return refuse({ reason: 'endpoint-unknown', detail: `no connection to ${exchange.endpoint.server}` });
  return enter(exchange, graph, reached, wanted.value, understood(exchange.method, exchange.params));
}

async function connectPortal(exchange: Admitted, graph: Graph, wanted: Wanted): Promise<Connecting> {
  const servers = reachAll(exchange, graph);
  if (wanted.type === 'tool' || wanted.type === 'prompt') {
    const kind = wanted.type === 'tool' ? 'tools' : 'prompts';
    const possible = servers.filter(({ server }) => mayBelong(wanted.name, server));
    let failure: Refusal | undefined;
    for (const reached of possible) {
      const found = await originalName(reached, kind, wanted.name);
      if (!found.ok) failure = found.refusal;
      else if (found.value !== undefined) {
        const original = found.value;
        return enter(exchange, graph, reached, { ...wanted, name: original }, renamed(exchange, original), wanted);
      }
    }
    const refusal = failure ?? unknown(wanted, 'no server has this alias');
    return { ok: false, refusal, sought: soughtAtAll(possible, wanted) };
  }
  for (const reached of await routed(servers, wanted))
    return enter(exchange, graph, reached, wanted, understood(exchange.method, exchange.params));
  const capability = capabilityOf(wanted);
  const decision = closedAtAll(servers, capability);
  const sought = { ...soughtAtAll(servers, wanted, capability), ...(decision && { decision }) };
  const detail = decision === undefined ? 'no server has it' : detailOf(exchange, decision);
  return { ok: false, refusal: unknown(wanted, detail), sought };
}

/**
 * The exchange with the tool as its server lists it now; `undefined` when that is what is remembered. Its server may have
 * been deployed anew without a word, and a call that is right for it be refused by the schema of before.
 */
export async function renewed(exchange: Decided, graph: Graph): Promise<Decided | undefined> {
  const { link, capability, tool } = exchange;
  if (tool === undefined || capability.type !== 'tool') return undefined;
  const catalog = graph.catalog(link.server, link);
  const result = await catalog.reread('tools');
  const definition = result.ok ? result.snapshot.byName.get(capability.name) : undefined;
  if (definition === undefined) return undefined;
  const facts: ToolFacts = catalog.facts(definition);
  return facts.digest === tool.digest ? undefined : { ...exchange, tool: facts };
}

function renamed(exchange: Identified, name: string): JsonObject {
  const params = understood(exchange.method, exchange.params);
  return exchange.method === 'completion/complete'
    ? { ...params, ref: { type: 'ref/prompt', name } }
    : { ...params, name };
}

async function originalName(
  reached: Reached,
  kind: 'tools' | 'prompts',
  alias: string,
): Promise<Outcome<string | undefined>> {
  const first = await reached.catalog.read(kind);
  const snapshot = 'ok' in first ? first : ({ ok: true, snapshot: first } as const);
  if (!snapshot.ok) return refuse(failureRefusal(reached.server, snapshot.failure));
  const found = byAlias(reached.server, snapshot.snapshot).get(alias);
  // Nobody waits for a fresh list here: a name that is hidden would be told from one that does not exist by the wait.
  if (found === undefined) inBackground('reread list', reached.catalog.reread(kind));
  return pass(found);
}

const aliases = new WeakMap<ListSnapshot, ReadonlyMap<string, string>>();

function byAlias(server: string, snapshot: ListSnapshot): ReadonlyMap<string, string> {
  const known = aliases.get(snapshot);
  if (known !== undefined) return known;
  const map = new Map([...snapshot.byName.keys()].map((name) => [aliasOf(server, name), name]));
  aliases.set(snapshot, map);
  return map;
}

/**
 * The servers that may have a resource: those that list it or have a template for it, then, as some resources are listed
 * nowhere, those whose rules allow it. The first in the order of the configuration wins, here as in the lists: a server
 * that lists a URI does not take it from an earlier one that has it behind a template.
 */
async function routed(servers: readonly Reached[], wanted: Wanted & { uri?: string; uriTemplate?: string }) {
  const capability: Capability =
    wanted.type === 'resource'
      ? { type: 'resource', uri: wanted.uri }
      : { type: 'template', uriTemplate: wanted.uriTemplate ?? '' };
  const allowed = servers.filter(({ grants }) => grants.couldAllow(capability));
  if (allowed.length < 2) return allowed;
  const key = wanted.type === 'resource' ? wanted.uri : (wanted.uriTemplate ?? '');
  const kinds = wanted.type === 'resource' ? (['resources', 'templates'] as const) : (['templates'] as const);
  const unread: Promise<unknown>[] = [];
  const hit = (): Reached | undefined =>
    allowed.find(({ catalog }) =>
      kinds.some((kind) => {
        const read = catalog.read(kind);
        if (read instanceof Promise) unread.push(read);
        else
          return kind === 'resources' || wanted.type === 'template' ? read.byName.has(key) : matchesTemplate(read, key);
        return false;
      }),
    );
  let found = hit();
  // A list that was never read may have it; a server that is slow now decides for a moment only how long this takes.
  if (found === undefined && unread.length > 0) {
    await within(unread, patience);
    found = hit();
  }
  if (found !== undefined) return [found];
  const able = allowed.filter(({ link }) => mayHaveResources(link.facts()));
  return able.length > 0 ? able.slice(0, 1) : allowed.slice(0, 1);
}

/** What is not known yet may be. */
function mayHaveResources(facts: ReturnType<Link['facts']>): boolean {
  return facts instanceof Promise || facts.capabilities.resources !== undefined;
}

async function within(waits: readonly Promise<unknown>[], timeMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeMs);
  });
  await Promise.race([Promise.allSettled(waits), late]);
  clearTimeout(timer);
}

function matchesTemplate(snapshot: ListSnapshot, uri: string): boolean {
  for (const template of snapshot.byName.keys()) {
    const parts = template.split(/\{[^{}]{1,128}\}/);
    if (parts.length > 1 && fits(uri, parts)) return true;
  }
  return false;
}

/** Do the literal parts of a template occur in this order, the first at the start and the last at the end? */
function fits(uri: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop() ?? '';
  if (!uri.startsWith(first) || !uri.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = uri.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= uri.length - last.length;
}

/** The caller reaches the server; now the capability must be one that its rules could allow, and that the server has. */
function enter(
  exchange: Admitted,
  graph: Graph,
  reached: Reached,
  wanted: Wanted,
  outbound: JsonObject,
  // What the client asked for, in its own words: a refusal repeats nothing else.
  asked = wanted,
): Connecting | Promise<Connecting> {
  const { grants, link, catalog, server } = reached;
  const capability = capabilityOf(wanted);
  const no = (refusal: Refusal): Connecting => ({ ok: false, refusal, sought: soughtAt(reached, asked, capability) });
  if (!grants.couldAllow(capability)) {
    const decision = grants.closed(capability);
    const sought = { ...soughtAt(reached, asked, capability), decision };
    return { ok: false, refusal: unknown(asked, detailOf(exchange, decision)), sought };
  }
  if (graph.statusOf(server) === 'draining')
    return no({ reason: 'server-unavailable', server, detail: 'the server is draining' });
  if (wanted.type !== 'tool' && wanted.type !== 'prompt')
    return pass({ ...exchange, grants, link, capability, outbound });
  const definition = find(catalog, wanted.type === 'tool' ? 'tools' : 'prompts', wanted.name);
  const found = (value: JsonObject | undefined): Connecting => {
    if (value === undefined) return no(unknown(asked, 'the server has no such name'));
    if (wanted.type === 'prompt') return pass({ ...exchange, grants, link, capability, outbound });
    const tool: ToolFacts = catalog.facts(value);
    return pass({ ...exchange, grants, link, capability, outbound, tool });
  };
  if (!(definition instanceof Promise)) return found(definition);
  return definition.then((result) => (result.ok ? found(result.value) : no(failureRefusal(server, result.failure))));
}

/** Of a request for which there is no place: what the lists that are at hand say. Nobody is asked. */
export function seek(exchange: Identified, graph: Graph): Sought | undefined {
  const servers = reachAll(exchange, graph);
  const [first] = servers;
  if (first === undefined) return undefined;
  const wanted = exchange.operation === 'call' ? wantedBy(exchange.method, exchange.params) : undefined;
  if (wanted?.ok !== true) return soughtAtAll(servers);
  const { value } = wanted;
  if (exchange.endpoint.kind === 'server') return soughtAt(first, value, capabilityOf(value));
  if (value.type !== 'tool' && value.type !== 'prompt') return soughtAtAll(servers, value, capabilityOf(value));
  const possible = servers.filter(({ server }) => mayBelong(value.name, server));
  for (const reached of possible) {
    const snapshot = reached.catalog.peek(value.type === 'tool' ? 'tools' : 'prompts');
    const name = snapshot && byAlias(reached.server, snapshot).get(value.name);
    if (name !== undefined) return soughtAt(reached, value, { type: value.type, name });
  }
  return soughtAtAll(possible, value);
}

function soughtAt({ server, grants, catalog }: Reached, asked: Wanted, capability: Capability): Sought {
  return {
    asked: nameOf(asked),
    server,
    connections: grants.connections,
    // Everything but a tool is read.
    tier: capability.type === 'tool' ? catalog.tierOf(capability.name) : 'read',
    ...(isKnown(capability, grants, catalog) ? { capability } : {}),
  };
}

/** `capability`: only of what no alias leads to, a resource or a template. */
function soughtAtAll(servers: readonly Reached[], asked?: Wanted, capability?: Capability): Sought {
  const [only, another] = servers;
  const known = capability !== undefined && servers.some(({ grants, catalog }) => isKnown(capability, grants, catalog));
  return {
    ...(asked === undefined ? {} : { asked: nameOf(asked) }),
    ...(only === undefined || another !== undefined ? {} : { server: only.server }),
    connections: [...new Set(servers.flatMap(({ grants }) => grants.connections))],
    ...(capability === undefined ? {} : { tier: 'read' as const }),
    ...(known ? { capability } : {}),
  };
}

/** Of several servers that could never allow it, the first one at which a rule says so. */
function closedAtAll(servers: readonly Reached[], capability: Capability): Decision | undefined {
  const decisions = servers.map(({ grants }) => grants.closed(capability));
  return decisions.find(({ rule }) => rule !== undefined) ?? decisions[0];
}

function nameOf(wanted: Wanted): string {
  switch (wanted.type) {
    case 'tool':
    case 'prompt':
      return wanted.name;
    case 'resource':
      return wanted.uri;
    case 'template':
      return wanted.uriTemplate;
  }
}

/** A resource is always that, and its URI is private. Every other name is known from a list or a rule, or made up. */
function isKnown(capability: Capability, grants: Grants, catalog: CatalogView): boolean {
  switch (capability.type) {
    case 'tool':
      return grants.names(capability) || catalog.peek('tools')?.byName.has(capability.name) === true;
    case 'prompt':
      return grants.names(capability) || catalog.peek('prompts')?.byName.has(capability.name) === true;
    case 'template':
      return catalog.peek('templates')?.byName.has(capability.uriTemplate) === true;
    case 'resource':
      return true;
  }
}

/** For the record only. */
function detailOf({ caller }: Identified, { reason, rule, errors }: Decision): string {
  switch (reason) {
    case 'user-ceiling':
      return `the ceiling of user:${caller.user}`;
    case 'agent-ceiling':
      return `the ceiling of agent:${caller.agent}`;
    case 'application-ceiling':
      return `the ceiling of application:${caller.application}`;
    case 'rule':
    case 'no-rule':
    case 'scope':
      return rule === undefined ? (errors[0] ?? 'no rule could allow it') : `${rule.place} ${rule.text}`;
  }
}

function capabilityOf(wanted: Wanted): Capability {
  switch (wanted.type) {
    case 'tool':
    case 'prompt':
      return { type: wanted.type, name: wanted.name };
    case 'resource':
      return { type: 'resource', uri: wanted.uri };
    case 'template':
      return { type: 'template', uriTemplate: wanted.uriTemplate };
  }
}

type Found =
  | { readonly ok: true; readonly value: JsonObject | undefined }
  | { readonly ok: false; readonly failure: LinkFailure };

/** The definition of a name. For a name that the list does not have the list is read again, for the next one who asks. */
function find(catalog: CatalogView, kind: 'tools' | 'prompts', name: string): JsonObject | Promise<Found> {
  const read = catalog.read(kind);
  const known = read instanceof Promise ? undefined : read.byName.get(name);
  return known ?? search(catalog, kind, name, read);
}

async function search(
  catalog: CatalogView,
  kind: 'tools' | 'prompts',
  name: string,
  read: ReturnType<CatalogView['read']>,
): Promise<Found> {
  if (read instanceof Promise) {
    const result = await read;
    if (!result.ok) return result;
    const known = result.snapshot.byName.get(name);
    if (known !== undefined) return { ok: true, value: known };
  }
  // The answer does not wait for a fresh list: a name that is hidden would be told from one that does not exist by the wait.
  inBackground('reread list', catalog.reread(kind));
  return { ok: true, value: undefined };
}

function unknown(wanted: Wanted, detail: string): Refusal {
  switch (wanted.type) {
    case 'tool':
    case 'prompt':
      return { reason: 'capability-unknown', what: wanted.type, name: wanted.name, detail };
    case 'resource':
      return { reason: 'capability-unknown', what: 'resource', name: wanted.uri, detail };
    case 'template':
      return { reason: 'capability-unknown', what: 'resource', name: wanted.uriTemplate, detail };
  }
}
