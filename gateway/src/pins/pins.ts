/** Judges the lists of servers by what was approved, and remembers what is new for review. */
import type { Lock } from '../config/lock-file.ts';
import type { PinSettings } from '../config/schema/pins.ts';
import type { JudgedDefinition, PinnedServer, Pins } from '../pipeline/contracts/pins.ts';
import type { ServerFacts } from '../pipeline/contracts/upstream.ts';
import { nextTurn, turnsOf } from '../pipeline/turns.ts';
import { hasNoLists } from '../protocol/capabilities.ts';
import { asText, type Json, type JsonObject } from '../protocol/json.ts';
import type { PinnedKind } from '../protocol/pinned-kinds.ts';
import { hideSecrets } from '../secrets/hide.ts';
import { type Definition, definitionOf, differsInTextOnly, instructionsOf } from './definition.ts';
import { SeenLists } from './seen-lists.ts';
import { isKept, type Judged, type PinStore } from './store.ts';

/** What a new definition is compared with: none of its name was approved, or another one was. */
export type Novelty = 'new' | 'changed';

export interface NewDefinition {
  readonly server: string;
  readonly definition: Definition;
  readonly novelty: Novelty;
  /** What a detector found in it, so that it waits for review even at first use. */
  readonly findings: readonly string[];
}

