/** Where definitions and decisions about them are kept: the embedded database, which commands and gateways open. */
import { existsSync } from 'node:fs';
import { definitionDigest } from '../protocol/digest.ts';
import { isObject, type Json, parseJsonText } from '../protocol/json.ts';
import { type PinnedKind, pinnedKinds } from '../protocol/pinned-kinds.ts';
import type { Unrecorded } from '../stores/recording.ts';
import { type Database, databasePath, openDatabase, transaction } from '../stores/sqlite/driver.ts';
import { unrecordedOf } from '../stores/sqlite/unrecorded.ts';
import type { Definition } from './definition.ts';
import { type IdentityStore, identityStoreOf } from './identities.ts';

export const pinStates = ['pending', 'approved', 'rejected'] as const;
export type PinState = (typeof pinStates)[number];

export interface Stored extends Definition {
  readonly server: string;
  readonly state: PinState;
  /** Milliseconds since the epoch. */
  readonly seenAt: number;
  readonly decision?: Decision;
}

export interface Decision {
  readonly at: number;
  readonly by: string;
  readonly reason?: string;
}

export interface Judged {
  readonly kind: PinnedKind;
  readonly name: string;
  readonly digest: string;
  readonly state: PinState;
}

/** What is decided about. */
export interface Deciding {
  readonly server: string;
  readonly kind: PinnedKind;
  readonly name: string;
  readonly digest: string;
}

/** A decision, without what it is about. */
export type Decided = Omit<Stored, 'content' | 'seenAt'>;

export interface ListPart {
  readonly server: string;
  readonly kind: PinnedKind;
  /** From 0. */
  readonly part: number;
  /** A JSON list of pairs of name and digest. */
  readonly names: string;
}

/** Definitions of one server that wait for a decision, and their bytes; those that wait longest go when another comes. */
export const maxWaiting = 5_000;
const maxWaitingBytes = 64 * 1024 * 1024;
/** Where their bytes are too many, one in so many goes at once. */
const droppedShare = 16;
/** Characters of one definition that are kept for review. */
const maxContent = 262_144;
/** Definitions of one server that are read at once. */
const maxRows = 50_000;

/** Decisions that are handed out at once. */
export const unrecordedAtOnce = 100;
/** States of one page. */
export const pageSize = 1_000;

export interface PinStore extends IdentityStore {
  /** The states of a server, in pages: those after `after`, or from the beginning. */
  states(server: string, after: Judged | undefined): readonly Judged[];
  /** With the definitions, in the order of kinds and names. */
  all(server?: string): readonly Stored[];
  find(deciding: Deciding): Stored | undefined;
  /** When a list of the server was first read: milliseconds since the epoch. */
  firstContact(server: string): number | undefined;
  /** Was this list of the server read before? */
  isKnown(server: string, kind: PinnedKind): boolean;
  /** What the list had when it was read last: names, each with the digest of its definition. */
  current(server: string, kind: PinnedKind): ReadonlyMap<string, string> | undefined;
  /** It was reached then, whatever it had. Only the first time counts. */
  contacted(server: string, at: number): void;
  /** Adds what is not there yet. `state`: of what is added. True where others had to go for it. */
  add(
    server: string,
    definitions: readonly Definition[],
    state: PinState,
    decision: Decision | { readonly at: number },
  ): boolean;
  /** A part of a list, as it was read last. True where it is another one than before. */
  sawPart(part: ListPart, at: number): boolean;
  /** The list has so many parts. True where it had more. */
  endParts(server: string, kind: PinnedKind, parts: number): boolean;
  /** How many there were to decide about. */
  decide(what: readonly Deciding[], state: Exclude<PinState, 'pending'>, decision: Decision): number;
  readonly unrecorded: Unrecorded<Decided>;
  close(): void;
}

/** Throws when the database cannot be opened; each method when it cannot be read or written. */
export function openPinStore(data: string): PinStore {
  return storeOf(openDatabase(data));
}

/** For commands: where no gateway has run there is nothing yet. */
export function openExistingPinStore(data: string): PinStore | undefined {
  return existsSync(databasePath(data)) ? openPinStore(data) : undefined;
}

