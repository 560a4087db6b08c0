/** What changes around the calls and has a record of its own: servers of a revision, and API keys. */
import type { Configuration } from '../../config/schema/index.ts';
import type { AuditEvent } from '../../pipeline/contracts/audit.ts';
import type { StoredKey } from '../../stores/contract/keys.ts';

/** One event for each server that came, went, or has another status. */
export function statusChanges(before: Configuration, after: Configuration, at: number): AuditEvent[] {
  const names = new Set([...Object.keys(before.servers), ...Object.keys(after.servers)]);
  return [...names].toSorted().flatMap((server) => {
    const [from, to] = [statusOf(before, server), statusOf(after, server)];
    return from === to ? [] : [{ kind: 'server-status' as const, at, server, detail: { from, to } }];
  });
}

function statusOf({ servers }: Configuration, name: string): string {
  return Object.hasOwn(servers, name) ? (servers[name]?.status ?? 'active') : 'absent';
}

export function keyMade(key: StoredKey): AuditEvent {
  const { id, createdAt, expiresAt, networks } = key;
  const detail = { key: id, ...(expiresAt !== undefined && { expiresAt }), ...(networks && { networks }) };
  return { kind: 'key-created', at: createdAt, caller: holderOf(key), detail };
}

/** A key that is taken out of the store by hand is `removed`. */
export function keyEnded(id: string, key: StoredKey | undefined, now: number): AuditEvent {
  const revoked = key?.revokedAt;
  const because = key === undefined ? 'removed' : revoked === undefined ? 'expired' : 'revoked';
  const at = revoked ?? key?.expiresAt ?? now;
  return { kind: 'key-revoked', at, ...(key && { caller: holderOf(key) }), detail: { key: id, because } };
}

/** What happened to keys while no gateway ran, oldest first. `since`: when one ran last. */
export function keysMeanwhile(keys: Iterable<StoredKey>, since: number, now: number): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (const key of keys) {
    if (key.createdAt > since) events.push(keyMade(key));
    const ended = key.revokedAt ?? key.expiresAt ?? Number.POSITIVE_INFINITY;
    if (ended > since && ended <= now) events.push(keyEnded(key.id, key, now));
  }
  return events.toSorted((one, other) => one.at - other.at);
}

function holderOf({ id, user, agent, application }: StoredKey): NonNullable<AuditEvent['caller']> {
  return {
    ...(user !== undefined && { user }),
    ...(agent !== undefined && { agent }),
    ...(application !== undefined && { application }),
    credential: { kind: 'api-key', id },
  };
}
