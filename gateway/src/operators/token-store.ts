/** Tokens of operators, for scripts. Each has an end, and a role within that of its operator. */
import { type Database, transaction } from '../stores/sqlite/driver.ts';
import { type OperatorToken, type OperatorVersion, operatorBounds } from './operator.ts';
import { type OperatorRole, operatorRoles } from './roles.ts';
import { macOf, newName, newSecret, tokenPrefix } from './secret-text.ts';

export interface NewToken {
  readonly operator: string;
  readonly name: string;
  readonly role: OperatorRole;
  readonly expiresAt: number;
}

export interface TokenStore {
  /** The text is shown once. Undefined when the operator has too many. */
  create(token: NewToken, now: number): { readonly text: string; readonly token: OperatorToken } | undefined;
  use(text: string, now: number): OperatorToken | undefined;
  /** Ended ones included. */
  list(operator: string): readonly OperatorToken[];
  /** Is this one of the operator, which has not changed since this version, in force? */
  stands(id: string, operator: OperatorVersion, now: number): boolean;
  /** False when there is no such token, or it has ended. */
  revoke(id: string, operator: string, now: number): boolean;
  revokeAll(operator: string, now: number): void;
}

export function tokensIn(database: Database, key: Buffer): TokenStore {
  const insert = database.prepare(
    `INSERT INTO operator_tokens (id, mac, operator, name, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const byMac = database.prepare(
    'SELECT * FROM operator_tokens WHERE mac = ? AND revoked_at IS NULL AND expires_at > ?',
  );
  const stands = database.prepare(
    `SELECT 1 FROM operator_tokens AS t JOIN operators AS o ON o.id = t.operator
     WHERE t.id = ?1 AND o.id = ?2 AND o.version = ?3 AND o.revoked_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > ?4`,
  );
  const of = database.prepare('SELECT * FROM operator_tokens WHERE operator = ? ORDER BY created_at LIMIT 1000');
  const inForce = database.prepare(
    'SELECT count(*) AS n FROM operator_tokens WHERE operator = ? AND revoked_at IS NULL AND expires_at > ?',
  );
  const touch = database.prepare('UPDATE operator_tokens SET last_used_at = ? WHERE id = ?');
  const revoke = database.prepare(
    'UPDATE operator_tokens SET revoked_at = ?1 WHERE id = ?2 AND operator = ?3 AND revoked_at IS NULL AND expires_at > ?1',
  );
  const revokeAll = database.prepare(
    'UPDATE operator_tokens SET revoked_at = ? WHERE operator = ? AND revoked_at IS NULL',
  );
  const clean = database.prepare('DELETE FROM operator_tokens WHERE expires_at < ?');

  return {
    create: ({ operator, name, role, expiresAt }, now) =>
      transaction(database, () => {
        clean.run(now - 30 * 86_400_000);
        if (Number(inForce.get(operator, now)?.['n']) >= operatorBounds.tokensOfOne) return undefined;
        const text = newSecret(tokenPrefix);
        const id = newName('ot_');
        insert.run(id, macOf(key, 'token', text), operator, name, role, now, expiresAt);
        return { text, token: { id, operator, name, role, createdAt: now, expiresAt } };
      }),
    stands: (id, operator, now) => stands.get(id, operator.id, operator.version, now) !== undefined,
    use(text, now) {
      const row = byMac.get(macOf(key, 'token', text), now);
      const token = row === undefined ? undefined : tokenOf(row);
      // To the minute, so that a script does not write for each of its requests.
      if (token !== undefined && now - (token.lastUsedAt ?? 0) > 60_000) touch.run(now, token.id);
      return token;
    },
    list: (operator) => of.all(operator).flatMap((row) => tokenOf(row) ?? []),
    revoke: (id, operator, now) => Number(revoke.run(now, id, operator).changes) === 1,
    revokeAll: (operator, now) => void revokeAll.run(now, operator),
  };
}

function tokenOf(row: Readonly<Record<string, unknown>>): OperatorToken | undefined {
  const role = operatorRoles.find((each) => each === row['role']);
  if (role === undefined) return undefined;
  const { revoked_at: revokedAt, last_used_at: lastUsedAt } = row;
  return {
    id: String(row['id']),
    operator: String(row['operator']),
    name: String(row['name']),
    role,
    createdAt: Number(row['created_at']),
    expiresAt: Number(row['expires_at']),
    ...(typeof revokedAt === 'number' && { revokedAt }),
    ...(typeof lastUsedAt === 'number' && { lastUsedAt }),
  };
}