/** What is larger cannot be shown whole, so that it cannot be approved. */
export function isKept({ content }: Pick<Definition, 'content'>): boolean {
  return JSON.stringify(content).length <= maxContent;
}

/** Is what is kept what was seen? */
export function isWhole({ content, digest }: Pick<Definition, 'content' | 'digest'>): boolean {
  return definitionDigest(content) === digest;
}

function storeOf(database: Database): PinStore {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO definitions (server, kind, name, digest, content, state, seen_at, decided_at, decided_by, reason, is_recorded)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const waiting = database.prepare(`SELECT count(*) AS n FROM definitions WHERE server = ? AND state = 'pending'`);
  const size = database.prepare(
    `SELECT total(octet_length(content)) AS n FROM definitions WHERE server = ? AND state = 'pending'`,
  );
  const dropOldest = database.prepare(
    `DELETE FROM definitions WHERE rowid IN
       (SELECT rowid FROM definitions WHERE server = ? AND state = 'pending' ORDER BY seen_at LIMIT ?)`,
  );
  const states = database.prepare(
    `SELECT kind, name, digest, state FROM definitions WHERE server = ? AND (kind, name, digest) > (?, ?, ?)
     ORDER BY kind, name, digest LIMIT ${pageSize}`,
  );
  const allOf = database.prepare('SELECT * FROM definitions WHERE server = ? ORDER BY kind, name, seen_at LIMIT ?');
  const all = database.prepare('SELECT * FROM definitions ORDER BY server, kind, name, seen_at LIMIT ?');
  const one = database.prepare('SELECT * FROM definitions WHERE server = ? AND kind = ? AND name = ? AND digest = ?');
  const list = database.prepare('SELECT names FROM lists_seen WHERE server = ? AND kind = ?');
  const first = database.prepare('SELECT min(first_at) AS at FROM lists_seen WHERE server = ?');
  const saw = database.prepare(
    `INSERT INTO lists_seen VALUES (?, ?, ?, ?) ON CONFLICT (server, kind) DO UPDATE SET names = excluded.names`,
  );
  const contact = database.prepare(`INSERT OR IGNORE INTO lists_seen VALUES (?, 'contact', ?, '[]')`);
  // The sign after a slash is a nought.
  const endParts = database.prepare('DELETE FROM lists_seen WHERE server = ? AND kind >= ? AND kind < ?');
  const partsOf = database.prepare(
    'SELECT names FROM lists_seen WHERE server = ?1 AND (kind = ?2 OR (kind > ?2 AND kind < ?3))',
  );
  const decide = database.prepare(
    `UPDATE definitions SET state = ?, decided_at = ?, decided_by = ?, reason = ?, is_recorded = 0
     WHERE server = ? AND kind = ? AND name = ? AND digest = ?`,
  );
  const currentOf = (server: string, kind: PinnedKind): ReadonlyMap<string, string> | undefined => {
    const rows = partsOf.all(server, kind, `${kind}0`);
    if (rows.length === 0) return undefined;
    const pairs = rows.flatMap((row) => namesIn(String(row['names'])));
    return new Map(pairs.flatMap((pair) => (Array.isArray(pair) ? [[String(pair[0]), String(pair[1])] as const] : [])));
  };

  /** By server: bytes that wait, or more where some were decided about since they were looked at. */
  const sizes = new Map<string, number>();
  const sizeOf = (server: string): number => Number(size.get(server)?.['n'] ?? 0);
  const countOf = (server: string): number => Number(waiting.get(server)?.['n'] ?? 0);
  /** True where the ones that wait longest had to go. */
  const dropOver = (server: string, added: number): boolean => {
    const over = countOf(server) - maxWaiting;
    if (over > 0) dropOldest.run(server, over);
    let bytes = (sizes.get(server) ?? sizeOf(server)) + added;
    if (bytes > maxWaitingBytes) bytes = sizeOf(server);
    let isOver = over > 0;
    for (let count = countOf(server); bytes > maxWaitingBytes && count > 1; count = countOf(server)) {
      dropOldest.run(server, Math.ceil(count / droppedShare));
      bytes = sizeOf(server);
      isOver = true;
    }
    sizes.set(server, bytes);
    return isOver;
  };

  return {
    ...identityStoreOf(database),
    states: (server, after) =>
      states.all(server, after?.kind ?? '', after?.name ?? '', after?.digest ?? '').map((row) => ({
        kind: String(row['kind']) as PinnedKind,
        name: String(row['name']),
        digest: String(row['digest']),
        state: String(row['state']) as PinState,
      })),
    all: (server) =>
      (server === undefined ? all.all(maxRows) : allOf.all(server, maxRows)).flatMap((row) => read(row) ?? []),
    find({ server, kind, name, digest }) {
      const row = one.get(server, kind, name, digest);
      return row === undefined ? undefined : read(row);
    },
    firstContact(server) {
      const at = first.get(server)?.['at'];
      return at === undefined || at === null ? undefined : Number(at);
    },
    isKnown: (server, kind) => list.get(server, kind) !== undefined,
    current: currentOf,
    add(server, definitions, state, decision) {
      const by = 'by' in decision ? decision.by : null;
      const reason = 'by' in decision ? (decision.reason ?? null) : null;
      return transaction(database, () => {
        let added = 0;
        for (const { kind, name, digest, content } of definitions) {
          const text = JSON.stringify(content);
          const kept = text.length > maxContent ? JSON.stringify({ name, tooLarge: text.length }) : text;
          const at = by === null ? null : decision.at;
          added += kept.length;
          insert.run(server, kind, name, digest, kept, state, decision.at, at, by, reason, by === null ? 1 : 0);
        }
        return state === 'pending' && dropOver(server, added);
      });
    },
    contacted: (server, at) => void contact.run(server, at),
    sawPart({ server, kind, part, names }, at) {
      const key = part === 0 ? kind : `${kind}/${String(part).padStart(3, '0')}`;
      if (list.get(server, key)?.['names'] === names) return false;
      saw.run(server, key, at, names);
      return true;
    },
    endParts: (server, kind, parts) =>
      Number(endParts.run(server, `${kind}/${String(parts).padStart(3, '0')}`, `${kind}0`).changes) > 0,
    decide: (what, state, decision) =>
      transaction(database, () => {
        let count = 0;
        for (const { server, kind, name, digest } of what)
          count += Number(
            decide.run(state, decision.at, decision.by, decision.reason ?? null, server, kind, name, digest).changes,
          );
        return count;
      }),
    unrecorded: unrecordedOf(database, {
      table: 'definitions',
      columns: 'server, kind, name, digest, state, decided_at, decided_by, reason',
      order: 'decided_at',
      limit: unrecordedAtOnce,
      read: decidedOf,
    }),
    close: () => database.close(),
  };
}

