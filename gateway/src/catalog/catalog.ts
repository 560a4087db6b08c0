/**
 * What one session leads to: the lists of a server, read when first needed, remembered until the server says that they
 * changed or their time is over, with a compiled check for each tool.
 */

import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import type { JudgedDefinition, Pins } from '../pipeline/contracts/pins.ts';
import type { CatalogView, ListSnapshot, ListSnapshotResult } from '../pipeline/contracts/snapshot.ts';
import type { ListResult, ServerFacts, UpstreamClient } from '../pipeline/contracts/upstream.ts';
import type { Deliver, Delivered } from '../pipeline/deliver.ts';
import type { ToolFacts } from '../pipeline/exchange.ts';
import { nextTurn } from '../pipeline/turns.ts';
import { definitionDigest } from '../protocol/digest.ts';
import { asText, isObject, type JsonObject } from '../protocol/json.ts';
import { type ListKind, listChanges } from '../protocol/methods.ts';
import { mirroredArguments } from '../protocol/mirrored-headers.ts';
import { plainSnapshot, settled } from './plain.ts';
import { presented, withoutHidden } from './presented.ts';
import { compileSchema } from './schema.ts';
import { judgeTool, type NamedVerdict, newTrials, outputFacts, rolesOf, schemaOptions, toldOf } from './tools.ts';
import { isRepeatable, isSafe, type KnownTraits, type TraitsReader, toldTraits, traitsReader } from './traits.ts';

export interface CatalogLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface CatalogEvents {
  /** A tool and its input schema, as soon as its definition is known. */
  onTool(server: string, tool: string, inputSchema: JsonObject): void;
  /** A whole list: the schemas of the tools that can be used, and what there is to say about others. */
  onTools(server: string, schemas: ReadonlyMap<string, JsonObject>, verdicts: readonly NamedVerdict[]): void;
}

/** Tools of one list about which something is kept to be read. */
const maxVerdicts = 500;

/** The lists of a server as some session at it read them last. */
export type LastRead = Map<ListKind, ListSnapshot>;

/** Milliseconds. A list whose changes are not heard is read again after this time. */
const silentAgeMs = 30_000;
/** One whose changes are heard, as some servers promise to tell them and do not. */
const announcedAgeMs = 600_000;
/** However long a server says that its list stays as it is. */
const maxAgeMs = 3_600_000;
/** A list is not read more often than this to find a name that it does not have. */
const rereadPauseMs = 1_000;

/** A list that does not last is read again after this many times of what it took to compile. */
const workPauseMs = 5;

/** Milliseconds that reading the tools of one list may take at once, before others have their turn. */
const maxTurnMs = 4;

interface Held {
  readonly listed: ListSnapshot;
  readonly readAt: number;
  /** Milliseconds for which the server says that the list stays as it is. */
  readonly ttl: number | undefined;
  /** Milliseconds that it took to compile the list. */
  readonly work?: number;
  /** The stream over which changes were heard while the list was read. */
  readonly hearing: string | undefined;
  /** Of the pins by which the list was judged. */
  readonly pins: number;
}

type Purpose = 'list' | 'call';
const unheard = { ttl: undefined, hearing: undefined };
const nothing: ListSnapshot = { items: [], byName: new Map(), views: new Map() };

export interface CatalogParts {
  readonly log: CatalogLog;
  readonly events: CatalogEvents;
  readonly lastRead: LastRead;
  readonly deliver: Deliver;
  readonly pins: Pins;
}

export class Catalog implements CatalogView {
  readonly upstream: UpstreamClient;
  readonly #config: ServerConfig;
  readonly #bounds: Bounds;
  readonly #log: CatalogLog;
  readonly #events: CatalogEvents;
  readonly #lastRead: LastRead;
  readonly #deliver: Deliver;
  readonly #pins: Pins;
  readonly #held = new Map<ListKind, Held>();
  readonly #reading = new Map<ListKind, Promise<ListSnapshotResult>>();
  readonly #missed = new Set<ListKind>();
  readonly #arrivals = new Set<(kind: ListKind) => void>();
  readonly #tools = new WeakMap<JsonObject, ToolFacts>();
  readonly #new = new WeakSet<JsonObject>();
  readonly traits: TraitsReader;

  constructor(
    upstream: UpstreamClient,
    config: ServerConfig,
    bounds: Bounds,
    { log, events, lastRead, deliver, pins }: CatalogParts,
  ) {
    this.upstream = upstream;
    this.#config = config;
    this.#bounds = bounds;
    this.#log = log;
    this.#events = events;
    this.#lastRead = lastRead;
    this.#deliver = deliver;
    this.#pins = pins;
    this.traits = traitsReader(config);
    upstream.onNotification((method) => {
      for (const kind of listChanges.get(method) ?? []) this.#held.delete(kind);
    });
  }

