/**
 * The lists that a caller sees: filtered by the same decisions that gate its calls, merged over servers at the portal,
 * and remembered as they are sent for as long as neither the list nor the grants change.
 */

import { aliasOf } from '../../pipeline/alias.ts';
import type { Capability, Grants } from '../../pipeline/contracts/policy.ts';
import type { CatalogView, ListSnapshot, ListSnapshotResult, Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { Identified, Reply } from '../../pipeline/exchange.ts';
import { type ReachableServer, reachAll } from '../../pipeline/reach.ts';
import { failureRefusal } from '../../pipeline/refusal.ts';
import { inTurns, turnsOf } from '../../pipeline/turns.ts';
import { asText, isObject, type Json, type JsonObject, readOwnJson } from '../../protocol/json.ts';
import { cleanServerMeta } from '../../protocol/meta.ts';
import { type ListKind, listMembers } from '../../protocol/methods.ts';
import type { Era } from '../../protocol/versions.ts';
import { accountNothing, accountTools } from './account-tool.ts';

/** How long the portal waits for servers that are just being reached, in milliseconds. */
const listTimeoutMs = 1_000;
/** And for those that are reached for the first time: some clients ask for a list once. */
const firstListTimeoutMs = 30_000;
const maxViews = 256;
/** Entries between two steps. */
const itemsAtOnce = 64;

export interface ListLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export async function list(
  exchange: Identified,
  snapshot: Snapshot,
  { kind, log }: { readonly kind: ListKind; readonly log: ListLog },
): Promise<Reply> {
  // Lists are answered in one page, so no cursor can be one of ours (specification, pagination).
  const { cursor } = exchange.params;
  if (cursor !== undefined && cursor !== null && cursor !== '')
    return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'Invalid cursor' } };
  const servers = reachAll(exchange, snapshot);
  const { era } = exchange.client;
  if (exchange.endpoint.kind === 'server') {
    const [reachable] = servers;
    if (reachable === undefined)
      return {
        kind: 'refused',
        refusal: { reason: 'endpoint-unknown', detail: `no connection to ${exchange.endpoint.server}` },
      };
    if (reachable.isDisabled) return envelope(kind, era, Buffer.alloc(0));
    const read = reachable.catalog.read(kind, 'list');
    const result = orInvitation(kind, read instanceof Promise ? await read : { ok: true, listed: read });
    if (!result.ok) return { kind: 'refused', refusal: failureRefusal(reachable.server, result.failure) };
    return envelope(kind, era, await view({ reachable, kind, listed: result.listed, era, log }, 'server'));
  }
  const snapshots = await gather(
    servers.filter(({ isDisabled }) => !isDisabled),
    kind,
    log,
  );
  const parts: Buffer[] = [];
  for (const { reachable, listed } of snapshots) {
    const part = await view({ reachable, kind, listed, era, log }, 'portal');
    if (part.length > 0) parts.push(part);
  }
  const isMerged = kind === 'resources' || kind === 'templates';
  return envelope(kind, era, isMerged ? await inTurns(unique(parts, kind)) : joined(parts));
}

/** A user without an account at the server sees how to get one. */
function orInvitation(kind: ListKind, result: ListSnapshotResult): ListSnapshotResult {
  if (result.ok || result.failure.kind !== 'account-required') return result;
  return { ok: true, listed: kind === 'tools' ? accountTools : accountNothing };
}

const comma = Buffer.from(',');

function joined(parts: readonly Buffer[]): Buffer {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part])));
}

/** One timer for all that wait equally long. */
class Deadlines {
  readonly #timers = new Map<number, { readonly timer: NodeJS.Timeout; readonly late: Promise<'late'> }>();

  after(timeMs: number): Promise<'late'> {
    const known = this.#timers.get(timeMs);
    if (known !== undefined) return known.late;
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    this.#timers.set(timeMs, { timer: setTimeout(() => resolve('late'), timeMs), late });
    return late;
  }

  clear(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
  }
}

/** Servers that answered; those that are slow or broken are left out, and come with a list change later. */
async function gather(servers: readonly ReachableServer[], kind: ListKind, log: ListLog) {
  const found: { reachable: ReachableServer; listed: ListSnapshot }[] = [];
  const deadlines = new Deadlines();
  await Promise.all(
    servers.map(async (reachable, index) => {
      const { isUntried } = reachable.upstream;
      const read = reachable.catalog.read(kind, 'list');
      let result: ListSnapshotResult | 'late';
      if (read instanceof Promise)
        result = await Promise.race([read, deadlines.after(isUntried ? firstListTimeoutMs : listTimeoutMs)]);
      else result = { ok: true, listed: read };
      if (result !== 'late') result = orInvitation(kind, result);
      if (result === 'late' || !result.ok) {
        reachable.catalog.missed(kind);
        const problem = result === 'late' ? 'slow' : result.failure.kind;
        log.warn({ server: reachable.server, list: kind, problem }, 'server left out of a merged list');
      } else found[index] = { reachable, listed: result.listed };
    }),
  );
  deadlines.clear();
  return found.filter((entry) => entry !== undefined);
}

