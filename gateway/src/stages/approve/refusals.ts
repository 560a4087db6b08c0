/** What a call is refused with that a rule holds. */
import type { Inspected } from '../../pipeline/exchange.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import { isUnwritable } from '../../stores/sqlite/driver.ts';
import type { Approval, Request } from './store.ts';

/** Full disks are no bugs. Throws what is one. */
export function unwritten(error: unknown): Refusal {
  if (!isUnwritable(error)) throw error;
  return { reason: 'record-unavailable', detail: (error as Error).message };
}

export function notMade(made: Extract<Request, { readonly ok: false }>): Refusal {
  switch (made.reason) {
    case 'full':
      return { reason: 'too-many-approvals' };
    case 'too-large':
      return {
        reason: 'held',
        detail: 'its arguments are too large to be shown whole',
        message: 'it is too large to be approved',
      };
    case 'unkept':
      return { reason: 'record-unavailable', detail: made.detail };
  }
}

export function messageOf({ decision }: Pick<Inspected, 'decision'>): { readonly message?: string } {
  return decision.message === undefined ? {} : { message: decision.message };
}

export function reasonOf({ votes }: Approval): { readonly message?: string } {
  const reason = votes.at(-1)?.reason;
  return reason === undefined ? {} : { message: reason };
}

/** A call that goes on with another one can do so for as long as its state is taken. */
export function untilOf({ resumption }: Inspected, { expiresAt }: Approval): number {
  return Math.min(expiresAt, resumption?.expiresAt ?? expiresAt);
}
