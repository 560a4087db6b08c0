/** Operators, in the embedded database: who they are, and how they prove it. Every command and process sees the same. */
import type { AuditEvent } from '../pipeline/contracts/audit.ts';
import { createSeal, derivedKey } from '../secrets/seal.ts';
import type { Unrecorded } from '../stores/recording.ts';
import { type Database, openDatabase, transaction } from '../stores/sqlite/driver.ts';
import { unrecordedOf } from '../stores/sqlite/unrecorded.ts';
import { type Operator, type OperatorGroup, operatorBounds, type Passkey } from './operator.ts';
import { type OperatorRole, operatorRoles } from './roles.ts';
import { newName } from './secret-text.ts';
import { type SessionStore, sessionsIn } from './session-store.ts';
import { type TokenStore, tokensIn } from './token-store.ts';

export interface NewOperator {
  readonly name: string;
  readonly role: OperatorRole;
  readonly servers?: readonly string[];
  readonly user?: string;
}

export type Created =
  | { readonly ok: true; readonly operator: Operator }
  | { readonly ok: false; readonly problem: 'exists' | 'full' };

export type Changed =
  | { readonly ok: true; readonly operator: Operator }
  | { readonly ok: false; readonly problem: 'unknown' | 'changed-meanwhile' | 'last-administrator' | 'of-group' };

/** What a group makes of a user. */
export interface Admitted extends NewOperator {
  readonly user: string;
  readonly group: OperatorGroup;
}

export type Admission =
  | { readonly ok: true; readonly operator: Operator; readonly change: 'created' | 'changed' | 'none' }
  | { readonly ok: false; readonly problem: 'exists' | 'full' | 'revoked' };

export interface PasswordOf {
  /** Argon2id in the PHC format. */
  readonly hash: string;
  /** Secret of the second factor (RFC 6238), base32. */
  readonly totp: string;
}

export interface OperatorStore {
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  /** Revoked ones included, the oldest first. */
  list(): readonly Operator[];
  get(id: string): Operator | undefined;
  named(name: string): Operator | undefined;
  create(operator: NewOperator, now: number): Created;
  change(id: string, change: Partial<NewOperator>, version?: number): Changed;
  /** A group says what this user is: its operator is made, or changed. One that was revoked by a person stays revoked. */
  admit(admitted: Admitted, now: number): Admission;
  /** No group gives it a role any more: its sessions end. It can be admitted again. */
  suspend(id: string, now: number): Changed;
  /** Ends its sessions and tokens as well. */
  revoke(id: string, at: { readonly now: number; readonly version?: number }): Changed;
  password(id: string): PasswordOf | undefined;
  setPassword(id: string, password: PasswordOf): void;
  /** True once for each step of time of a second factor, so that what was seen over a shoulder is worth nothing. */
  useTotp(id: string, step: number): boolean;
  passkeys(operator: string): readonly Passkey[];
  passkey(id: string): Passkey | undefined;
  /** False when it is known, or the operator has too many. */
  addPasskey(passkey: Passkey): boolean;
  /** False when the counter does not grow: the key may have been copied (WebAuthn, 6.1.1). */
  usePasskey(id: string, counter: number): boolean;
  /** A command did something that only the process with the log can record. */
  tell(event: OperatorEvent): void;
  /** What commands did. */
  readonly unrecorded: Unrecorded<OperatorEvent>;
  close(): void;
}

export type OperatorEvent = Pick<AuditEvent, 'at' | 'detail'> & {
  readonly kind: 'operator-created' | 'operator-changed' | 'operator-revoked' | 'operator-token';
};

/** Events that wait for a gateway to run; the oldest go. */
const maxEvents = 10_000;

/** `master`: 32 secret bytes. Throws when the database cannot be opened; each method when it cannot be read or written. */
export function openOperatorStore(data: string, master: Buffer): OperatorStore {
  const database = openDatabase(data);
  // Who may decide must survive the machine.
  database.exec('PRAGMA synchronous = FULL');
  return storeOf(database, master);
}

