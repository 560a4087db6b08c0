/** What a new revision changes that has a record of its own. */
import type { Configuration } from '../config/schema/index.ts';
import type { AuditEvent } from '../pipeline/record.ts';

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
