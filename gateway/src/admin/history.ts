/** What an operator sees of the time before a call: what changed since it was last approved, and what its caller did. */
import type { Operator } from '../operators/operator.ts';
import type { PastCall } from '../pipeline/contracts/history.ts';
import { isObject, readOwnJson } from '../protocol/json.ts';
import { type ArgumentChange, argumentChanges } from '../stages/approve/changes.ts';
import type { Approval } from '../stages/approve/store.ts';
import type { AdminParts } from './context.ts';

export interface ShownHistory {
  /** Since the last call of this caller to the same name that was approved; absent where there is none. */
  readonly since?: {
    /** Milliseconds since the epoch. */
    readonly at: number;
    readonly changes: readonly ArgumentChange[];
    /** More than are listed. */
    readonly more: number;
  };
  readonly recent: readonly PastCall[];
}

/** Undefined where the log does not say. */
export async function historyOf(
  { history }: Pick<AdminParts, 'history'>,
  { id: approval, owner, server, name, content }: Approval,
  { id: asker, servers }: Pick<Operator, 'id' | 'servers'>,
): Promise<ShownHistory | undefined> {
  if (content === undefined) return undefined;
  const { who: caller } = content;
  const found = await history({
    asker,
    approval,
    caller,
    owner,
    server,
    name,
    ...(servers !== undefined && { servers }),
  });
  if (found === undefined) return undefined;
  const before = found.approved === undefined ? undefined : argumentsIn(found.approved.arguments);
  if (found.approved === undefined || before === undefined) return { recent: found.recent };
  return { since: { at: found.approved.at, ...argumentChanges(before, content.arguments) }, recent: found.recent };
}

/** Of the record of an approval, which has what its digest is of. */
function argumentsIn(text: string) {
  try {
    const call = readOwnJson(text);
    return isObject(call) && isObject(call.arguments) ? call.arguments : undefined;
  } catch {
    // It was kept in another form than it came.
    return undefined;
  }
}
