/** Servers that their operator takes out of service: why a call there is not made. */
import type { Snapshot } from './contracts/snapshot.ts';
import type { Refusal } from './refusal.ts';

/** `undefined` for a server that is called. */
export function outOfService(snapshot: Snapshot, server: string): Refusal | undefined {
  const state = snapshot.statusOf(server);
  if (state !== 'draining' && state !== 'disabled') return undefined;
  const { message, until } = snapshot.switched(server) ?? {};
  const seconds = until === undefined ? undefined : Math.max(1, Math.ceil((until - Date.now()) / 1_000));
  return {
    reason: 'server-disabled',
    server,
    state,
    ...(message !== undefined && { message }),
    ...(seconds !== undefined && { seconds }),
    detail: `the server is ${state}`,
  };
}