export interface PinParts {
  readonly store: PinStore;
  /** Findings in a definition for which it must not be approved without a person. */
  readonly suspect: (content: JsonObject) => readonly string[] | Promise<readonly string[]>;
  /** Told of what waits for review, the first time that it is seen. */
  readonly onNew: (found: NewDefinition) => void;
  /** Told that the store cannot be read or written, which hides what it does not know. */
  readonly onTrouble: (error: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Entry {
  readonly approved: Set<string>;
  readonly rejected: Set<string>;
  readonly pending: Set<string>;
  /** Of those that wait: does a finding speak against it? Known once a rule asks. */
  readonly suspected: Map<string, boolean>;
}

/** What is done about the definitions of one server. */
export interface ServerPins extends Pick<PinSettings, 'mode' | 'onChange'> {
  /** Some rule shows what is new before it is approved. */
  readonly includesNew?: boolean;
}

/** What is known of the definitions of one server, by kind and name. */
type Known = Map<string, Entry>;

/** Milliseconds from the first contact in which the other lists of a server are read for the first time as well. */
const firstContactMs = 600_000;
/** Rows of one transaction. */
const chunk = 25;

const keyOf = ({ kind, name }: Pick<Definition, 'kind' | 'name'>): string => `${kind} ${name}`;

export class DefinitionPins implements Pins {
  readonly #parts: PinParts;
  readonly #known = new Map<string, Promise<Known>>();
  readonly #versions = new Map<string, number>();
  readonly #seen: SeenLists;
  #settings: (server: string) => ServerPins = () => ({ mode: 'first-use', onChange: 'quarantine' });
  #lock: Lock | undefined;
  #generation = 0;

  constructor(parts: PinParts) {
    this.#parts = parts;
    this.#seen = new SeenLists(parts.store);
  }

  /** `lock`: `undefined` where the file cannot be read, so that nothing is approved by it. */
  configure(settings: (server: string) => ServerPins, lock: Lock | undefined): void {
    this.#settings = settings;
    this.#lock = lock;
    this.#generation += 1;
  }

  version(server: string): number {
    return this.#generation + (this.#versions.get(server) ?? 0);
  }

  /** Another number after each list that differs from the one that was read before it. */
  seen(server: string, kind: PinnedKind): number {
    return this.#seen.changes(server, kind);
  }

  /** Another server may answer under the name: its lists are read again when they are next asked for. */
  renew(server: string): void {
    this.#versions.set(server, (this.#versions.get(server) ?? 0) + 1);
  }

  /** Something was decided by another process: what is known is read again when it is next asked for. */
  forget(): void {
    this.#known.clear();
    this.#seen.forget();
    this.#generation += 1;
  }

  async judge(
    of: PinnedServer,
    kind: Exclude<PinnedKind, 'instructions'>,
    items: readonly JsonObject[],
  ): Promise<readonly JudgedDefinition[]> {
    const { server } = of;
    if (this.#settings(server).mode === 'off') return items.map((content) => ({ content, isNew: false }));
    const secrets = of.secrets();
    const definitions: Definition[] = [];
    const turns = turnsOf();
    for (const item of items) {
      if (turns.isOver()) await turns.next();
      const content = hideSecrets(item, secrets);
      if (turns.isOver()) await turns.next();
      const definition = definitionOf(kind, content);
      if (definition !== undefined) definitions.push(definition);
    }
    const shown = await this.#judgeAll(server, kind, definitions);
    const fresh = await this.#newOf(server, definitions);
    return definitions.flatMap((definition): readonly JudgedDefinition[] => {
      const content = shown.get(definition);
      if (content !== undefined) return [{ content, isNew: false }];
      return fresh.has(definition) ? [{ content: definition.content, isNew: true }] : [];
    });
  }

  async judgeInstructions(of: PinnedServer, text: string): Promise<string | undefined> {
    const { server } = of;
    if (this.#settings(server).mode === 'off') return text;
    const definition = instructionsOf(hideSecrets({ text }, of.secrets()).text);
    const shown = await this.#judgeAll(server, 'instructions', [definition]);
    const content = shown.get(definition);
    return content === undefined ? undefined : asText(content.instructions);
  }

  judgeInfo(server: string, facts: Pick<ServerFacts, 'info' | 'capabilities'>): JsonObject {
    this.met(server, facts);
    const { info = {} } = facts;
    if (this.#settings(server).mode === 'off' && facts.info !== undefined) return info;
    const { name, version } = info;
    return { name: isIdentifier(name) ? name : server, version: isIdentifier(version) ? version : '' };
  }

  met(server: string, { capabilities }: Pick<ServerFacts, 'capabilities'>): void {
    if (!hasNoLists(capabilities) || this.#settings(server).mode === 'off') return;
    try {
      this.#seen.contacted(server, this.#parts.now());
    } catch (error) {
      this.#parts.onTrouble(error);
    }
  }

  /**
   * What rules can show although it waits: nothing of its name was approved or rejected, and no detector found anything in it.
   * The lock file leaves no room for that.
   */
  async #newOf(server: string, definitions: readonly Definition[]): Promise<ReadonlySet<Definition>> {
    const fresh = new Set<Definition>();
    const { mode, includesNew } = this.#settings(server);
    if (includesNew !== true || mode === 'lock') return fresh;
    const known = await this.#knownOf(server).catch((): Known => new Map());
    const turns = turnsOf();
    for (const definition of definitions) {
      if (turns.isOver()) await turns.next();
      const { digest } = definition;
      const entry = known.get(keyOf(definition));
      if (entry?.pending.has(digest) !== true || entry.approved.size > 0 || entry.rejected.size > 0) continue;
      let isSuspected = entry.suspected.get(digest);
      if (isSuspected === undefined) {
        isSuspected = !isKept(definition) || (await this.#parts.suspect(definition.content)).length > 0;
        entry.suspected.set(digest, isSuspected);
      }
      if (!isSuspected) fresh.add(definition);
    }
    return fresh;
  }

  /** What clients get of each definition that they may see: itself, or the approved one in its place. */
  async #judgeAll(
    server: string,
    kind: PinnedKind,
    definitions: readonly Definition[],
  ): Promise<ReadonlyMap<Definition, JsonObject>> {
    const shown = new Map<Definition, JsonObject>();
    let known: Known;
    try {
      known = await this.#knownOf(server);
    } catch (error) {
      this.#parts.onTrouble(error);
      return shown;
    }
    const { mode, onChange } = this.#settings(server);
    const fresh: Definition[] = [];
    const turns = turnsOf();
    for (const definition of definitions) {
      if (turns.isOver()) await turns.next();
      const entry = known.get(keyOf(definition));
      const isApproved =
        mode === 'lock' ? this.#isLocked(server, definition) : entry?.approved.has(definition.digest) === true;
      if (isApproved) shown.set(definition, definition.content);
      else if (entry?.rejected.has(definition.digest) !== true) {
        if (entry?.pending.has(definition.digest) !== true) fresh.push(definition);
        const kept = onChange === 'keep' ? this.#approvedOf(server, definition, { entry, mode }) : undefined;
        if (kept !== undefined) shown.set(definition, kept);
      }
    }
    try {
      const approved = await this.#remember(server, kind, { definitions, fresh, known });
      for (const definition of approved) shown.set(definition, definition.content);
    } catch (error) {
      // What is not remembered is not approved either.
      this.#parts.onTrouble(error);
    }
    return shown;
  }

  #isLocked(server: string, { kind, name, digest }: Definition): boolean {
    return this.#lock?.has(server, kind, name, digest) === true;
  }

  /** The approved definition of this name, where the new one differs in its texts alone. */
  #approvedOf(
    server: string,
    { kind, name, content }: Definition,
    { entry, mode }: { readonly entry: Entry | undefined; readonly mode: PinSettings['mode'] },
  ): JsonObject | undefined {
    for (const digest of entry?.approved ?? []) {
      const stored = this.#parts.store.find({ server, kind, name, digest });
      if (mode === 'lock' && this.#lock?.has(server, kind, name, digest) !== true) continue;
      if (stored !== undefined && differsInTextOnly(stored.content, content)) return stored.content;
    }
    return undefined;
  }

  /** Writes down what is new, and answers what of it is approved by being there at first contact. */
  async #remember(
    server: string,
    kind: PinnedKind,
    {
      definitions,
      fresh,
      known,
    }: { readonly definitions: readonly Definition[]; readonly fresh: readonly Definition[]; readonly known: Known },
  ): Promise<readonly Definition[]> {
    const { store, suspect, onNew, now } = this.#parts;
    const contact = store.firstContact(server);
    // A kind that the server did not have until now is no first use, long after its first contact.
    const isFirst =
      this.#settings(server).mode === 'first-use' &&
      !store.isKnown(server, kind) &&
      (contact === undefined || (now() >= contact && now() - contact < firstContactMs));
    const approved: Definition[] = [];
    let isFull = false;
    for (let at = 0; at < fresh.length; at += chunk) {
      const some = fresh.slice(at, at + chunk);
      const found: { readonly definition: Definition; readonly findings: readonly string[] }[] = [];
      const turns = turnsOf();
      for (const definition of some) {
        if (turns.isOver()) await turns.next();
        const entry = known.get(keyOf(definition));
        // Another reading of the list has seen it meanwhile.
        const isApproved = isFirst && entry?.approved.has(definition.digest) === true;
        if (isApproved) approved.push(definition);
        if (isApproved || entry?.pending.has(definition.digest) === true) continue;
        found.push({
          definition,
          findings: isKept(definition) ? await suspect(definition.content) : ['too large to be shown'],
        });
      }
      const clean = isFirst ? found.filter(({ findings }) => findings.length === 0) : [];
      const open = found.filter((each) => !clean.includes(each));
      if (clean.length > 0) {
        const chosen = clean.map(({ definition }) => definition);
        store.add(server, chosen, 'approved', { at: now(), by: 'first use' });
        approved.push(...chosen);
      }
      const waiting = open.map(({ definition }) => definition);
      if (waiting.length > 0 && store.add(server, waiting, 'pending', { at: now() })) isFull = true;
      for (const { definition } of clean) entryOf(known, definition).approved.add(definition.digest);
      for (const { definition, findings } of open) {
        const entry = entryOf(known, definition);
        entry.pending.add(definition.digest);
        entry.suspected.set(definition.digest, findings.length > 0);
        onNew({ server, definition, novelty: entry.approved.size > 0 ? 'changed' : 'new', findings });
      }
      await nextTurn();
    }
    // The store has let the oldest go: what is in memory is read from it again.
    if (isFull) this.#known.delete(server);
    await this.#seen.saw(server, kind, definitions, now());
    return approved;
  }

  #knownOf(server: string): Promise<Known> {
    const loading = this.#known.get(server);
    if (loading !== undefined) return loading;
    const made = this.#load(server);
    this.#known.set(server, made);
    // What could not be read is tried again at the next list.
    made.catch(() => this.#known.delete(server));
    return made;
  }

  async #load(server: string): Promise<Known> {
    const known: Known = new Map();
    let last: Judged | undefined;
    for (;;) {
      const page = this.#parts.store.states(server, last);
      for (const { state, ...judged } of page) entryOf(known, judged)[state].add(judged.digest);
      last = page.at(-1);
      if (last === undefined) return known;
      await nextTurn();
    }
  }
}

function entryOf(known: Known, definition: Pick<Definition, 'kind' | 'name'>): Entry {
  const key = keyOf(definition);
  const before = known.get(key);
  if (before !== undefined) return before;
  const entry: Entry = { approved: new Set(), rejected: new Set(), pending: new Set(), suspected: new Map() };
  known.set(key, entry);
  return entry;
}

/** Names and versions of programs: nothing that a model takes for a sentence. */
function isIdentifier(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[\w.@/+:-]{1,64}$/.test(value);
}
