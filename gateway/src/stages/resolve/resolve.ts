/**
 * Stage 4: which connection leads from this caller to this server, and to which capability there. What no connection
 * leads to, and what none of its rules could ever allow, answers exactly like what does not exist, without asking the
 * server first: neither words nor time tell the two apart.
 */

import { byAlias, mayBelong } from '../../pipeline/alias.ts';
import type { BreakerCall } from '../../pipeline/contracts/breaker.ts';
import type { Capability } from '../../pipeline/contracts/policy.ts';
import type { CatalogView, Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import type { Admitted, Decided, Identified, Resolving, ToolFacts } from '../../pipeline/exchange.ts';
import { outOfService } from '../../pipeline/out-of-service.ts';
import { type ReachableServer, reach, reachAll, whenceOf } from '../../pipeline/reach.ts';
import { failureRefusal, type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ListKind } from '../../protocol/methods.ts';
import { inBackground } from '../../telemetry/background.ts';
import { routed } from './route.ts';
import { capabilityOf, type Target, targetOf, understood } from './target.ts';
import { closedAtAll, detailOf, unresolvedAt, unresolvedAtAll } from './unresolved.ts';

/** Answers at once when the catalogue is there, which is nearly always. */
export function resolve(exchange: Admitted, snapshot: Snapshot): Resolving | Promise<Resolving> {
  const target = targetOf(exchange.method, exchange.params);
  if (!target.ok) return target;
  if (exchange.endpoint.kind === 'portal') return resolveAtPortal(exchange, snapshot, target.value);
  const reachable = reach(exchange, snapshot, exchange.endpoint.server);
  if (reachable === undefined)
    return refuse({ reason: 'endpoint-unknown', detail: noConnection(exchange, snapshot, exchange.endpoint.server) });
  return enter(exchange, snapshot, reachable, target.value, understood(exchange.method, exchange.params));
}

/** For the record. */
function noConnection({ caller, address }: Admitted, { policy }: Snapshot, server: string): string {
  return policy.whyClosed(caller, server, whenceOf({ address })) ?? `no connection to ${server}`;
}

async function resolveAtPortal(exchange: Admitted, snapshot: Snapshot, target: Target): Promise<Resolving> {
  const servers = reachAll(exchange, snapshot);
  if (target.type === 'tool' || target.type === 'prompt') {
    const kind = target.type === 'tool' ? 'tools' : 'prompts';
    const possible = servers.filter(({ server }) => mayBelong(target.name, server));
    let failure: Refusal | undefined;
    for (const reachable of possible) {
      const found = await originalName(exchange, snapshot, reachable, { kind, alias: target.name });
      if (!found.ok) failure = found.refusal;
      else if (found.value !== undefined) {
        const original = found.value;
        return enter(exchange, snapshot, reachable, { ...target, name: original }, renamed(exchange, original), target);
      }
    }
    const refusal = failure ?? unknown(target, 'no server has this alias');
    return { ok: false, refusal, unresolved: unresolvedAtAll(possible, target) };
  }
  for (const reachable of await routed(servers, target))
    return enter(exchange, snapshot, reachable, target, understood(exchange.method, exchange.params));
  const capability = capabilityOf(target);
  const decision = closedAtAll(servers, capability);
  const unresolved = { ...unresolvedAtAll(servers, target, capability), ...(decision && { decision }) };
  const detail = decision === undefined ? 'no server has it' : detailOf(exchange, decision);
  return { ok: false, refusal: unknown(target, detail), unresolved };
}

/**
 * The exchange with the tool as its server lists it now; `undefined` when that is what is remembered. Its server may have
 * been deployed anew without a word, and a call that is right for it be refused by the schema of before.
 */
export async function renewed(exchange: Decided, snapshot: Snapshot): Promise<Decided | undefined> {
  const { upstream, capability, tool } = exchange;
  if (tool === undefined || capability.type !== 'tool') return undefined;
  const catalog = snapshot.catalog(upstream.server, upstream);
  const result = await catalog.reread('tools');
  const definition = result.ok ? result.listed.byName.get(capability.name) : undefined;
  if (definition === undefined) return undefined;
  const facts: ToolFacts = catalog.facts(definition);
  if (facts.digest === tool.digest) return undefined;
  const known = inCatalog({ type: 'tool', name: capability.name }, definition, catalog);
  // Nothing has approved it in this form, and no rule includes it: for this caller it is what it was.
  if (known.isNew === true && !exchange.grants.couldAllow(known)) return undefined;
  return { ...exchange, tool: facts, capability: known };
}

function renamed(exchange: Identified, name: string): JsonObject {
  const params = understood(exchange.method, exchange.params);
  return exchange.method === 'completion/complete'
    ? { ...params, ref: { type: 'ref/prompt', name } }
    : { ...params, name };
}

async function originalName(
  exchange: Admitted,
  snapshot: Snapshot,
  reachable: ReachableServer,
  { kind, alias }: { readonly kind: 'tools' | 'prompts'; readonly alias: string },
): Promise<Outcome<string | undefined>> {
  const { breaker } = snapshot;
  const held =
    (reachable.isDisabled ? outOfService(snapshot, reachable.server) : undefined) ??
    breaker.refusal(breakerCall(exchange, reachable.server));
  if (held !== undefined) {
    // What is not asked is known by the list of before, however old that is.
    const listed = reachable.catalog.peek(kind);
    return listed === undefined ? refuse(held) : pass(byAlias(reachable.server, listed).get(alias));
  }
  const first = await reachable.catalog.read(kind);
  const listed = 'ok' in first ? first : ({ ok: true, listed: first } as const);
  if (!listed.ok) return refuse(failureRefusal(reachable.server, listed.failure));
  const found = byAlias(reachable.server, listed.listed).get(alias);
  // The answer does not wait for a fresh list: a name that is hidden would be told from one that does not exist by the wait.
  if (found === undefined) inBackground('reread list', reachable.catalog.reread(kind));
  return pass(found);
}

/** The caller reaches the server; now the capability must be one that its rules could allow, and that the server has. */
function enter(
  exchange: Admitted,
  snapshot: Snapshot,
  reachable: ReachableServer,
  target: Target,
  outbound: JsonObject,
  // What the client asked for, in its own words: a refusal repeats nothing else.
  asked = target,
): Resolving | Promise<Resolving> {
  const { grants, upstream, catalog, server } = reachable;
  const capability = capabilityOf(target);
  const no = (refusal: Refusal): Resolving => ({
    ok: false,
    refusal,
    unresolved: unresolvedAt(reachable, asked, capability),
  });
  const closed = (what: Capability): Resolving => {
    const decision = grants.closed(what);
    const unresolved = { ...unresolvedAt(reachable, asked, what), decision };
    return { ok: false, refusal: unknown(asked, detailOf(exchange, decision)), unresolved };
  };
  if (!grants.couldAllowSome(capability)) return closed(capability);
  const switchedOff = outOfService(snapshot, server);
  if (switchedOff !== undefined) return no(switchedOff);
  // A list that is not there would be asked for.
  const ofPart = target.type === 'tool' ? target.name : exchange.method;
  const held = snapshot.breaker.refusal(breakerCall(exchange, server, ofPart));
  if (held !== undefined) return no(held);
  if (target.type === 'resource') return pass({ ...exchange, grants, upstream, capability, outbound });
  const definition =
    target.type === 'template'
      ? findTemplate(catalog, target.uriTemplate)
      : find(catalog, target.type === 'tool' ? 'tools' : 'prompts', target.name);
  const found = (value: JsonObject | undefined): Resolving => {
    if (value === undefined) return no(unknown(asked, 'the server has no such name'));
    const known = inCatalog(target, value, catalog);
    // Nothing has approved it, and no rule includes it: that is as if the server did not have it.
    if (known.isNew === true && !grants.couldAllow(known)) return no(unknown(asked, 'nothing has approved it yet'));
    if (known.type !== 'tool') return pass({ ...exchange, grants, upstream, capability: known, outbound });
    // What it is may hide it, which answers as if the server did not have it.
    if (grants.asksTraits && !grants.couldAllow(known)) return closed(known);
    const tool: ToolFacts = catalog.facts(value);
    return pass({ ...exchange, grants, upstream, capability: known, outbound, tool });
  };
  if (!(definition instanceof Promise)) return found(definition);
  return definition.then((result) => (result.ok ? found(result.value) : no(failureRefusal(server, result.failure))));
}

function breakerCall({ caller, started }: Admitted, server: string, part?: string): BreakerCall {
  return { server, caller, started, ...(part !== undefined && { part }) };
}

type Defined = Exclude<Capability, { readonly type: 'resource' }>;
type DefinedTarget =
  | { readonly type: 'tool' | 'prompt'; readonly name: string }
  | { readonly type: 'template'; readonly uriTemplate: string };

/** The capability, with what its definition says about it. */
function inCatalog(target: DefinedTarget, definition: JsonObject, catalog: CatalogView): Defined {
  const pinned = catalog.isNew(definition) ? ({ isNew: true } as const) : {};
  switch (target.type) {
    case 'tool':
      return { type: 'tool', name: target.name, traits: catalog.traits(definition), ...pinned };
    case 'prompt':
      return { type: 'prompt', name: target.name, ...pinned };
    case 'template':
      return { type: 'template', uriTemplate: target.uriTemplate, ...pinned };
  }
}

type Found =
  | { readonly ok: true; readonly value: JsonObject | undefined }
  | { readonly ok: false; readonly failure: UpstreamFailure };

/** The definition of a name. For a name that the list does not have the list is read again, for the next one who asks. */
function find(catalog: CatalogView, kind: 'tools' | 'prompts', name: string): JsonObject | Promise<Found> {
  const read = catalog.read(kind);
  const known = read instanceof Promise ? undefined : read.byName.get(name);
  return known ?? search(catalog, kind, name, read);
}

/** A completion may name a resource without a variable as well, which no list of templates has. */
async function findTemplate(catalog: CatalogView, uriTemplate: string): Promise<Found> {
  const found = await search(catalog, 'templates', uriTemplate, catalog.read('templates'));
  if (!found.ok || found.value !== undefined || uriTemplate.includes('{')) return found;
  return await search(catalog, 'resources', uriTemplate, catalog.read('resources'));
}

async function search(
  catalog: CatalogView,
  kind: ListKind,
  name: string,
  read: ReturnType<CatalogView['read']>,
): Promise<Found> {
  const first = await read;
  const result = 'ok' in first ? first : ({ ok: true, listed: first } as const);
  if (!result.ok) return result;
  const known = result.listed.byName.get(name);
  if (known !== undefined) return { ok: true, value: known };
  // The answer does not wait for a fresh list: a name that is hidden would be told from one that does not exist by the wait.
  inBackground('reread list', catalog.reread(kind));
  return { ok: true, value: undefined };
}

function unknown(target: Target, detail: string): Refusal {
  switch (target.type) {
    case 'tool':
    case 'prompt':
      return { reason: 'capability-unknown', what: target.type, name: target.name, detail };
    case 'resource':
      return { reason: 'capability-unknown', what: 'resource', name: target.uri, detail };
    case 'template':
      return { reason: 'capability-unknown', what: 'resource', name: target.uriTemplate, detail };
  }
}
