/** Which server it was that answered under a name: its key, or the package behind its command. */
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import { definitionDigest } from '../protocol/digest.ts';
import { isObject, parseJsonText } from '../protocol/json.ts';
import type { Unrecorded } from '../stores/recording.ts';
import { type Database, transaction } from '../stores/sqlite/driver.ts';
import { unrecordedOf } from '../stores/sqlite/unrecorded.ts';

/** Identities of one server that are kept; the one that was seen last longest ago goes. */
export const maxIdentities = 32;

export interface KnownIdentity {
  readonly server: string;
  readonly digest: string;
  readonly identity: ServerIdentity;
  /** When it was seen first, and when it took the place of another one last: milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The one whose place it took. */
  readonly before?: ServerIdentity;
}

export type SeenIdentity =
  | { readonly is: 'first' | 'same' }
  /** `known`: it answered before, as one of several machines behind one address does. */
  | { readonly is: 'changed'; readonly before: KnownIdentity; readonly known: boolean };

export interface IdentityStore {
  /** Remembers who answered, and says what that is to what was known. */
  sawIdentity(server: string, identity: ServerIdentity, at: number): SeenIdentity;
  /** Those that took the place of another one. */
  readonly unrecordedIdentities: Unrecorded<KnownIdentity>;
  /** By server, the current one first. */
  identities(server?: string): readonly KnownIdentity[];
}

export function identityStoreOf(database: Database): IdentityStore {
  const all = database.prepare('SELECT * FROM server_identities ORDER BY server, last_at DESC, first_at DESC');
  const ofServer = database.prepare(
    'SELECT * FROM server_identities WHERE server = ? ORDER BY last_at DESC, first_at DESC',
  );
  const put = database.prepare(
    `INSERT INTO server_identities VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (server, digest) DO UPDATE SET last_at = excluded.last_at, before = excluded.before, is_recorded = excluded.is_recorded`,
  );
  const dropOld = database.prepare(
    `DELETE FROM server_identities WHERE server = ? AND digest NOT IN
       (SELECT digest FROM server_identities WHERE server = ? ORDER BY last_at DESC LIMIT ${maxIdentities})`,
  );
  const identities = (server?: string): readonly KnownIdentity[] =>
    (server === undefined ? all.all() : ofServer.all(server)).flatMap((row) => read(row) ?? []);
  return {
    identities,
    sawIdentity: (server, identity, at) =>
      transaction(database, (): SeenIdentity => {
        const digest = identityDigest(identity);
        const before = identities(server);
        const [current] = before;
        if (current?.digest === digest) return { is: 'same' };
        const known = before.some((each) => each.digest === digest);
        // Of several machines behind one address none is the current one: nothing is written while they take turns.
        if (known && 'url' in identity && current !== undefined) return { is: 'changed', before: current, known };
        const replaced = current === undefined ? null : JSON.stringify(current.identity);
        put.run(server, digest, JSON.stringify(identity), at, at, replaced, current === undefined ? 1 : 0);
        dropOld.run(server, server);
        return current === undefined ? { is: 'first' } : { is: 'changed', before: current, known };
      }),
    unrecordedIdentities: unrecordedOf(database, {
      table: 'server_identities',
      columns: '*',
      order: 'last_at',
      limit: 100,
      read,
    }),
  };
}

export function identityDigest(identity: ServerIdentity): string {
  return definitionDigest(identity);
}

/** Names of the facts that differ, in a stable order. */
export function changedFacts(before: ServerIdentity, now: ServerIdentity): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted();
  return names.filter((name) => before[name] !== now[name]);
}

function read(row: Readonly<Record<string, unknown>>): KnownIdentity | undefined {
  const identity = factsIn(row['content']);
  if (identity === undefined) return undefined;
  const before = row['before'] === null ? undefined : factsIn(row['before']);
  return {
    server: String(row['server']),
    digest: String(row['digest']),
    identity,
    firstAt: Number(row['first_at']),
    lastAt: Number(row['last_at']),
    ...(before !== undefined && { before }),
  };
}

function factsIn(text: unknown): ServerIdentity | undefined {
  const parsed = parseJsonText(String(text), { depth: 4, looseText: true });
  if (!parsed.ok || !isObject(parsed.value)) return undefined;
  return Object.fromEntries(
    Object.entries(parsed.value).flatMap(([name, fact]) => (typeof fact === 'string' ? [[name, fact]] : [])),
  );
}