function storeOf(database: Database, master: Buffer): OperatorStore {
  const seal = createSeal(master, 'operator-totp');
  const key = derivedKey(master, 'operators');
  const all = database.prepare('SELECT * FROM operators ORDER BY created_at, id LIMIT ?');
  const one = database.prepare('SELECT * FROM operators WHERE id = ?');
  const byName = database.prepare('SELECT * FROM operators WHERE name = ?');
  const count = database.prepare('SELECT count(*) AS n FROM operators');
  const administrators = database.prepare(
    "SELECT count(*) AS n FROM operators WHERE role = 'administrator' AND revoked_at IS NULL AND id != ?",
  );
  const insert = database.prepare(
    'INSERT INTO operators (id, name, role, servers, user, created_at, version, totp_step) VALUES (?, ?, ?, ?, ?, ?, 1, 0)',
  );
  const update = database.prepare(
    'UPDATE operators SET role = ?, servers = ?, user = ?, revoked_at = ?, version = version + 1 WHERE id = ?',
  );
  const byUser = database.prepare('SELECT * FROM operators WHERE user = ? ORDER BY created_at, id LIMIT 100');
  const byGroup = database.prepare(
    `UPDATE operators SET role = ?, servers = ?, made_by = ?, group_over = 0, revoked_at = NULL, version = version + 1 WHERE id = ?`,
  );
  const suspend = database.prepare(
    'UPDATE operators SET group_over = 1, revoked_at = ?, version = version + 1 WHERE id = ?',
  );
  const setPassword = database.prepare('UPDATE operators SET password = ?, totp = ?, totp_step = 0 WHERE id = ?');
  const stepTotp = database.prepare('UPDATE operators SET totp_step = ?1 WHERE id = ?2 AND totp_step < ?1');
  const passkeysOf = database.prepare('SELECT * FROM passkeys WHERE operator = ? ORDER BY created_at LIMIT 100');
  const passkeyOf = database.prepare('SELECT * FROM passkeys WHERE id = ?');
  const insertPasskey = database.prepare(
    'INSERT OR IGNORE INTO passkeys (id, operator, name, public_key, counter, created_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const countPasskey = database.prepare(
    'UPDATE passkeys SET counter = ?1 WHERE id = ?2 AND (counter < ?1 OR (counter = 0 AND ?1 = 0))',
  );
  const addEvent = database.prepare('INSERT INTO operator_events (event) VALUES (?)');
  const dropEvents = database.prepare('DELETE FROM operator_events WHERE is_recorded = 1');
  const trimEvents = database.prepare(
    'DELETE FROM operator_events WHERE id <= (SELECT max(id) FROM operator_events) - ?',
  );
  const sessions = sessionsIn(database, key);
  const tokens = tokensIn(database, key);
  const get = (id: string): Operator | undefined => operatorOf(one.get(id));

  const changed = (id: string, version: number | undefined, make: (now: Operator) => Operator): Changed =>
    transaction(database, () => {
      const before = get(id);
      if (before === undefined || before.revokedAt !== undefined) return { ok: false, problem: 'unknown' };
      if (version !== undefined && version !== before.version) return { ok: false, problem: 'changed-meanwhile' };
      const after = make(before);
      // Its group says what it may do; revoking it is another matter.
      if (before.group !== undefined && after.revokedAt === undefined) return { ok: false, problem: 'of-group' };
      const isLost = after.role !== 'administrator' || after.revokedAt !== undefined;
      if (before.role === 'administrator' && isLost && Number(administrators.get(id)?.['n']) === 0)
        return { ok: false, problem: 'last-administrator' };
      const { role, servers, user, revokedAt } = after;
      update.run(role, servers === undefined ? null : JSON.stringify(servers), user ?? null, revokedAt ?? null, id);
      if (revokedAt !== undefined) {
        sessions.endAll(id);
        tokens.revokeAll(id, revokedAt);
      }
      return { ok: true, operator: { ...after, version: before.version + 1 } };
    });

  return {
    sessions,
    tokens,
    get,
    list: () => all.all(operatorBounds.operators).flatMap((row) => operatorOf(row) ?? []),
    named: (name) => operatorOf(byName.get(name)),
    create: ({ name, role, servers, user }, now) =>
      transaction(database, () => {
        if (byName.get(name) !== undefined) return { ok: false, problem: 'exists' };
        if (Number(count.get()?.['n']) >= operatorBounds.operators) return { ok: false, problem: 'full' };
        const id = newName('op_');
        insert.run(id, name, role, servers === undefined ? null : JSON.stringify(servers), user ?? null, now);
        const operator = get(id);
        if (operator === undefined) throw new Error('an operator is gone as soon as it was made');
        return { ok: true, operator };
      }),
    admit: ({ name, role, servers, user, group }, now) =>
      transaction(database, () => {
        const rows = byUser.all(user);
        const known = rows.map(operatorOf).filter((each) => each !== undefined);
        const before = known.find((each) => each.group !== undefined);
        const isOver = rows.some((row) => row['id'] === before?.id && Number(row['group_over']) === 1);
        // What a person took away, no group gives back.
        if (known.some((each) => each.revokedAt !== undefined && !(isOver && each.id === before?.id)))
          return { ok: false, problem: 'revoked' };
        const [places, by] = [servers === undefined ? null : JSON.stringify(servers), JSON.stringify(group)];
        if (before === undefined) {
          if (byName.get(name) !== undefined) return { ok: false, problem: 'exists' };
          if (Number(count.get()?.['n']) >= operatorBounds.operators) return { ok: false, problem: 'full' };
          insert.run(newName('op_'), name, role, places, user, now);
        }
        const id = before?.id ?? String(byName.get(name)?.['id']);
        const isSame =
          before !== undefined &&
          !isOver &&
          before.role === role &&
          JSON.stringify(before.servers ?? null) === JSON.stringify(servers ?? null) &&
          JSON.stringify(before.group) === by;
        if (!isSame) byGroup.run(role, places, by, id);
        const operator = get(id);
        if (operator === undefined) throw new Error('an operator is gone as soon as it was admitted');
        return { ok: true, operator, change: before === undefined ? 'created' : isSame ? 'none' : 'changed' };
      }),
    suspend: (id, now) =>
      transaction(database, () => {
        const before = get(id);
        if (before?.group === undefined || before.revokedAt !== undefined) return { ok: false, problem: 'unknown' };
        suspend.run(now, id);
        sessions.endAll(id);
        tokens.revokeAll(id, now);
        return { ok: true, operator: { ...before, revokedAt: now, version: before.version + 1 } };
      }),
    change: (id, change, version) => changed(id, version, (before) => ({ ...before, ...change })),
    revoke: (id, { now, version }) => changed(id, version, (before) => ({ ...before, revokedAt: now })),
    password(id) {
      const { password, totp } = one.get(id) ?? {};
      if (typeof password !== 'string' || typeof totp !== 'string') return undefined;
      const opened = seal.open(totp);
      return typeof opened === 'string' ? { hash: password, totp: opened } : undefined;
    },
    setPassword: (id, { hash, totp }) => void setPassword.run(hash, seal.close(totp), id),
    useTotp: (id, step) => Number(stepTotp.run(step, id).changes) === 1,
    passkeys: (operator) => passkeysOf.all(operator).map(passkeyFrom),
    passkey(id) {
      const row = passkeyOf.get(id);
      return row === undefined ? undefined : passkeyFrom(row);
    },
    addPasskey: ({ id, operator, name, publicKey, counter, createdAt }) =>
      transaction(database, () => {
        if (passkeysOf.all(operator).length >= operatorBounds.passkeysOfOne) return false;
        return Number(insertPasskey.run(id, operator, name, publicKey, counter, createdAt).changes) === 1;
      }),
    usePasskey: (id, counter) => Number(countPasskey.run(counter, id).changes) === 1,
    tell: (event) =>
      transaction(database, () => {
        addEvent.run(JSON.stringify(event));
        trimEvents.run(maxEvents);
      }),
    unrecorded: unrecordedOf(database, {
      table: 'operator_events',
      columns: 'event',
      order: 'id',
      limit: 500,
      read: (row) => JSON.parse(String(row['event'])) as OperatorEvent,
      onRecorded: () => dropEvents.run(),
    }),
    close: () => database.close(),
  };
}

type Row = Readonly<Record<string, unknown>>;

function operatorOf(row: Row | undefined): Operator | undefined {
  if (row === undefined) return undefined;
  const { servers, user, revoked_at: revokedAt, made_by: madeBy } = row;
  const role = operatorRoles.find((each) => each === row['role']);
  // A role that this version does not know gives no right.
  if (role === undefined) return undefined;
  return {
    id: String(row['id']),
    name: String(row['name']),
    role,
    ...(typeof servers === 'string' && { servers: JSON.parse(servers) as readonly string[] }),
    ...(typeof user === 'string' && { user }),
    ...(typeof madeBy === 'string' && { group: JSON.parse(madeBy) as OperatorGroup }),
    createdAt: Number(row['created_at']),
    ...(typeof revokedAt === 'number' && { revokedAt }),
    version: Number(row['version']),
  };
}

function passkeyFrom(row: Row): Passkey {
  return {
    id: String(row['id']),
    operator: String(row['operator']),
    name: String(row['name']),
    publicKey: String(row['public_key']),
    counter: Number(row['counter']),
    createdAt: Number(row['created_at']),
  };
}