function envelope(kind: ListKind, era: Era, middle: Buffer): Reply {
  const member = listMembers[kind];
  // What is filtered for one caller must never be served to another (2026-07-28, caching).
  return era === 'modern'
    ? {
        kind: 'pieces',
        before: `{"resultType":"complete","${member}":[`,
        middle,
        after: '],"ttlMs":0,"cacheScope":"private"}',
      }
    : { kind: 'pieces', before: `{"${member}":[`, middle, after: ']}' };
}

interface Shown {
  readonly reachable: ReachableServer;
  readonly kind: ListKind;
  readonly listed: ListSnapshot;
  readonly era: Era;
  readonly log: ListLog;
}

/** The entries that these grants show, written and joined by commas. Empty when they show none. */
export function view(list: Shown, place: 'server' | 'portal'): Buffer | Promise<Buffer> {
  const { reachable, listed, era } = list;
  // Of our own tool there is a view for each server, as its alias begins with the name of the server.
  const whose = listed === accountTools ? reachable.server : reachable.grants.key;
  const key = `${era}${place === 'portal' ? ' portal ' : ' '}${whose}`;
  const known = listed.views.get(key);
  return known ?? made(list, place, key);
}

async function made(list: Shown, place: 'server' | 'portal', key: string): Promise<Buffer> {
  const { reachable, kind, listed, log } = list;
  const texts: string[] = [];
  const turns = turnsOf();
  for (const item of listed.items) {
    if (turns.isOver()) await turns.next();
    try {
      const text = entryText(list, item, place);
      if (text !== undefined) texts.push(text);
    } catch (error) {
      // One entry that no code here expects must not take the list of everybody with it.
      log.warn({ server: reachable.server, list: kind, err: error }, 'entry left out of a list');
    }
  }
  const text = Buffer.from(texts.join(','));
  if (listed.views.size >= maxViews) listed.views.delete(listed.views.keys().next().value ?? '');
  listed.views.set(key, text);
  return text;
}

/** `undefined` for an entry that these grants do not show. */
function entryText(list: Shown, item: JsonObject, place: 'server' | 'portal'): string | undefined {
  const { reachable, kind, listed, era } = list;
  const capability = capabilityOf(kind, item, reachable.catalog);
  // The gateway's own tool is there for every caller that is connected to the server.
  const own = listed === accountTools;
  if (capability === undefined || (!own && !visible(reachable.grants, capability))) return undefined;
  const entry = shown(kind, item, era, place === 'portal' ? reachable.server : undefined);
  // A result without the fields that a mask takes out may not fit it, and clients refuse what does not fit.
  if (!own && 'outputSchema' in entry && reachable.grants.couldMask(capability)) delete entry.outputSchema;
  return JSON.stringify(entry);
}

function visible(grants: Grants, capability: Capability): boolean {
  return grants.couldAllow(capability);
}

function capabilityOf(kind: ListKind, item: JsonObject, catalog: CatalogView): Capability | undefined {
  const name = text(item.name);
  const uri = text(item.uri);
  const uriTemplate = text(item.uriTemplate);
  const pinned = catalog.isNew(item) ? ({ isNew: true } as const) : {};
  switch (kind) {
    case 'tools':
      return name === undefined ? undefined : { type: 'tool', name, traits: catalog.traits(item), ...pinned };
    case 'prompts':
      return name === undefined ? undefined : { type: 'prompt', name, ...pinned };
    case 'resources':
      return uri === undefined ? undefined : { type: 'resource', uri };
    case 'templates':
      return uriTemplate === undefined ? undefined : { type: 'template', uriTemplate, ...pinned };
  }
}

function text(member: Json | undefined): string | undefined {
  return typeof member === 'string' ? member : undefined;
}

/** An entry as this era knows it, with its alias at the portal. */
function shown(kind: ListKind, item: JsonObject, era: Era, server: string | undefined): Record<string, Json> {
  // Task execution is not offered by the gateway, so a tool must not ask for it.
  const { execution: _execution, ...entry } = cleanServerMeta(item);
  const shownEntry: Record<string, Json> = entry;
  if (server !== undefined && (kind === 'tools' || kind === 'prompts'))
    shownEntry.name = aliasOf(server, asText(item.name));
  // Before 2026-07-28 an output schema described an object; clients of that time reject the whole list otherwise.
  if (era === 'legacy' && isObject(item.outputSchema) && item.outputSchema.type !== 'object')
    delete shownEntry.outputSchema;
  return shownEntry;
}

/**
 * Of two servers with the same resource the first is shown, and routing takes the first as well. In steps, as the lists of many
 * servers take a tenth of a second.
 */
function* unique(parts: readonly Buffer[], kind: 'resources' | 'templates'): Generator<undefined, Buffer> {
  if (parts.length < 2) return joined(parts);
  const member = kind === 'resources' ? 'uri' : 'uriTemplate';
  const seen = new Set<Json | undefined>();
  const kept: string[] = [];
  for (const part of parts) {
    for (const [index, item] of (readOwnJson(`[${part.toString()}]`) as readonly JsonObject[]).entries()) {
      if (index % itemsAtOnce === 0) yield;
      if (seen.has(item[member])) continue;
      seen.add(item[member]);
      kept.push(JSON.stringify(item));
    }
    yield;
  }
  return Buffer.from(kept.join(','));
}