  /** Returns the cached list; fetches it when absent or expired. */
  read(kind: ListKind, purpose: Purpose = 'call'): ListSnapshot | Promise<ListSnapshotResult> {
    const held = this.#held.get(kind);
    if (held !== undefined && performance.now() - held.readAt < this.#ageOf(held, purpose) && this.#isJudged(held))
      return held.listed;
    return this.#fetch(kind);
  }

  /**
   * Milliseconds for which a list is used. What the server says of its time to live holds for what clients are shown; a
   * call is looked up in what was read a moment ago, and read anew when the list does not have it or its schema refuses.
   */
  #ageOf({ ttl, work = 0, hearing }: Held, purpose: Purpose): number {
    // A caller that lists without a pause must not keep a core busy with compiling the same list.
    if (ttl === 0 && purpose === 'list') return Math.min(work * workPauseMs, rereadPauseMs);
    if (hearing !== undefined && hearing === this.upstream.hearing) return announcedAgeMs;
    const stated = Math.min(ttl ?? silentAgeMs, maxAgeMs);
    return purpose === 'call' ? Math.max(stated, silentAgeMs) : stated;
  }

  /** By the pins of now. */
  #isJudged({ pins }: Held): boolean {
    return pins === this.#pins.version(this.upstream.server);
  }

  /** Reads the list again if it is older than a moment: for a name that it does not have. */
  reread(kind: ListKind): Promise<ListSnapshotResult> {
    const held = this.#held.get(kind);
    if (held !== undefined && performance.now() - held.readAt < rereadPauseMs && this.#isJudged(held))
      return Promise.resolve({ ok: true, listed: held.listed });
    return this.#fetch(kind);
  }

  peek(kind: ListKind): ListSnapshot | undefined {
    return this.#held.get(kind)?.listed ?? this.#lastRead.get(kind);
  }

  tierOf(tool: string): ToolFacts['tier'] {
    return toldTraits(this.#config, tool).tier ?? this.traitsOf(tool)?.tier ?? 'write';
  }

  traitsOf(tool: string): KnownTraits | undefined {
    const definition = this.peek('tools')?.byName.get(tool);
    return definition && this.traits(definition);
  }

  /** What is needed to check and to record a call of this tool. */
  facts(definition: JsonObject): ToolFacts {
    const known = this.#tools.get(definition);
    if (known !== undefined) return known;
    const name = asText(definition.name);
    const told = toldOf(this.#config, name);
    const schema = isObject(definition.inputSchema) ? definition.inputSchema : {};
    const compiled = compileSchema(schema, schemaOptions(this.#config, name, this.#bounds));
    const facts: ToolFacts = {
      digest: definitionDigest(definition),
      ...this.traits(definition),
      isSafe: isSafe(this.#config, name),
      ...(told?.cost === undefined ? {} : { cost: told.cost }),
      ...(told?.coalesce === true && { coalesces: true as const }),
      ...(told === undefined ? {} : { timeouts: told.timeouts, ...rolesOf(told) }),
      mirrored: mirroredArguments(schema) ?? [],
      repeatable: isRepeatable(this.#config, definition),
      ...outputFacts(definition, this.#config, this.#bounds),
      validate: compiled.ok ? withoutHidden(compiled.validate, told?.hide ?? []) : () => [compiled.problem],
    };
    this.#tools.set(definition, facts);
    return facts;
  }

  isNew(definition: JsonObject): boolean {
    return this.#new.has(definition);
  }

  instructions(text: string): Promise<string | undefined> {
    return this.#pins.judgeInstructions(this.upstream, text);
  }

  info(facts: ServerFacts): JsonObject {
    return this.#pins.judgeInfo(this.upstream.server, facts);
  }

  /** A client was answered without this list: `onArrival` tells when it is there. */
  missed(kind: ListKind): void {
    this.#missed.add(kind);
  }

  onArrival(listener: (kind: ListKind) => void): () => void {
    this.#arrivals.add(listener);
    return () => this.#arrivals.delete(listener);
  }

  #fetch(kind: ListKind): Promise<ListSnapshotResult> {
    const reading = this.#reading.get(kind);
    if (reading !== undefined) return reading;
    const promise = this.#load(kind)
      .catch((error: unknown): ListSnapshotResult => {
        this.#log.warn({ server: this.upstream.server, list: kind, err: error }, 'list cannot be read');
        return { ok: false, failure: { kind: 'misbehaved', detail: `${kind} cannot be read` } };
      })
      .finally(() => this.#reading.delete(kind));
    this.#reading.set(kind, promise);
    return promise;
  }

  async #load(kind: ListKind): Promise<ListSnapshotResult> {
    const facts = await this.upstream.facts();
    if ('failure' in facts) return { ok: false, failure: facts.failure };
    this.#pins.met(this.upstream.server, facts);
    const capability = facts.capabilities[kind === 'templates' ? 'resources' : kind];
    if (!isObject(capability)) return this.#hold(kind, { ...unheard, listed: nothing, ttl: maxAgeMs });
    const { hearing } = this.upstream;
    // A change that is announced while the list is being read makes the answer stale before it is there.
    let changed = false;
    const stop = this.upstream.onNotification((method) => {
      if (listChanges.get(method)?.includes(kind) === true) changed = true;
    });
    const read = await this.#read(kind).finally(stop);
    if (!read.ok) return this.#tolerate(kind, read);
    const { result, listed, began, pins } = read;
    const isHeard = capability.listChanged === true && hearing === this.upstream.hearing;
    return this.#hold(kind, {
      listed,
      readAt: changed ? Number.NEGATIVE_INFINITY : performance.now(),
      ttl: result.ttl,
      work: performance.now() - began,
      hearing: isHeard ? hearing : undefined,
      pins,
    });
  }

  /** The list of the server, and what is known from it once it is delivered and compiled. */
  async #read(kind: ListKind) {
    const result = await this.upstream.list(kind);
    if (!result.ok) return result;
    const began = performance.now();
    const { server } = this.upstream;
    const pins = this.#pins.version(server);
    const pinned =
      kind === 'resources' ? result.items.map(settled) : await this.#pins.judge(this.upstream, kind, result.items);
    const items = await this.#delivered(
      kind,
      pinned.map(({ content, isNew }) => ({ content: presented(kind, content, this.#config), isNew })),
    );
    const listed = kind === 'tools' ? await this.#toolSnapshot(items) : plainSnapshot(kind, items);
    return { ok: true as const, result, listed, began, pins };
  }

  /** The definitions as clients may get them, looked at once for all of them: from here on nothing else is known. */
  async #delivered(list: ListKind, items: readonly JudgedDefinition[]): Promise<readonly Delivered<JsonObject>[]> {
    const kept: Delivered<JsonObject>[] = [];
    let until = performance.now() + maxTurnMs;
    for (const { content, isNew } of items) {
      if (performance.now() > until) {
        await nextTurn();
        until = performance.now() + maxTurnMs;
      }
      const delivery = this.#deliver({ kind: 'definition', list, content }, this);
      const done = delivery instanceof Promise ? await delivery : delivery;
      if (done.ok) {
        kept.push(done.content);
        if (isNew) this.#new.add(done.content);
      } else this.#log.warn({ server: this.upstream.server, list, problem: done.detail }, 'definition withheld');
    }
    return kept;
  }

  /** Some servers declare resources and know no templates; that is an empty list, not a failure. */
  #tolerate(kind: ListKind, result: ListResult & { ok: false }): ListSnapshotResult {
    if (kind === 'templates' && result.failure.kind === 'misbehaved')
      return this.#hold(kind, { ...unheard, listed: nothing });
    return { ok: false, failure: result.failure };
  }

  #hold(
    kind: ListKind,
    {
      readAt = performance.now(),
      pins = this.#pins.version(this.upstream.server),
      ...list
    }: Omit<Held, 'readAt' | 'pins'> & { readAt?: number; pins?: number },
  ): ListSnapshotResult {
    const { listed } = list;
    this.#lastRead.set(kind, listed);
    this.#held.set(kind, { ...list, readAt, pins });
    if (this.#missed.delete(kind)) for (const listener of this.#arrivals) listener(kind);
    return { ok: true, listed };
  }

  /** Leaves out what cannot be called safely, and says so once per reading. */
  async #toolSnapshot(items: readonly Delivered<JsonObject>[]): Promise<ListSnapshot> {
    const usable: Delivered<JsonObject>[] = [];
    const byName = new Map<string, Delivered<JsonObject>>();
    const schemas = new Map<string, JsonObject>();
    const verdicts: NamedVerdict[] = [];
    const trials = newTrials();
    let until = performance.now() + maxTurnMs;
    for (const item of items) {
      if (performance.now() > until) {
        await nextTurn();
        until = performance.now() + maxTurnMs;
      }
      const { problem, notes } = judgeTool(item, byName, this.#config, this.#bounds, trials);
      const tool = asText(item.name).slice(0, 128);
      if ((problem !== undefined || notes.length > 0) && verdicts.length < maxVerdicts)
        verdicts.push({ tool, notes, ...(problem === undefined ? {} : { problem }) });
      const about = { server: this.upstream.server, tool };
      if (problem !== undefined) {
        this.#log.warn({ ...about, problem }, 'tool left out');
        continue;
      }
      for (const note of notes) this.#log.warn({ ...about, note }, 'tool schema');
      if (isObject(item.inputSchema)) {
        schemas.set(asText(item.name), item.inputSchema);
        this.#tell(asText(item.name), item.inputSchema);
      }
      this.traits(item);
      usable.push(item);
      byName.set(asText(item.name), item);
    }
    this.#events.onTools(this.upstream.server, schemas, verdicts);
    return { items: usable, byName, views: new Map() };
  }

  /** A fault of a listener must not take the list with it. */
  #tell(tool: string, schema: JsonObject): void {
    try {
      this.#events.onTool(this.upstream.server, tool, schema);
    } catch (error) {
      this.#log.warn({ server: this.upstream.server, tool, err: error }, 'conditions cannot be compared with the tool');
    }
  }
}
