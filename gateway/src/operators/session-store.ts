/** Sessions of browsers, and one-time links. Both are secret texts of which the HMAC is kept. */
import { type Database, transaction } from '../stores/sqlite/driver.ts';
import { type Link, type OperatorVersion, operatorBounds, type Session } from './operator.ts';
import { type OperatorRole, operatorRoles } from './roles.ts';
import { macOf, newName, newSecret } from './secret-text.ts';

export interface SessionStore {
  /** The text that the cookie carries. The oldest of an operator that has too many is ended. */
  open(operator: string, means: Session['means'], now: number): { readonly text: string; readonly session: Session };
  /** Looks it up, and counts as a use. */
  use(text: string, now: number): Session | undefined;
  /** Who is there was proven again. */
  prove(id: string, now: number): void;
  list(operator: string, now: number): readonly Session[];
  /** Is this one of the operator, which has not changed since this version, in force? */
  stands(id: string, operator: OperatorVersion, now: number): boolean;
  /** False when there is none. */
  end(id: string, operator: string): boolean;
  endAll(operator: string): void;
  /** Undefined when too many are open. */
  link(link: Omit<Link, 'endsAt'>, now: number): { readonly text: string; readonly endsAt: number } | undefined;
  linkOf(text: string, now: number): Link | undefined;
  /** True for one of all that try. */
  takeLink(text: string, now: number): boolean;
}

export function sessionsIn(database: Database, key: Buffer): SessionStore {
  const byMac = database.prepare('SELECT * FROM operator_sessions WHERE mac = ? AND idle_at > ? AND ends_at > ?');
  const of = database.prepare(
    'SELECT * FROM operator_sessions WHERE operator = ? AND idle_at > ? AND ends_at > ? ORDER BY created_at LIMIT 100',
  );
  const stands = database.prepare(
    `SELECT 1 FROM operator_sessions AS s JOIN operators AS o ON o.id = s.operator
     WHERE s.id = ?1 AND o.id = ?2 AND o.version = ?3 AND o.revoked_at IS NULL AND s.idle_at > ?4 AND s.ends_at > ?4`,
  );
  const insert = database.prepare(
    `INSERT INTO operator_sessions (id, mac, operator, means, created_at, proven_at, idle_at, ends_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const touch = database.prepare('UPDATE operator_sessions SET idle_at = ? WHERE id = ?');
  const prove = database.prepare('UPDATE operator_sessions SET proven_at = ? WHERE id = ?');
  const end = database.prepare('DELETE FROM operator_sessions WHERE id = ? AND operator = ?');
  const endAll = database.prepare('DELETE FROM operator_sessions WHERE operator = ?');
  const clean = database.prepare('DELETE FROM operator_sessions WHERE ends_at <= ?1 OR idle_at <= ?1');
  const insertLink = database.prepare('INSERT INTO operator_links (mac, content, ends_at) VALUES (?, ?, ?)');
  const links = database.prepare('SELECT count(*) AS n FROM operator_links');
  const cleanLinks = database.prepare('DELETE FROM operator_links WHERE ends_at <= ?');
  const endFirst = database.prepare("DELETE FROM operator_links WHERE json_extract(content, '$.operator') IS NULL");
  const link = database.prepare('SELECT * FROM operator_links WHERE mac = ? AND ends_at > ?');
  const takeLink = database.prepare('DELETE FROM operator_links WHERE mac = ? AND ends_at > ?');

  return {
    open: (operator, means, now) =>
      transaction(database, () => {
        clean.run(now);
        const own = of.all(operator, now, now);
        const tooMany = own.slice(0, Math.max(0, own.length - operatorBounds.sessionsOfOne + 1));
        for (const row of tooMany) end.run(String(row['id']), operator);
        const text = newSecret();
        const id = newName('os_');
        const idleAt = now + operatorBounds.idleMs;
        const endsAt = now + operatorBounds.sessionMs;
        insert.run(id, macOf(key, 'session', text), operator, means, now, now, idleAt, endsAt);
        return { text, session: { id, operator, means, createdAt: now, provenAt: now, idleAt, endsAt } };
      }),
    stands: (id, operator, now) => stands.get(id, operator.id, operator.version, now) !== undefined,
    use(text, now) {
      const row = byMac.get(macOf(key, 'session', text), now, now);
      if (row === undefined) return undefined;
      const session = sessionOf(row);
      // One write a minute is enough to see who is idle.
      if (session.idleAt - now < operatorBounds.idleMs - 60_000) touch.run(now + operatorBounds.idleMs, session.id);
      return session;
    },
    prove: (id, now) => void prove.run(now, id),
    list: (operator, now) => of.all(operator, now, now).map(sessionOf),
    end: (id, operator) => Number(end.run(id, operator).changes) === 1,
    endAll: (operator) => void endAll.run(operator),
    link: (content, now) =>
      transaction(database, () => {
        cleanLinks.run(now);
        // Of the links that make the first administrator the newest counts.
        if (content.operator === undefined) endFirst.run();
        if (Number(links.get()?.['n']) >= operatorBounds.links) return undefined;
        const text = newSecret();
        const endsAt = now + operatorBounds.linkMs;
        insertLink.run(macOf(key, 'link', text), JSON.stringify(content), endsAt);
        return { text, endsAt };
      }),
    linkOf(text, now) {
      const row = link.get(macOf(key, 'link', text), now);
      if (row === undefined) return undefined;
      const content = JSON.parse(String(row['content'])) as Omit<Link, 'endsAt'>;
      const isKnown = (operatorRoles as readonly OperatorRole[]).includes(content.role);
      return isKnown ? { ...content, endsAt: Number(row['ends_at']) } : undefined;
    },
    takeLink: (text, now) => Number(takeLink.run(macOf(key, 'link', text), now).changes) === 1,
  };
}

function sessionOf(row: Readonly<Record<string, unknown>>): Session {
  return {
    id: String(row['id']),
    operator: String(row['operator']),
    means: String(row['means']) as Session['means'],
    createdAt: Number(row['created_at']),
    provenAt: Number(row['proven_at']),
    idleAt: Number(row['idle_at']),
    endsAt: Number(row['ends_at']),
  };
}
