/** What an operator that decides is at this moment. Whatever it did before, it is judged by that. */
import type { Operator } from './operator.ts';
import { permissionsOf } from './roles.ts';
import type { OperatorStore } from './store.ts';

/** `by` as records have it: `operator:dana`. Undefined for what is no operator in force, or one whose role decides nothing. */
export function deciderNow(
  store: Pick<OperatorStore, 'named'>,
  by: string,
): Pick<Operator, 'role' | 'servers' | 'user'> | undefined {
  const operator = by.startsWith('operator:') ? store.named(by.slice('operator:'.length)) : undefined;
  if (operator === undefined || operator.revokedAt !== undefined) return undefined;
  const { role, servers, user } = operator;
  if (!permissionsOf[role].has('approvals.decide')) return undefined;
  return { role, ...(servers !== undefined && { servers }), ...(user !== undefined && { user }) };
}
