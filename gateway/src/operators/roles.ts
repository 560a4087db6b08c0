/** What operators may do. Operators are the people and scripts that run a gateway; callers are another thing. */

export const operatorRoles = ['viewer', 'approver', 'auditor', 'administrator'] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/**
 * `approvals.list`: what waits, without its arguments. `approvals.read`: the arguments as well, which is recorded.
 * `approvals.decide`: approve and reject. `operators.read` and `operators.write`: operators, their tokens and sessions.
 */
export const permissions = [
  'approvals.list',
  'approvals.read',
  'approvals.decide',
  'operators.read',
  'operators.write',
] as const;
export type Permission = (typeof permissions)[number];

/** The one table. What is not in it is not allowed. `docs/operators.md` has it for readers, held by a test. */
export const permissionsOf: Readonly<Record<OperatorRole, ReadonlySet<Permission>>> = {
  viewer: new Set(['approvals.list']),
  approver: new Set(['approvals.list', 'approvals.read', 'approvals.decide']),
  auditor: new Set(['approvals.list', 'approvals.read', 'operators.read']),
  administrator: new Set(permissions),
};

/** Is everything that `one` may do also allowed to `other`? A token is never more than its operator. */
export function isWithin(one: OperatorRole, other: OperatorRole): boolean {
  return [...permissionsOf[one]].every((permission) => permissionsOf[other].has(permission));
}
