/** Operators by groups of an issuer: who signs in there is one for as long as an entry of the configuration says so. */
import type { SignedInUser } from '../pipeline/contracts/accounts.ts';
import type { AuditEvent } from '../pipeline/contracts/audit.ts';
import type { Operator } from './operator.ts';
import type { OperatorRole } from './roles.ts';
import type { Admission, OperatorStore } from './store.ts';

export interface GroupRole {
  readonly issuer: string;
  readonly group: string;
  readonly role: OperatorRole;
  readonly servers?: readonly string[] | undefined;
}

/** The name of such an operator is that of its user, as issuers write it: `corp/dana`, `auth0|5f3c`. */
const nameOfUser = /^[\w.@|:/+=~%-]{1,128}$/;

/** What its groups make of a user who signed in; undefined where they make nothing of it. The first entry that fits counts. */
export function admitByGroup(
  store: Pick<OperatorStore, 'admit' | 'list' | 'suspend'>,
  roles: readonly GroupRole[],
  { user, groups, issuer }: SignedInUser,
): Admission | undefined {
  const now = Date.now();
  const entry = roles.find((each) => each.issuer === issuer && groups.includes(each.group));
  if (entry === undefined || !nameOfUser.test(user)) {
    for (const each of store.list())
      if (each.user === user && each.group?.issuer === issuer && each.revokedAt === undefined)
        store.suspend(each.id, now);
    return undefined;
  }
  const { role, servers, group } = entry;
  return store.admit(
    { name: user, user, role, ...(servers !== undefined && { servers }), group: { issuer, group } },
    now,
  );
}

/** The configuration changed: an operator whose entry is gone is none, and another role or other servers hold at once. */
export function followGroups(
  store: Pick<OperatorStore, 'admit' | 'list' | 'suspend'>,
  roles: readonly GroupRole[],
  audit: { readonly note: (event: AuditEvent) => void },
): void {
  for (const operator of store.list()) {
    const after = followed(store, roles, operator);
    if (after === undefined) continue;
    const { name, role, revokedAt } = after;
    audit.note({
      kind: revokedAt === undefined ? 'operator-changed' : 'operator-revoked',
      at: Date.now(),
      detail: { operator: name, role, by: 'configuration' },
    });
  }
}

/** The operator as it is then; undefined where nothing changes. */
function followed(
  store: Pick<OperatorStore, 'admit' | 'suspend'>,
  roles: readonly GroupRole[],
  { id, name, user, group, revokedAt }: Operator,
): Operator | undefined {
  if (group === undefined || user === undefined || revokedAt !== undefined) return undefined;
  const entry = roles.find((each) => each.issuer === group.issuer && each.group === group.group);
  if (entry === undefined) {
    const suspended = store.suspend(id, Date.now());
    return suspended.ok ? suspended.operator : undefined;
  }
  const { role, servers } = entry;
  const admitted = store.admit({ name, user, role, ...(servers !== undefined && { servers }), group }, Date.now());
  return admitted.ok && admitted.change !== 'none' ? admitted.operator : undefined;
}
