/**
 * Stage 4: which connection leads from this caller to this server, and to which capability there. What no connection
 * leads to, and what none of its rules could ever allow, answers exactly like what does not exist, without asking the
 * server first: neither words nor time tell the two apart.
 */

import { byAlias, mayBelong } from '../../pipeline/alias.ts';
import type { CatalogView, Graph } from '../../pipeline/contracts/snapshot.ts';
import type { LinkFailure } from '../../pipeline/contracts/upstream.ts';
import type { Admitted, Connecting, Decided, Identified, ToolFacts } from '../../pipeline/exchange.ts';
import { type Reached, reach, reachAll } from '../../pipeline/reach.ts';
import { failureRefusal, type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { inBackground } from '../../telemetry/background.ts';
import { routed } from './route.ts';
import { capabilityOf, understood, type Wanted, wantedBy } from './target.ts';
import { closedAtAll, detailOf, soughtAt, soughtAtAll } from './unresolved.ts';

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
  // The answer does not wait for a fresh list: a name that is hidden would be told from one that does not exist by the wait.
  if (found === undefined) inBackground('reread list', reached.catalog.reread(kind));
  return pass(found);
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