/** Our own text, of ten thousand names at times: the strict reader would hold up others for longer. */
function namesIn(text: string): readonly Json[] {
  try {
    const value = JSON.parse(text) as Json;
    return Array.isArray(value) ? (value as readonly Json[]) : [];
  } catch {
    // A damaged list is one that was not seen: it is written anew.
    return [];
  }
}

/** `undefined` for a row of another version, which counts as not seen. */
function read(row: Readonly<Record<string, unknown>>): Stored | undefined {
  const decided = decidedOf(row);
  const parsed = parseJsonText(String(row['content']), { depth: 128, looseText: true });
  if (decided === undefined || !parsed.ok || !isObject(parsed.value)) return undefined;
  return { ...decided, content: parsed.value, seenAt: Number(row['seen_at']) };
}

function decidedOf(row: Readonly<Record<string, unknown>>): Decided | undefined {
  const { server, kind, name, digest, state } = row;
  const isKind = (pinnedKinds as readonly unknown[]).includes(kind);
  const isState = (pinStates as readonly unknown[]).includes(state);
  if (!isKind || !isState) return undefined;
  const { decided_at: at, decided_by: by, reason } = row;
  return {
    server: String(server),
    kind: kind as PinnedKind,
    name: String(name),
    digest: String(digest),
    state: state as PinState,
    ...(typeof by === 'string' && {
      decision: { at: Number(at), by, ...(typeof reason === 'string' && { reason }) },
    }),
  };
}
